"""People's pictures: every kind comes out right, and whatever else they send is refused in words, soon and safely."""

from __future__ import annotations

import io
import math
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines import story
from pipelines.darkroom import Darkroom, Negative, negative
from pipelines.render import Studio, render
from pipelines.vault import Vault
from pipelines.work import Cancelled, FilmError

from .measure import video

COVER = (384, 216)
SCENE = [(200, 40, 40), (40, 160, 60), (50, 60, 190), (230, 220, 90)]  # left to right, top to bottom
CANARY = (253, 0, 0)


@pytest.fixture
def other() -> Iterator[Darkroom]:
    """One that a test may hurt."""
    darkroom = Darkroom()
    yield darkroom
    darkroom.close()


@pytest.fixture
def develop(room: Darkroom, vault: Vault) -> Callable[..., Negative]:
    return lambda path, cover=COVER: negative(room.develop(path, cover, vault))


def quarters(width: int = 120, height: int = 80) -> Image.Image:
    """A colour in each quarter."""
    image = Image.new("RGB", (width, height))
    for i, colour in enumerate(SCENE):
        image.paste(colour, (i % 2 * width // 2, i // 2 * height // 2, (i % 2 + 1) * width // 2, (i // 2 + 1) * height // 2))
    return image


def seen(found: Negative) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, as a screen shows BT.709."""
    y, u, v = found.planes()
    colours = []
    for i in range(4):
        row, column = (2 * (i // 2) + 1) * found.height // 4, (2 * (i % 2) + 1) * found.width // 4
        luma = (float(y[row, column]) - 16) / 219
        blue, red = ((float(plane[row // 2, column // 2]) - 128) / 224 for plane in (u, v))
        rgb = luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue
        colours.append(tuple(round(255 * min(1.0, max(0.0, part))) for part in rgb))
    return colours


def near(got: list[tuple[int, ...]], wanted: list[tuple[int, ...]], most: int = 3) -> bool:
    return all(abs(a - b) <= most for one, other in zip(got, wanted, strict=True) for a, b in zip(one, other, strict=True))


KINDS = {
    "jpg": {"quality": 95, "subsampling": 0},
    "png": {},
    "webp": {"lossless": True},
    "bmp": {},
    "tiff": {"compression": "tiff_lzw"},
    "avif": {"quality": 95, "subsampling": "4:4:4"},
    "gif": {},
}


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_comes_out_in_its_colours(suffix: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    path = tmp_path / f"picture.{suffix}"
    quarters().save(path, **KINDS[suffix])
    found = develop(path)
    assert found.size == (120, 80)
    assert near(seen(found), SCENE, 6 if suffix in ("jpg", "avif") else 3)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(suffix: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    path = tmp_path / f"moving.{suffix}"
    rest = [Image.new("RGB", (120, 80), CANARY)] * 3
    quarters().save(path, save_all=True, append_images=rest, duration=100, **({"lossless": True} if suffix == "webp" else {}))
    assert near(seen(develop(path)), SCENE)


def test_what_a_file_is_tells_its_content_not_its_name(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    path = tmp_path / "picture.jpg"
    quarters().save(path, "PNG")
    assert near(seen(develop(path)), SCENE)


def test_cmyk(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    path = tmp_path / "print.jpg"
    quarters().convert("CMYK").save(path, quality=98, subsampling=0)
    assert near(seen(develop(path)), SCENE, 6)


def png16(width: int, height: int, colour_type: int, rows: bytes, *extra: tuple[bytes, bytes], depth: int = 16) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


@pytest.mark.parametrize("transparent", [False, True])
def test_sixteen_bits_grey_keep_their_tones(transparent: bool, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    tones = np.repeat(np.repeat([[10_000, 30_000], [45_000, 60_000]], 40, 0), 60, 1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in tones)
    path = tmp_path / "deep.png"
    extra = [(b"tRNS", struct.pack(">H", 60_000))] if transparent else []
    path.write_bytes(png16(120, 80, 0, rows, *extra))
    grey = [(round(tone / 257),) * 3 for tone in (10_000, 30_000, 45_000)]
    assert near(seen(develop(path)), [*grey, (233,) * 3])  # a single clear tone is drawn as it is


def test_sixteen_bits_of_colour(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    deep = np.asarray(quarters()).astype(">u2") * 257
    path = tmp_path / "deep.png"
    path.write_bytes(png16(120, 80, 2, b"".join(b"\0" + row.tobytes() for row in deep)))
    assert near(seen(develop(path)), SCENE)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_tiff(mode: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    tones = np.repeat(np.repeat([[10_000, 30_000], [45_000, 65_535]], 40, 0), 60, 1)
    kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    path = tmp_path / "deep.tiff"
    Image.fromarray((tones / (65_535 if mode == "F" else 1)).astype(kinds[mode])).save(path)
    assert near(seen(develop(path)), [(round(tone / 257),) * 3 for tone in (10_000, 30_000, 45_000, 65_535)])


def test_transparency_lies_on_white(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    clear, half = quarters().convert("RGBA"), quarters().convert("RGBA")
    clear.paste((200, 0, 0, 0), (0, 0, 60, 40))
    clear.save(tmp_path / "clear.png")
    assert near(seen(develop(tmp_path / "clear.png")), [(255, 255, 255), *SCENE[1:]])
    half.putalpha(128)
    half.save(tmp_path / "half.webp", lossless=True)
    mixed = [tuple(round(255 + (part - 255) * 128 / 255) for part in colour) for colour in SCENE]
    assert near(seen(develop(tmp_path / "half.webp")), mixed)
    grey = Image.new("LA", (120, 80), (90, 255))
    grey.paste((0, 0), (0, 0, 60, 40))
    grey.save(tmp_path / "grey.png")
    assert near(seen(develop(tmp_path / "grey.png")), [(255,) * 3, (90,) * 3, (90,) * 3, (90,) * 3])


def test_a_palette_with_a_clear_colour(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    image = quarters().quantize(4)
    index = image.getpixel((30, 20))
    for suffix in ("png", "gif"):
        image.save(tmp_path / f"few.{suffix}", transparency=index)
        assert near(seen(develop(tmp_path / f"few.{suffix}")), [(255, 255, 255), *SCENE[1:]])


def test_two_tones(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    image = Image.new("1", (120, 80))
    image.paste(1, (0, 0, 60, 40))
    image.save(tmp_path / "fax.tiff", compression="group4")
    assert near(seen(develop(tmp_path / "fax.tiff")), [(255,) * 3, (0,) * 3, (0,) * 3, (0,) * 3])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_it_stands_upright(orientation: int, suffix: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    turn = Image.Transpose
    lay = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE}
    lay |= {6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}
    stored = quarters().transpose(lay[orientation]) if orientation > 1 else quarters()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"phone.{suffix}"
    stored.save(path, exif=exif, **KINDS[suffix])
    found = develop(path)
    assert found.size == (120, 80)
    assert near(seen(found), SCENE, 6)


@pytest.mark.parametrize("said", [0, 9, 255])
def test_a_senseless_orientation_is_none(said: int, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    exif = Image.Exif()
    exif[0x0112] = said
    quarters().save(tmp_path / "phone.png", exif=exif)
    found = develop(tmp_path / "phone.png")
    assert found.size == (120, 80)
    assert near(seen(found), SCENE)


@pytest.mark.parametrize(("orientation", "size"), [(1, (4000, 3000)), (6, (3000, 4000))])
def test_a_large_photograph_is_made_as_small_as_needed(
    orientation: int, size: tuple[int, int], tmp_path: Path, develop: Callable[..., Negative]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    quarters(4000, 3000).save(tmp_path / "large.jpg", exif=exif)
    found = develop(tmp_path / "large.jpg")
    assert found.size == size
    assert found.width >= COVER[0] and found.height >= COVER[1]
    assert found.width == COVER[0] or found.height == COVER[1]
    assert not (found.width % 2 or found.height % 2)


def profile(primaries: list[tuple[float, float, float]], gamma: float) -> bytes:
    """An ICC profile (version 2, matrix and curve) with those red, green and blue in XYZ of D50."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"Wide test screen\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(79)
    tags = [(b"desc", text + bytes(-len(text) % 4)), (b"wtpt", xyz((0.9642, 1.0, 0.8249)))]
    tags += [(key + b"XYZ", xyz(one)) for key, one in zip((b"r", b"g", b"b"), primaries, strict=True)]
    tags += [(key + b"TRC", curve) for key in (b"r", b"g", b"b")]
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, data in tags:
        table += key + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12)
    head += b"acsp" + bytes(28) + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


P3 = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
SRGB = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]


