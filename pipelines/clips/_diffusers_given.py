"""Moving pictures that a shot of diffusers' goes by: made over, gone on from, or the way from one picture to another.

Reads them at the model's size and rate and puts them as each kind of pipeline takes them. Knows no film.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from ..plan import Reach, Shot
from ..work import FilmError
from ._diffusers_call import PRESSED
from ._diffusers_plan import Mode, Options, Piece, frames, run
from ._reel import pressed
from ._window import Window

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    Picture = NDArray[uint8]

SHARED = 8  # frames of a piece that the next one makes over too, where the model does not say


def reach(told: Options) -> Reach:
    """What a model can do with moving pictures."""
    shared = told.overlap if told.extend else min(SHARED, told.most // 4)
    most = (told.most - told.plus) // told.step * told.step + told.plus
    ways = {"over": bool(told.v2v), "first": bool(told.extend), "ends": bool(told.ends)}
    return Reach(**ways, longest=(most - 1) / told.fps, shared=(shared - 1) / told.fps)


def parts(shot: Shot, told: Options) -> list[Piece]:
    """The clips of a shot that goes by moving pictures, in their order. FilmError if the model cannot."""
    given = shot.given
    assert given is not None
    seconds = shot.frame.seconds(shot.frames)
    count = ceil(seconds * told.fps - 1e-6) + 1  # the last moment lies between two frames
    mode: Mode = "v2v" if given.over else "ends" if given.last else "extend"
    if not getattr(told, mode):
        said = {"v2v": "makes no video over", "ends": "does not find the way from one picture to another", "extend": "does not go on from a video"}
        raise FilmError(f"This model {said[mode]}.", "Choose another: `reelwright engines` says what each can.")
    return run("extend", count, told) if mode == "extend" else [Piece(mode, frames(count, told))]


@dataclass(frozen=True, slots=True)
class Held:
    """A shot's moving pictures at the model's size and rate. `strength`: the model's own number."""

    window: Window
    over: list[Picture]
    first: list[Picture]
    last: list[Picture]
    strength: float

    @classmethod
    def of(cls, shot: Shot, told: Options, size: tuple[int, int]) -> Held:
        """Read from the shot's files."""
        given = shot.given
        assert given is not None
        window = Window.of(size, shot.frame.width / shot.frame.height)
        over, first, last = (window.read(path, told.fps) if path else [] for path in given.files)
        first = first[: told.overlap] if given.over or not given.last else first[-1:]
        whole = (len(first) - told.plus) // told.step * told.step + told.plus  # of so many a model can tell apart
        first = first[: max(1, whole)]
        return cls(window, over, first, last[:1], told.strengths.get(given.strength, 1.0))

    def asked(self, pipe: Any, told: Options, piece: Piece) -> dict[str, Any]:
        """The arguments of the call that makes the piece, as the pipeline of its mode takes them."""
        from PIL import Image

        over = [Image.fromarray(one) for one in (self.over + self.over[-1:] * piece.frames)[: piece.frames]]
        first, last = ([Image.fromarray(one) for one in some] for some in (self.first, self.last))
        if piece.mode == "ends" and told.given == "image":
            return {"image": first[-1], "last_image": last[0]}
        if told.given == "ltx2":
            return _ltx2(first, last)
        strength = {"strength": max(self.strength, 1.001 / told.steps)}  # a step at least
        if told.given == "vace":
            return _vace(over, first, last, piece.frames) | (strength if over else {})
        if told.given == "ltx":
            ends = [(first, 0), *([(last, piece.frames - 1)] if last else [])] if first else []
            return _ltx(pipe, over, ends) | (strength if over else {})
        return {"video": over} | strength


def grey(pictures: list[Any]) -> list[Any]:
    """What of them is to stay: light and shapes, not colours."""
    return [one.convert("L").convert("RGB") for one in pictures]


def _vace(over: list[Any], first: list[Any], last: list[Any], count: int) -> dict[str, Any]:
    """Black in the mask: as it is; white: made, after what is seen there in grey."""
    from PIL import Image

    size = (over or first)[0].size
    blank = Image.new("RGB", size, (128, 128, 128))
    keep, make = (Image.new("L", size, value) for value in (0, 255))
    middle = count - len(first) - len(last)
    between = grey(over[len(first) : count - len(last)]) if over else [blank] * middle
    return {"video": [*first, *between, *last], "mask": [*[keep] * len(first), *[make] * middle, *[keep] * len(last)]}


def _ltx2(first: list[Any], last: list[Any]) -> dict[str, Any]:
    """Where each is: the first of the latents, the last of them."""
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    ends = ((first[-1:], 0), (last, -1))
    return {"conditions": [LTX2VideoCondition(frames=pressed(one, PRESSED), index=at, crf=0) for some, at in ends for one in some]}


def _ltx(pipe: Any, over: list[Any], places: list[tuple[list[Any], int]]) -> dict[str, Any]:
    """Pictures that stay are conditions at their places; those that are made over are where the steps begin."""
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    conditions = [LTXVideoCondition(video=pictures, frame_index=at) for pictures, at in places]
    made: dict[str, Any] = {"conditions": conditions} if conditions else {}
    if over:
        wide, high = over[0].size
        video = pipe.video_processor.preprocess_video(over, high, wide).to(pipe._execution_device, pipe.vae.dtype)
        latents = pipe.vae.encode(video).latent_dist.mode()
        made["latents"] = pipe._normalize_latents(latents, pipe.vae.latents_mean, pipe.vae.latents_std)
    return made
