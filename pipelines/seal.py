"""The last thing that happens to a film: it is signed and put in its place, and what marks it carries is told.

Knows no scene. A film that cannot be signed is still a film: it is delivered unsigned, and says so.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import credentials, tag
from .events import Warned
from .marks import Account, Marks
from .vault import disk, replacing
from .work import FilmError

if TYPE_CHECKING:
    from PIL.Image import Image

OFF = "left out, as REELWRIGHT_MARKS says"


def seal(made: Path, out: Path, account: Account, marks: Marks, drawn: bool = True) -> tuple[dict[str, str], tuple[Warned, ...]]:
    """`made`, signed if the marks say so, as the new file `out`. `drawn`: our watermark is in its pictures.

    -> a sentence for each mark, and what people should be warned of. `made` has its tag already.
    """
    told = {"made": account.said}
    warned: list[Warned] = []
    if marks.identity is None:
        shutil.copyfile(made, out)
        told["credentials"] = f"Content Credentials: {OFF}."
    else:
        try:
            credentials.sign(made, out, account, marks.identity)
            whose = "self-made" if marks.identity.folder else marks.identity.chain.name
            told["credentials"] = f"Content Credentials, signed ({whose} certificate)."
        except FilmError as error:
            shutil.copyfile(made, out)
            told["credentials"] = error.message
            warned.append(Warned(error.message, error.hint))
    told["watermark"] = "Watermark in every frame." if marks.watermark and drawn else "Watermark: none of ours was drawn." if marks.watermark else f"Watermark: {OFF}."
    told["tag"] = f"Tag: {account.source}." if marks.tag else f"Tag: {OFF}."
    return told, tuple(warned)


def pictured(image: Image, kind: str, out: Path, account: Account, marks: Marks) -> tuple[Warned, ...]:
    """A picture of ours as the new file `out`, a PNG or a JPEG (`kind`), tagged and signed if the marks say so.

    -> what people should be warned of; one that cannot be signed is still a picture.
    """
    from PIL.PngImagePlugin import PngInfo

    xmp, more = tag.packet(account), dict[str, object]()
    if marks.tag and kind == "PNG":
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp)  # type: ignore[attr-defined]
    elif marks.tag:
        more["xmp"] = xmp.encode()
    if marks.identity is None:
        image.save(out, kind, quality=93, **more)
        return ()
    made = out.with_name(f"{out.name}.unsigned")
    try:
        image.save(made, kind, quality=93, **more)
        credentials.sign(made, out, account, marks.identity, f"image/{kind.lower()}")
    except FilmError as error:
        shutil.copyfile(made, out)
        return (Warned(error.message, error.hint),)
    finally:
        made.unlink(missing_ok=True)
    return ()


def placed(made: Path, out: Path, account: Account, marks: Marks, drawn: bool = True) -> tuple[dict[str, str], tuple[Warned, ...]]:
    """Tag, sign and put a finished file of ours where it was asked for, whole or not at all."""
    if marks.tag:
        tag.add(made, tag.packet(account))
    with disk():
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as beside:
            return seal(made, beside, account, marks, drawn)