def as_srgb(colour: tuple[int, ...]) -> tuple[int, ...]:
    """What a wide screen's colour (gamma 2.2) is in sRGB."""
    linear = (np.array(colour) / 255) ** 2.2
    there = np.linalg.inv(np.array(SRGB).T) @ np.array(P3).T @ linear
    curved = [1.055 * part ** (1 / 2.4) - 0.055 if part > 0.0031308 else 12.92 * part for part in there.clip(0, 1)]
    return tuple(round(255 * part) for part in curved)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "avif"])
def test_a_wide_colour_profile_is_obeyed(suffix: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    soft = [(180, 90, 70), (90, 150, 100), (100, 90, 170), (200, 190, 120)]
    image = quarters()
    for i, colour in enumerate(soft):
        image.paste(colour, (i % 2 * 60, i // 2 * 40, i % 2 * 60 + 60, i // 2 * 40 + 40))
    image.save(tmp_path / f"wide.{suffix}", icc_profile=profile(P3, 2.2), **KINDS[suffix])
    wanted = [as_srgb(colour) for colour in soft]
    assert not near(wanted, soft, 8)  # else nothing is tested
    assert near(seen(develop(tmp_path / f"wide.{suffix}")), wanted, 6 if suffix in ("jpg", "avif") else 3)


def test_a_profile_holds_for_palettes_and_clear_pictures_too(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    image = Image.new("RGB", (120, 80), (180, 90, 70))
    wanted = [as_srgb((180, 90, 70))] * 4
    image.quantize(4).save(tmp_path / "few.png", icc_profile=profile(P3, 2.2))
    assert near(seen(develop(tmp_path / "few.png")), wanted)
    image.convert("RGBA").save(tmp_path / "clear.png", icc_profile=profile(P3, 2.2))
    assert near(seen(develop(tmp_path / "clear.png")), wanted)


@pytest.mark.parametrize("broken", [b"nonsense", profile(P3, 2.2)[:200], bytes(4000)])
def test_a_broken_profile_does_not_cost_the_picture(broken: bytes, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    quarters().save(tmp_path / "odd.png", icc_profile=broken)
    assert near(seen(develop(tmp_path / "odd.png")), SCENE)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (17, 15), (1, 40), (8000, 300), (300, 8000)])
def test_any_shape(size: tuple[int, int], tmp_path: Path, develop: Callable[..., Negative]) -> None:
    Image.new("RGB", size, (90, 120, 150)).save(tmp_path / "odd.png")
    found = develop(tmp_path / "odd.png")
    assert found.size == size
    assert near(seen(found), [(90, 120, 150)] * 4)
    assert found.width * found.height <= max(4, 2 * size[0] * size[1])


NAMES = [
    "it's \"quoted\", isn't it.png",
    "a,b;c=d:e[0]{1}(2)'.png",
    "-rf --help.png",
    "-i",
    "two\nlines\r.png",
    "\u202egnp.exe.png",
    "%d%05d%n.png",
    "$(touch oops)`id`.png",
    "concat:a|b.png",
    "  blanks  ",
    "😀" * 62 + ".png",
    "\udcff\udcfe.png",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name(name: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    path = tmp_path / name
    try:
        quarters().save(path, "PNG")
    except OSError:
        pytest.skip("the file system has no such names")
    assert near(seen(develop(path)), SCENE)
    assert not list(tmp_path.glob("oops*"))


def test_a_name_of_255_bytes_is_covered() -> None:
    assert max(len(os.fsencode(name)) for name in NAMES) > 250


def test_a_picture_is_developed_once(tmp_path: Path, room: Darkroom, vault: Vault) -> None:
    quarters().save(tmp_path / "a.png")
    first = room.develop(tmp_path / "a.png", COVER, vault)
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    again = room.develop(tmp_path / "b.png", COVER, vault)
    assert (first.reused, again.reused, again.path) == (False, True, first.path)
    assert not room.develop(tmp_path / "b.png", (64, 64), vault).reused


# What is refused ------------------------------------------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    squeezed = zlib.compressobj(1)
    row = bytes(1 + -(-width // 8))
    data = b"".join(squeezed.compress(row * 500) for _ in range(height // 500)) + squeezed.flush()
    return png16(width, height, 0, b"", depth=1).replace(zlib.compress(b"", 1), data)


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


JPEG = saved(quarters(640, 480).effect_spread(30), "JPEG", quality=90)
PNG = saved(quarters(640, 480).effect_spread(30), "PNG")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><rect width="99" height="99" fill="#fd0000"/></svg>'
WRONG: dict[str, tuple[str, bytes]] = {
    "30000.png": ("megapixels", bomb(30_000, 30_000)),
    "13000.png": ("megapixels", bomb(13_000, 13_000)),
    "cut-a-little.jpg": ("damaged", JPEG[: len(JPEG) * 9 // 10]),
    "cut-in-half.jpg": ("damaged", JPEG[: len(JPEG) // 2]),
    "cut.png": ("damaged", PNG[: len(PNG) // 2]),
    "header-only.png": ("not a picture", PNG[:40]),
    "empty.jpg": ("not a picture", b""),
    "zeros.png": ("not a picture", bytes(5000)),
    "drawing.svg": ("not a picture", SVG),
    "drawing.png": ("not a picture", SVG),
    "page.jpg": ("not a picture", b"<!DOCTYPE html><html><body><img src='x'></body></html>"),
    "text-bomb.png": ("damaged", PNG[:33] + png16(1, 1, 0, b"", (b"zTXt", b"a\0\0" + zlib.compress(bytes(80 << 20), 1)))[33:-40] + PNG[33:]),
    "document.pdf": ("not a picture", b"%PDF-1.7\n1 0 obj <<>> endobj\n"),
    "script.eps": ("not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "film.mp4": ("not a picture", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(400)),
    "no-end.gif": ("not a picture", saved(quarters(), "GIF")[:30]),
    "long.png": ("long and narrow", saved(Image.new("L", (30_000, 20)), "PNG")),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_refused_in_words(name: str, tmp_path: Path, develop: Callable[..., Negative]) -> None:
    why, content = WRONG[name]
    (tmp_path / name).write_bytes(content)
    started = time.monotonic()
    with pytest.raises(FilmError, match=why) as raised:
        develop(tmp_path / name)
    assert time.monotonic() - started < 5
    assert raised.value.hint
    assert str(tmp_path) not in str(raised.value)


def test_broken_files_never_break_the_darkroom(tmp_path: Path, other: Darkroom, vault: Vault) -> None:
    drawn = random.Random(4)
    exif = Image.Exif()
    exif[0x0112] = 6
    names = {"jpg": "JPEG", "tiff": "TIFF"}
    whole = [saved(quarters(48, 32), names.get(suffix, suffix.upper()), **more) for suffix, more in KINDS.items()]
    whole += [saved(quarters(48, 32), kind, exif=exif, icc_profile=profile(P3, 2.2)) for kind in ("JPEG", "PNG", "AVIF", "TIFF")]
    for i in range(110):
        data = bytearray(whole[i % len(whole)])
        for _ in range(drawn.choice((1, 4, 16))):
            data[drawn.randrange(min(len(data), drawn.choice((60, 10**6))))] = drawn.choice((0, 255, drawn.randrange(256)))
        (tmp_path / "broken").write_bytes(data)
        try:
            other.develop(tmp_path / "broken", (16, 16), vault)
        except FilmError as error:
            assert re.search("not a picture|damaged|megapixels|long and narrow", error.message)


def memory(pid: int) -> int:
    """The most megabytes that a process has had."""
    told = Path(f"/proc/{pid}/status").read_text()
    return int(told.split("VmHWM:")[1].split()[0]) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_bombs_cost_no_memory(tmp_path: Path, other: Darkroom, vault: Vault) -> None:
    quarters().save(tmp_path / "good.png")
    other.develop(tmp_path / "good.png", COVER, vault)
    assert other._child
    before, own = memory(other._child.pid), memory(os.getpid())
    for name in ("30000.png", "13000.png", "text-bomb.png"):
        (tmp_path / name).write_bytes(WRONG[name][1])
        with pytest.raises(FilmError):
            other.develop(tmp_path / name, COVER, vault)
    assert memory(other._child.pid) - before < 40
    assert memory(os.getpid()) - own < 40


def test_places_where_no_picture_is(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(FilmError, match="not a file"):
        develop(tmp_path / "folder")
    with pytest.raises(FilmError, match="not there"):
        develop(tmp_path / "gone.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(FilmError, match="not a file"):
            develop(tmp_path / "pipe.png")
    if Path("/dev/zero").exists():
        with pytest.raises(FilmError, match="not a file"):
            develop(Path("/dev/zero"))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that nobody can read from its start")
def test_a_file_that_cannot_be_read(develop: Callable[..., Negative]) -> None:
    with pytest.raises(FilmError, match="cannot be read"):
        develop(Path("/proc/self/mem"))


def test_a_picture_that_vanishes(tmp_path: Path, room: Darkroom, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "here.png"
    quarters().save(path)
    make = vault.make

    def gone(*args: object) -> object:
        path.unlink()
        return make(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(vault, "make", gone)
    with pytest.raises(FilmError, match="not there any more"):
        room.develop(path, COVER, vault)


def test_after_a_crash_the_next_picture_works(tmp_path: Path, other: Darkroom, vault: Vault) -> None:
    for i in range(3):
        quarters(100 + 2 * i).save(tmp_path / f"{i}.png")
    other.develop(tmp_path / "0.png", COVER, vault)
    assert other._child
    other._child.send_signal(signal.SIGKILL)
    assert not other.develop(tmp_path / "1.png", COVER, vault).reused  # whether it was seen to be gone or not
    other.close()
    with pytest.raises(Cancelled):  # a closed darkroom starts nobody
        other.develop(tmp_path / "2.png", COVER, vault)


def test_a_picture_that_takes_for_ever_is_given_up(
    tmp_path: Path, other: Darkroom, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarters().save(tmp_path / "a.png")
    monkeypatch.setattr("pipelines.darkroom.PATIENCE", 0.001)
    with pytest.raises(FilmError, match="memory or time"):
        other.develop(tmp_path / "a.png", COVER, vault)


def test_the_studio_itself_decodes_nothing(tmp_path: Path) -> None:
    quarters().save(tmp_path / "a.png")
    code = (
        "import sys; from pathlib import Path; from pipelines.darkroom import Darkroom, negative; from pipelines.vault import Vault\n"
        "import cv2; cv2.imread = cv2.imdecode = cv2.VideoCapture = None  # it measures planes of ours, and opens no file\n"
        "d = Darkroom(); negative(d.develop(Path(sys.argv[1]), (64, 36), Vault(Path(sys.argv[2])))).planes(); d.close()\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('PIL', 'imageio')))"
    )
    args = [sys.executable, "-c", code, str(tmp_path / "a.png"), str(tmp_path / "vault")]
    assert subprocess.run(args, capture_output=True, text=True, check=True).stdout == "[]\n"
    sources = [path.read_text("utf-8") for path in (Path(__file__).parents[1] / "pipelines").rglob("*.py")]
    assert not [1 for text in sources if re.search(r"\b(?:imread|imdecode|VideoCapture)\b", text)]


# Disguises ------------------------------------------------------------------------------------------------------------


def disguises(folder: Path) -> dict[str, bytes]:
    """Files that would have a player open the canary beside them."""
    video(folder / "canary.mp4", [np.full((72, 128, 3), CANARY, np.uint8)] * 5, 24)
    video(folder / "canary.ts", [np.full((72, 128, 3), CANARY, np.uint8)] * 5, 24, muxer="mpegts")
    Image.new("RGB", (128, 72), CANARY).save(folder / "canary.png")
    segments = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    whole = (folder / "canary.ts").resolve()
    picture = f'<image href="{folder / "canary.png"}" xlink:href="canary.png" width="9" height="9"/>'
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"'
        ' type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1">'
        "<BaseURL>canary.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    return {
        "hls": segments.format("canary.ts").encode(),
        "hls-file": segments.format(f"file://{whole}").encode(),
        "hls-whole": segments.format(whole).encode(),
        "ffconcat": b"ffconcat version 1.0\nfile canary.mp4\n",
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">{picture}</svg>'.encode(),
        "html": b'<html><body><video src="canary.mp4" autoplay></video><img src="canary.png"></body></html>',
        "dash": dash.encode(),
        "dash-in-mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + dash.encode(),
    }


ENDINGS = ("jpg", "png", "gif", "webp", "avif", "m3u8", "txt", "mp4", "")


def test_no_disguise_gets_into_a_film(tmp_path: Path, studio: Studio) -> None:
    content = disguises(tmp_path)
    paths = []
    for kind, data in content.items():
        for ending in ENDINGS:
            paths.append(tmp_path / (f"{kind}.{ending}" if ending else kind))
            paths[-1].write_bytes(data)
    for some in (paths[::2], paths[1::2]):
        scenes = [{"image": path, "duration": 1} for path in some]
        told = story.read({"scenes": scenes, "music": "none", "size": "128x72"}, studio.presets)
        with pytest.raises(FilmError) as raised:
            render(told, studio, lambda _event: None, tmp_path / "film.mp4")
        assert all("not a picture" in fault.message for fault in raised.value.faults)
        assert [fault.where for fault in raised.value.faults] == [f"scenes[{i}].image" for i in range(len(some))]
    assert not (tmp_path / "film.mp4").exists()
    assert not list(studio.vault.root.glob("negative/*/*"))


def test_the_canary_would_be_seen(tmp_path: Path, develop: Callable[..., Negative]) -> None:
    disguises(tmp_path)
    assert math.dist(seen(develop(tmp_path / "canary.png"))[0], CANARY) < 4
