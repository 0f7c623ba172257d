"""Video models that diffusers runs, each a preset in models.toml: a prompt, a picture, or both, to moving frames.

A scene that is longer than a model's clip is several that go on from one another, where the model can. Knows its shot
and nothing of the film.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.pipes import PLANS, hushed, watched
from ..gear.snapshot import lacking, plan, too_small
from ..plan import Reach, Shot, Slate, without
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import _diffusers_given as moving
from ._diffusers_machine import Machine, Origin, contents, found, triggers
from ._diffusers_plan import Options, Piece, options, pieces, said, size
from ._reel import Still, opened, pressed, write
from ._stages import Cutting, alone, guarded

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import floating, uint8
    from numpy.typing import NDArray

NEEDS = 6.0  # GiB of the GPU
PRESSED = 18  # x264's crf of the pictures that LTX-2.5 learnt from: a cleaner one hardly moves
STEPPED, DRAWN = 0.9, 0.97  # shares of the work: the steps of a clip; all before the file is written


class Engine:
    """See crew.ClipEngine. device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "Video models in diffusers"
    version = 1
    rank = 4
    online = False
    wants_picture = False
    negates = True
    spreads = True

    def __init__(self, *, device: str = "auto", most: float | None = None, compiled: bool = True) -> None:
        self._device, self._most, self._compiled = device, most, compiled
        self._loaded: tuple[object, Machine] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, or a GPU."""
        lack = _gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors", "ftfy", "sentencepiece")
        return lack or _gpu.lack(self._device, NEEDS)

    def lacks(self, model: Model) -> str | None:
        """Weights, LoRA files, or room."""
        try:
            told = options(model.options)
            lack = lacking(model, told.variant)
            for lora in told.loras if not lack else ():
                found(lora)
        except FilmError as error:
            return str(error)
        return lack or (_gpu.packages("peft") if told.loras else None) or too_small(model, self._device)

    def recipe(self, shot: Shot) -> object:
        """Everything that changes a frame, but for the picture. Lengths that make the same clips are the same."""
        told, _ = _told(shot)
        clips = [[one.mode, one.frames] for one in _pieces(shot, told)]
        asked = [said(shot.styled, shot.camera, told, triggers(told.loras)), clips, _size(shot, told, None), shot.fit, shot.seed, contents(told.loras)]
        asked += [told.strengths[shot.given.strength]] if shot.given and shot.given.over else []
        return [*asked, *([shot.negative] if shot.negative else [])]

    def reach(self, model: Model) -> Reach:
        """See crew.ClipEngine."""
        return moving.reach(options(model.options))

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write the MP4. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        return alone(self.shoot_all, shot, out, tick)

    def shoot_all(self, slates: Sequence[Slate]) -> None:
        """See crew.ClipEngine. A pipeline has its own order; models come one after the other, and a file is written
        beside the next shot's steps. What ran out of memory once, is not tried again in the same way."""
        import torch

        asked = [(slate, *given) for slate in slates if (given := guarded(slate, _given))]
        ways: dict[str, str] = {}
        order = list(dict.fromkeys(str(model.content) for _, _, model in asked))
        with self._lock, torch.inference_mode(), Cutting() as cutting:
            for slate, told, model in sorted(asked, key=lambda one: order.index(str(one[2].content))):
                name = str(model.content)
                way = ways.get(name) or plan(model, self._device, self._most) or PLANS[0]
                notes: Notes = {}
                made = guarded(slate, partial(self._shot, model=model, told=told, way=way, notes=notes))
                ways[name] = str(notes.get("plan", way))
                if made:
                    cutting.add(slate, partial(_written, slate, made, told, notes))

    def _shot(self, slate: Slate, model: Model, told: Options, way: str, notes: Notes) -> list[NDArray[uint8]]:
        return self._taken(slate.shot, model, told, way, notes, part(slate.tick, 0.0, DRAWN))

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None

    def _taken(self, shot: Shot, model: Model, told: Options, way: str, notes: Notes, tick: Tick) -> list[NDArray[uint8]]:
        """The shot's clips; where memory runs out, once more with less of it, and where numbers do, in longer ones."""
        import torch

        def work(way: str, *, long: bool) -> list[NDArray[uint8]] | None:
            machine = self._machine(model, told, way, long=long)
            return _clips(machine, shot, told, notes, tick)

        for long in (False, True):
            try:
                clips = work(way, long=long)
            except torch.OutOfMemoryError:
                clips = []  # what the failed work held is let go only out here
            if clips == []:
                way, notes["memory"] = _thriftier(way, model), "ran out once; less was taken"
                self._loaded = None
                if _gpu.chosen(self._device).type == "cuda":
                    torch.cuda.empty_cache()
                try:
                    clips = work(way, long=long)
                except torch.OutOfMemoryError as error:
                    raise _full() from error
            if clips:
                return clips
            if self._loaded and self._loaded[1].dtype == torch.float32:
                break
            notes["retried"] = "float32"
        said = "The model's numbers ran out of range: there is no picture in them."
        raise FilmError(said, "Give the scene another seed or prompt. If every scene says so, the weights are not this model's.")

    def _machine(self, model: Model, told: Options, way: str, *, long: bool) -> Machine:
        """The model, loaded; the one before it is let go."""
        if lack := lacking(model, told.variant):
            raise FilmError(f"{model.label}'s weights are not all on this machine.", lack)
        origin = Origin.of(model.repo, model.revision, told)
        asked = (origin.base, {**model.options, "loras": None}, way, long)
        if self._loaded is None or self._loaded[0] != asked:
            self._loaded = None
            self._loaded = asked, Machine(origin, _gpu.chosen(self._device), way, long=long, compiled=self._compiled)
        return self._loaded[1]


