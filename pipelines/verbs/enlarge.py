"""A video larger by a model, picture by picture; what is done already is kept. Knows no squares and no weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..clip import Clip, Rush, planes
from ..clips._reel import write
from ..gear.enlarger import Asked, Enlarger
from ..marks import LEARNED
from ..plan import Frame
from ..policy import check_texts
from ..reel import Piece, Reel
from ..stage import Studio
from ..upscale import boxed
from ..vault import Notes, digest
from ..watermark import inked
from ..work import FilmError, Tick, idle, part
from .cutting import Cut, Cutting, cutting

if TYPE_CHECKING:
    from ..reel import Picture

AT_ONCE = 12  # pictures that are kept together


@dataclass(frozen=True, slots=True)
class Enlarge:
    """As large as fits into `box` (width, height), by a `model` of the upscalers; auto: the first that is here."""

    box: tuple[int, int]
    model: str = "auto"
    prompt: str = ""
    seed: int = 0


def enlarger(studio: Studio, named: str) -> Enlarger:
    """The model of that name, ready to work; FilmError with the remedy if it is not."""
    known = studio.presets.upscalers.values() if named == "auto" else [studio.presets.pick("upscalers", named)]
    every: list[Enlarger] = [studio.crew.upscaler(model) for model in known]
    found = next((one for one in every if one.missing() is None), None)
    if found is None:
        first = every[0] if every else None
        raise FilmError(f"{first.model.label if first else 'An upscaler'} cannot be used here.", str(first.missing()) if first else "upscalers.toml names none.", "model")
    return found


def enlarge(video: Path, how: Enlarge, studio: Studio, out: Path, tick: Tick = idle) -> Cut:
    """One video, larger; its pace, its length and its sound stay."""
    check_texts({"prompt": how.prompt}, studio.policy)
    by = enlarger(studio, how.model)
    with cutting(studio, out) as desk:
        own = desk.open(video)
        size = boxed(video.name, (own.frame.width, own.frame.height), how.box)
        frame = Frame(*size, own.frame.rate)
        pictures = _pictures(desk, own, by, Asked(how.prompt, how.seed), frame, digest(video), tick)
        if studio.marks.watermark:
            pictures = inked(pictures, *size)
        sound = [Piece(own, 0.0, own.seconds)]
        said = f"{size[0]}x{size[1]}, drawn anew by {by.model.label}"
        return desk.finish(pictures, own.count, frame, sound, idle, said, by=(by.model.label, LEARNED))


def _pictures(desk: Cutting, own: Reel, by: Enlarger, asked: Asked, frame: Frame, whose: str, tick: Tick) -> Iterator[Picture]:
    size = frame.width, frame.height
    for first in range(0, own.count, AT_ONCE):
        count = min(AT_ONCE, own.count - first)
        share = part(tick, first / own.count, (first + count) / own.count)

        def build(out: Path, first: int = first, count: int = count, share: Tick = share) -> Notes:
            given = [rgb(one) for one in own.frames(first, count)]
            with desk.studio.crew.turn(by, share):
                made = by.larger(given, asked, share)
            return write([_sized(one, size) for one in made], count, size, frame.rate, out, idle)

        kept = desk.studio.vault.make("larger", ".mp4", [whose, first, count, own.frame, size, by.recipe(asked)], build)
        yield from Rush(Clip(kept.path, count, frame.rate, *size), frame, "stretch", Fraction(1)).frames(0, count)


def _sized(picture: Picture, size: tuple[int, int]) -> Picture:
    way = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def rgb(picture: Picture) -> Picture:
    """An I420 picture, BT.709 in limited range, chroma sited on the left, as RGB (height, width, 3)."""
    luma, *chroma = (plane.astype(np.float32) for plane in planes(picture))
    size = luma.shape[1], luma.shape[0]
    there = np.array([[0.5, 0, 0], [0, 0.5, -0.25]])
    blue, red = (cv2.warpAffine(one - 128, there, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE) / 224 for one in chroma)
    light = (luma - 16) / 219
    seen = np.stack([light + 1.5748 * red, light - 0.187324 * blue - 0.468124 * red, light + 1.8556 * blue], -1)
    return np.asarray((seen.clip(0, 1) * 255).round(), np.uint8)
