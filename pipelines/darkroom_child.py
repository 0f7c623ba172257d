"""The child of darkroom.py: reads one order a line, opens the picture with Pillow, writes planes, answers in JSON.

Runs by itself with limits on memory, file size and open files; imports nothing of ours.
"""

import json
import os
import struct
import sys
import warnings

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MEGAPIXELS = 50
PIXELS = MEGAPIXELS * 1_000_000
LONGEST = 100  # times as long as wide
MEMORY = 3 << 30
NICE = 10
LEAST = 256  # pixels; in smaller pictures every row counts
WHITE = (255, 255, 255)
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # the EXIF tag; with these, width and height change places
# R'G'B' to BT.709 Y'CbCr, limited range
TO_YUV = (
    *(0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16.0),
    *(-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.5 * 224 / 255, 128.0),
    *(0.5 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128.0),
)


class Refused(Exception):
    """(what is wrong, how to mend it)"""


def confine() -> None:
    """Limits where the system has them."""
    try:
        import resource
    except ImportError:
        return
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 1 << 30), (resource.RLIMIT_NOFILE, 64)):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):
            pass  # the system allows less already, or does not know this one


def opened(path: str, cover: tuple[int, int], clear: bool = False) -> Image.Image:
    """The picture, whole and upright, in RGB; in RGBA if it is to stay `clear` where it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with open(path, "rb") as file, Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > PIXELS:
                raise Image.DecompressionBombError
            if max(image.size) > LONGEST * max(LONGEST, min(image.size)):
                raise Refused("The picture is too long and narrow.", "Cut it to the part that matters.")
            size = image.size
            image.draft("RGB", (cover[0] * 2, cover[1] * 2))  # a large JPEG is decoded smaller, which is faster
            image.load()
            orientation = lies(image)
            upright = ImageOps.exif_transpose(image) if orientation else image
            if orientation in TURNED:
                size = size[::-1]
            rgb = cut_out(upright) if clear else colours(upright)
            rgb.info["size"] = size
            return rgb


def lies(image: Image.Image) -> int:
    """How the picture lies after EXIF: 2 to 8; 0 if it stands upright, or if nothing sensible is said."""
    try:
        said = image.getexif().get(ORIENTATION)
    except (OSError, ValueError, SyntaxError, LookupError, TypeError, struct.error):
        return 0
    return said if isinstance(said, int) and 2 <= said <= 8 else 0


def colours(image: Image.Image) -> Image.Image:
    """Any mode to sRGB: 16 bits are scaled, transparency is flattened on white, a colour profile is obeyed."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        high = float(image.getextrema()[1])  # type: ignore[arg-type]
        full = max(high, 65535.0 if image.mode.startswith("I") else 1e-9)
        image = image.convert("F").point(lambda value: value * (255.0 / full) + 0.5).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        flat = Image.new("RGBA", image.size, (*WHITE, 255))
        flat.alpha_composite(image.convert("RGBA"))
        image = flat.convert("RGB")
    elif image.mode == "P":
        image = image.convert("RGB")
    return in_srgb(image, profile)


def cut_out(image: Image.Image) -> Image.Image:
    """Any mode to sRGB with its transparency."""
    if image.mode not in ("RGBA", "LA", "PA", "La", "RGBa") and "transparency" not in image.info:
        return colours(image).convert("RGBA")
    whole = image.convert("RGBA")
    rgb = in_srgb(whole.convert("RGB"), image.info.get("icc_profile"))
    rgb.putalpha(whole.getchannel("A"))
    return rgb


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours that a profile means, where it can be read."""
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return in_rgb(image)
    import io

    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(given):
            return in_rgb(image)
        made = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return in_rgb(image)  # a broken profile is no reason to refuse a picture
    return made if made is not None else in_rgb(image)


def in_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def kept(size: tuple[int, int], cover: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """How much of an upright picture is used, and how large its Y plane becomes, both (width, height)."""
    scale = min(1.0, max(cover[0] / size[0], cover[1] / size[1]))
    if scale == 1.0 and min(size) >= LEAST:  # an odd row or column is less than a whole resizing
        size = (size[0] // 2 * 2, size[1] // 2 * 2)
    return size, (max(2, round(size[0] * scale / 2) * 2), max(2, round(size[1] * scale / 2) * 2))


def develop(path: str, cover: tuple[int, int], out: str) -> dict[str, int]:
    image = opened(path, cover)
    given = image.info["size"]
    size, (width, height) = kept(given, cover)
    if image.size == given != size:
        image = image.crop((0, 0, *size))
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    _, u, v = image.reduce(2).convert("RGB", TO_YUV).split()
    with open(out, "wb") as file:
        file.write(image.convert("L", TO_YUV[:4]).tobytes())
        for plane in (u, v):
            file.write(plane.tobytes())
    return {"original_width": size[0], "original_height": size[1], "width": width, "height": height}


def cut(path: str, box: tuple[int, int], out: str) -> dict[str, int]:
    """The picture with its transparency, as large as fits the box, as rows of R, G, B, A."""
    image = opened(path, box, clear=True)
    scale = min(box[0] / image.width, box[1] / image.height)
    size = max(2, round(image.width * scale / 2) * 2), max(2, round(image.height * scale / 2) * 2)
    # resized with its colours as faint as they are seen, so that what is unseen does not bleed into edges
    image = image.convert("RGBa").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0).convert("RGBA")
    with open(out, "wb") as file:
        file.write(image.tobytes())
    return {"width": size[0], "height": size[1]}


def answer(order: dict[str, object]) -> dict[str, object]:
    kinds = "Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF."
    try:
        if "box" in order:
            box = order["box"]
            return dict(cut(str(order["path"]), (box[0], box[1]), str(order["out"])))  # type: ignore[index]
        cover = order["cover"]
        return dict(develop(str(order["path"]), (cover[0], cover[1]), str(order["out"])))  # type: ignore[index]
    except Refused as error:
        return {"error": error.args[0], "hint": error.args[1]}
    except UnidentifiedImageError:
        return {"error": "The file is not a picture that can be read.", "hint": kinds}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"error": f"The picture has more than {MEGAPIXELS} megapixels.", "hint": "Make it smaller and try again."}
    except MemoryError:
        return {"error": "The picture asks for too much memory.", "hint": "Make it smaller and try again."}
    except FileNotFoundError:
        return {"error": "The picture is not there any more.", "hint": "Put it back, or choose another."}
    except PermissionError:
        return {"error": "The picture may not be read.", "hint": "Allow reading it, or choose another."}
    except (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError, struct.error) as error:
        if isinstance(error, OSError) and error.errno == 28:
            return {"full": True}
        return {"error": "The picture is damaged or not complete.", "hint": "Save it anew, or choose another."}


def main() -> None:
    confine()
    Image.MAX_IMAGE_PIXELS = PIXELS
    for i, line in enumerate(sys.stdin.buffer):
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
        if i == 0 and hasattr(os, "nice"):
            os.nice(NICE)  # somebody waits for the first picture; from here on the first clip comes first


if __name__ == "__main__":
    main()