def _given(slate: Slate) -> tuple[Options, Model]:
    told, model = _told(slate.shot)
    if not slate.shot.prompt.strip() and slate.shot.picture is None and slate.shot.given is None:
        raise FilmError("There is neither a prompt nor a picture.", "Say in the prompt what is to be seen.")
    if slate.shot.given:
        moving.parts(slate.shot, told)
    return told, model


def _written(slate: Slate, clips: list[NDArray[uint8]], told: Options, notes: Notes) -> Notes:
    frames = [one for clip in clips for one in clip]
    high, wide = frames[0].shape[:2]
    return notes | write(frames, len(frames), (wide, high), Fraction(told.fps), slate.out, part(slate.tick, DRAWN, 1.0))


def _told(shot: Shot) -> tuple[Options, Model]:
    """What the shot's preset says, and the model; FilmError if there is none."""
    if shot.model is None:
        raise FilmError("There is no model for diffusers here.", "Add one to models.toml.")
    told = options(shot.model.options)
    spoken = told.spoken and shot.given is None  # moving pictures have a camera of their own
    return replace(told, negative=without(told.negative, shot.negative), spoken=spoken), shot.model


def _pieces(shot: Shot, told: Options) -> list[Piece]:
    if shot.given:
        return moving.parts(shot, told)
    return pieces(shot.frame.seconds(shot.frames), shot.picture is not None, told)


def _size(shot: Shot, told: Options, given: Still | None) -> tuple[int, int]:
    whole = given is not None and shot.fit.startswith("contain")  # all of the picture is to be seen
    aspect = given.width / given.height if given and whole else shot.frame.width / shot.frame.height
    return size(told.size, told.multiple, aspect, fixed=told.fixed)


def _thriftier(way: str, model: Model) -> str:
    """The next plan; FilmError if there is none."""
    ways = [one for one in PLANS if one in model.vram] or list(PLANS)
    later = [after for now, after in pairwise(ways) if now == way]
    if not later:
        raise _full()
    return later[0]


def _full() -> FilmError:
    said = "The GPU's memory ran out, even with only what works in it."
    return FilmError(said, "Close what else uses the GPU, or give the model a smaller size in models.toml.")


