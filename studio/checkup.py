"""What `doctor` finds: the settings in force and whether this machine has what films need."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from pipelines.work import FilmError

from .settings import GIGA, PREFIX, Settings, studio

if TYPE_CHECKING:
    from pipelines.stage import Studio

ROOM = 2 * GIGA
Finding = tuple[bool, str, str]


def findings(own: Settings) -> list[Finding]:
    """(good, what, hint) in the order in which they are read."""
    out: list[Finding] = [(sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}", "")]
    for name in Settings.model_fields:
        source = "set" if PREFIX + name.upper() in os.environ or name in own.model_fields_set else "default"
        out.append((True, f"{PREFIX}{name.upper()}={getattr(own, name)} ({source})", ""))
    out += [_ffmpeg(), *_folder(own)]
    try:
        built = studio(own)
    except FilmError as error:
        return [*out, (False, error.message, error.hint)]
    out.append((True, f"{sum(1 for _ in (built.fonts).glob('*.ttf'))} fonts", ""))
    for role, name, engine in built.crew.everybody():
        lack = engine.missing()
        out.append((True, f"{role}: {name} ({engine.label})", f"missing: {lack}" if lack else ""))
    out += _marks(built)
    built.crew.close()
    return out


def _marks(built: Studio) -> list[Finding]:
    """How films are marked here, and whether they can be signed."""
    from pipelines import certificate, credentials

    found: list[Finding] = [(True, "watermark: " + ("in every frame" if built.marks.watermark else "left out"), "")]
    if built.marks.identity is None:
        found.append((True, "Content Credentials: left out", ""))
    elif lack := credentials.missing():
        found.append((False, "Content Credentials: films are not signed", lack))
    else:
        try:
            certificate.pair(built.marks.identity)
            whose = "self-made" if built.marks.identity.folder else built.marks.identity.chain.name
            found.append((True, f"Content Credentials: signed ({whose} certificate)", ""))
        except FilmError as error:
            found.append((False, error.message, error.hint))
    return found


def _ffmpeg() -> Finding:
    from pipelines import ffmpeg

    try:
        version = ffmpeg.version()
    except FilmError as error:
        return False, error.message, error.hint
    numbers = tuple(int(part) for part in version.lstrip("n").split("-")[0].split(".") if part.isdigit())
    good = not numbers or numbers >= ffmpeg.OLDEST
    wanted = ".".join(map(str, ffmpeg.OLDEST))
    return good, f"ffmpeg {version}", "" if good else f"Older than {wanted}: pip install --upgrade imageio-ffmpeg"


def _folder(own: Settings) -> list[Finding]:
    try:
        own.data.mkdir(parents=True, exist_ok=True)
        writable = os.access(own.data, os.W_OK)
        free = shutil.disk_usage(own.data).free
    except OSError as error:
        return [(False, f"{own.data}: {error.strerror}", f"Set {PREFIX}DATA to another folder.")]
    hint = "" if free > ROOM else "Free some space, or set REELWRIGHT_DATA to another disk."
    return [
        (writable, f"{own.data} can be written", "" if writable else f"Set {PREFIX}DATA to another folder."),
        (free > ROOM, f"{free / GIGA:.1f} GB free", hint),
    ]
