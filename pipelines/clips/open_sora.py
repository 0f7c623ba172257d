"""Open-Sora 2.0, 11 B: a prompt, a picture, or both, to moving frames, on one's own GPU.

The network is ours (plain torch), the readers are transformers', the VAE is diffusers'; the results are the official
code's, from at most three quarters of its work. A scene that is longer than one clip is several that go on from one
another. Knows its shot and nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..gear import gpu as _gpu
from ..gear.weights import Source
from ..plan import Given, Reach, Shot, Slate
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick
from . import _open_sora_given as moving
from ._open_sora_machine import Files, Machine
from ._open_sora_plan import RATE, Kind, Options, Piece, options, pieces, size, text
from ._open_sora_shot import Job, shoot
from ._reel import opened
from ._stages import Cutting, alone, guarded

NEEDS = 12.0  # GiB of the GPU
AT_ONCE = 24  # shots that go through the stages together: their pictures lie in memory


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; vram: GiB of it to be content with."""

    label = "Open-Sora 2.0"
    version = 2
    rank = 5
    online = False
    wants_picture = False
    spreads = True

    def __init__(self, *, device: str = "auto", vram: float | None = None) -> None:
        self._device, self._vram = device, vram
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        lack = _gpu.packages("torch", "diffusers", "transformers", "safetensors", "sentencepiece", "huggingface_hub")
        return lack or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights: how to have them, and what licence they come under."""
        try:
            lacking = _files(model, options(model.options)).lacking()
        except FilmError as error:
            return str(error)
        return f"Its weights are needed ({model.terms}): {'; '.join(dict.fromkeys(source.fetch for source in lacking))}" if lacking else None

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        files = _files(model, options(model.options))
        return files.model, *(one for one in (files.text, files.clip) if one)

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for picture and model. Lengths that make the same clips are the same."""
        model, wanted = _asked(shot)
        made = [[one.frames, one.kind] for one in _pieces(shot, wanted)]
        said = text(shot.styled, None if shot.given else shot.camera, wanted.motion_score)
        played = [_played(shot)] if made[0][1] == "i2v_loop" and not shot.given else []
        return [said, made, *played, size(wanted.resolution, _aspect(shot)), shot.fit, shot.seed, *_files(model, wanted).changing]

    def reach(self, _model: Model) -> Reach:
        """See crew.ClipEngine."""
        return moving.REACH

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. All texts are read first, so the readers make room for the network; a file is written
        beside the next shot's steps."""
        import torch

        waiting = [(slate, *told) for slate in slates if (told := guarded(slate, _given))]
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            while waiting:
                some = [one for one in waiting if _loads(one) == _loads(waiting[0])][:AT_ONCE]
                waiting = [one for one in waiting if all(one[0] is not other[0] for other in some)]
                if jobs := [made for slate, model, wanted in some if (made := guarded(slate, partial(self._read, model=model, wanted=wanted)))]:
                    self._told(some[0][1], some[0][2], jobs, cutting)

    def _told(self, model: Model, wanted: Options, jobs: list[Job], cutting: Cutting) -> None:
        """Shots of one model; what is wrong with that, is told of each that is not made."""
        try:
            shoot(self._machine(model, wanted), jobs, cutting)
        except FilmError as error:
            cutting.settle(0)
            for one in jobs:
                if not one.over:
                    one.slate.kept(error)

    def _read(self, slate: Slate, model: Model, wanted: Options) -> Job:
        slate.tick(0.0)
        made, machine = job(slate, wanted), self._machine(model, wanted)
        for said in ("", made.said):
            machine.text(said)
        return made

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _machine(self, model: Model, wanted: Options) -> Machine:
        """The model, loaded; the one before it is let go."""
        files = _files(model, wanted)
        asked = (files, wanted.weights, wanted.fast_kernels)
        if self._loaded is None or self._loaded[0] != asked:
            if lack := self.lacks(model):
                raise FilmError(f"{model.label} is not on this machine.", lack)
            self._loaded = None
            device = _gpu.chosen(self._device)
            self._loaded = asked, Machine(files, device, eight=wanted.weights == "fp8", fast=wanted.fast_kernels, most=self._vram)
        return self._loaded[1]


def _given(slate: Slate) -> tuple[Model, Options]:
    model, wanted = _asked(slate.shot)
    if not slate.shot.prompt.strip() and slate.shot.picture is None and slate.shot.given is None:
        raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
    return model, wanted


def _loads(asked: tuple[Slate, Model, Options]) -> tuple[object, ...]:
    """What has to be loaded for it."""
    _, model, wanted = asked
    return _files(model, wanted), wanted.weights, wanted.fast_kernels


def _asked(shot: Shot) -> tuple[Model, Options]:
    if shot.model is None:
        raise FilmError("Open-Sora was not told which of its models to use.", "Name one of those in models.toml.")
    return shot.model, options(shot.model.options)


def _files(model: Model, wanted: Options) -> Files:
    return Files.of(model.repo, model.revision, wanted.text_encoder, wanted.clip_encoder, model.name)


def job(slate: Slate, wanted: Options) -> Job:
    """What a shot asks for; FilmError if its picture cannot be read."""
    import torch

    wish, seen = slate.shot, None
    measures = size(wanted.resolution, _aspect(wish))
    if wish.given:
        return _going_on(slate, wanted, wish.given, measures)
    if wish.picture is not None:
        given = opened(wish.picture)
        if wish.fit.startswith("contain"):  # all of the picture is to be seen: the clip has its shape
            measures = size(wanted.resolution, given.width / given.height)
        fitted = torch.from_numpy(given.at(measures, stretch=wish.fit == "stretch"))
        seen = fitted.permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
    made = _pieces(wish, wanted)
    said = text(wish.styled, wish.camera, wanted.motion_score)
    return Job(slate, wanted, measures, said, made, seen, _played(wish) if made[0].kind == "i2v_loop" else 0)


def _going_on(slate: Slate, wanted: Options, given: Given, measures: tuple[int, int]) -> Job:
    """A shot that goes by moving pictures."""
    made, held = moving.parts(slate.shot, given), moving.Held.of(slate.shot, given, measures)
    said = text(slate.shot.styled, None, wanted.motion_score)
    window = held.window if (held.window.width, held.window.height) != measures else None
    if made[0].kind == "i2v_loop" or held.seen.shape[2] == 1:
        lone: Kind = "i2v_loop" if made[0].kind == "i2v_loop" else "i2v_head" if given.first else "i2v_tail"
        return Job(slate, wanted, measures, said, [replace(made[0], kind=lone), *made[1:]], held.seen, window=window)
    return Job(slate, wanted, measures, said, made, None, edge=held.seen, window=window)


def _played(shot: Shot) -> int:
    """The scene's length in the model's frames."""
    return round(shot.frame.seconds(shot.frames) * RATE)


def _pieces(shot: Shot, wanted: Options) -> list[Piece]:
    if shot.given:
        return moving.parts(shot, shot.given)
    return pieces(shot.frame.seconds(shot.frames), shot.picture is not None, wanted.ends)


def _aspect(shot: Shot) -> float:
    return shot.frame.width / shot.frame.height