def _clips(machine: Machine, shot: Shot, told: Options, notes: Notes, tick: Tick) -> list[NDArray[uint8]] | None:
    """The shot's clips, (frames, height, width, 3) each; None if numbers ran out of range."""
    import numpy as np

    tick(0.0)
    given = opened(shot.picture) if shot.picture else None
    measures = _size(shot, told, given)
    now = [given.at(measures, stretch=shot.fit == "stretch")] if given else []
    held = moving.Held.of(shot, told, measures) if shot.given else None
    now = held.first if held else now
    text = said(shot.styled, shot.camera, told, triggers(told.loras))
    parts, clips = _pieces(shot, told), list[Any]()
    for i, piece in enumerate(parts):
        pipe = machine.pipe(getattr(told, piece.mode))
        machine.adapt(told.loras)
        each = part(tick, i / len(parts), (i + 1) / len(parts))
        watched(pipe, part(each, 0.0, STEPPED))
        with hushed():
            made = pipe(**_asked(pipe, told, piece, measures, text, shot.seed + i, now, held)).frames[0]
        frames: NDArray[floating[Any]] = np.asarray(made, np.float32)
        if not np.isfinite(frames).all():
            return None
        seen = (frames.clip(0, 1) * 255).round().astype(np.uint8)
        over = 0 if not i else told.overlap if piece.mode == "extend" else 1
        clips.append(held.window.cut(seen[over:]) if held else seen[over:])
        now = list(seen[-told.overlap :]) if told.extend else [seen[-1]]
    notes["clips"], notes["plan"] = len(clips), machine.plan
    return clips


def _asked(
    pipe: Any, told: Options, piece: Piece, measures: tuple[int, int], text: str, seed: int, now: list[NDArray[uint8]], held: moving.Held | None = None
) -> dict[str, Any]:
    """The arguments of one call: those that this pipeline knows, under its names for them."""
    import torch
    from PIL import Image

    seen = [Image.fromarray(one).resize(measures) for one in now]
    wide, high = measures
    all_of_it: dict[str, Any] = {
        "prompt": text, "negative_prompt": told.negative or None, "width": wide, "height": high, "num_frames": piece.frames,
        "num_inference_steps": told.steps, "guidance_scale": told.guidance, "fps": told.fps, "frame_rate": told.fps,
        "generator": torch.Generator("cpu").manual_seed(seed), "output_type": "np",
    }  # fmt: skip
    if held and piece.mode in ("v2v", "ends"):
        all_of_it |= held.asked(pipe, told, piece)
    elif piece.mode != "t2v":
        all_of_it |= _pictures(told, piece, seen)
    if hasattr(pipe, "guider") and told.guidance is not None:
        pipe.guider = pipe.guider.new(guidance_scale=told.guidance)
    known: Mapping[str, Any] = inspect.signature(type(pipe).__call__).parameters
    named = {told.names.get(name, name): value for name, value in all_of_it.items() if value is not None} | told.more
    return {name: value for name, value in named.items() if name in known}


def _pictures(told: Options, piece: Piece, seen: list[Any]) -> dict[str, Any]:
    """The pictures that a clip begins with, as its pipeline takes them."""
    from PIL import Image

    if told.given == "ltx2":
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        frames = seen if len(seen) > 1 else pressed(seen[0], PRESSED)
        return {"conditions": [LTX2VideoCondition(frames=frames, index=0, strength=1.0, crf=0)]}
    if told.given == "vace":
        kept, left = len(seen), piece.frames - len(seen)
        grey = Image.new("RGB", seen[0].size, (128, 128, 128))
        masks = [Image.new("L", seen[0].size, value) for value in (0, 255)]
        return {"video": [*seen, *[grey] * left], "mask": [*[masks[0]] * kept, *[masks[1]] * left]}
    if told.given == "ltx" and len(seen) > 1:  # given as `video`, only the first of them is looked at
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        return {"conditions": [LTXVideoCondition(video=seen)]}
    if piece.mode == "extend":
        return {"video": seen}
    return {"image": seen[-1]} | ({"last_image": seen[-1]} if piece.mode == "ends" else {})
