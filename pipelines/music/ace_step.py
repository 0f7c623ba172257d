"""ACE-Step 1.5 through diffusers: a film's moods to music, on one's own GPU. Free for commercial films.

All sections of a cue that last alike are played in one batch. Knows its cue and nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear import again, gpu, pipes, zero
from ..gear.options import read, strict
from ..gear.snapshot import files, lacking, plan, source, too_small
from ..gear.weights import Source
from ..plan import Cue
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._sheet import FADE, Part, joined, parts, write

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

NEEDS = 4.0  # GiB of the GPU
PLAYED = 0.97  # share of the work before the file is written
FULL = "The GPU's memory ran out.", "Close what else uses the GPU, or choose another composer."
ODD = "The model's numbers ran out of range: there is no music in them.", "Choose another composer."


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. longest: seconds of one piece; together: pieces that are played at once."""

    steps: Annotated[int, Field(ge=1, le=200)] = 8
    guidance: Annotated[float, Field(ge=1, le=20)] = 1.0
    shift: Annotated[float, Field(gt=0, le=10)] = 3.0
    longest: Annotated[float, Field(ge=2, le=600)] = 240.0
    together: Annotated[int, Field(ge=1, le=16)] = 4
    dtype: Literal["bfloat16", "float16"] = "bfloat16"


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "ACE-Step's", "composers.toml")


class Engine:
    """See crew.Composer. models: the presets; device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "ACE-Step"
    version = 2
    rank = 12
    online = False

    def __init__(self, *, models: Mapping[str, Model] | None = None, device: str = "auto", most: float | None = None) -> None:
        self._models = {name: one for name, one in (models or {}).items() if one.engine == "ace_step"}
        self._device, self._most = device, most
        self._loaded: tuple[Model, str, Any] | None = None
        self._lock = threading.Lock()
        self._lent = zero.Lent(self._computed, self._work)

    def missing(self) -> str | None:
        """Packages, a GPU, or every model's weights."""
        if not self._models:
            return "It has no model: composers.toml names some."
        lack = gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or gpu.lack(self._device, NEEDS)
        lacks = [self.lacks(one) for one in self._models.values()] if not lack else [lack]
        return None if None in lacks else lacks[0]

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        try:
            options(model.options)
            return lacking(model) or too_small(model, self._device)
        except FilmError as error:
            return str(error)

    def uses(self) -> Model | None:
        """See crew.Composer."""
        return next((model for model in self._models.values() if self.lacks(model) is None), None)

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        return (source(model.repo, model.revision, name=model.name),)

    def recipe(self, _cue: Cue) -> object:
        """The model, beside what the cue says."""
        model = self._chosen()
        return [*model.content, *source(model.repo, model.revision).changing]

    def compose(self, cue: Cue, out: Path, tick: Tick) -> Notes:
        """Write the WAV. FilmError if weights are lacking or damaged, or memory or numbers give out."""
        heard, notes = self._lent(cue, part(tick, 0.0, PLAYED))
        tick(PLAYED)
        rate, sections = int(str(notes.pop("rate"))), pieces(parts(cue), options(self._chosen().options).longest)
        write(joined(list(zip(sections, heard, strict=True)), cue.seconds, rate), rate, cue.seconds, out)
        tick(1.0)
        return notes

    def _work(self, cue: Cue) -> zero.Work:
        model = self._chosen()
        return zero.Work(model.repo, cue.seconds * options(model.options).steps, None, files(source(model.repo, model.revision)))

    def _computed(self, cue: Cue, tick: Tick, _show: object) -> tuple[list[NDArray[float32]], Notes]:
        """What compose computes on the GPU: every piece, (channels, samples), and with the notes their rate."""
        import numpy as np
        import torch

        model, notes = self._chosen(), Notes()
        told = options(model.options)
        sections = pieces(parts(cue), told.longest)

        def play(now: again.Means) -> tuple[int, list[NDArray[float32]]] | None:
            way = pipes.PLANS[-1] if now.long else now.way
            played = self._played(model, replace(told, together=now.together), sections, cue.seed, way, tick, long=now.long)
            return played if all(np.isfinite(one).all() for one in played[1]) else None

        with self._lock, torch.inference_mode():
            (rate, heard), _ = again.made(play, again.Means(self._way(model), told.together), notes, self._leave, full=FULL, odd=ODD)
        return heard, notes | {"model": model.repo, "sections": len(sections), "rate": rate}

    def seat(self) -> str:
        """See crew.Engine."""
        return gpu.seat(self._device)

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._leave()
            gpu.emptied()

    def _leave(self) -> None:
        self._loaded = None

    def _chosen(self) -> Model:
        if model := self.uses():
            return model
        raise FilmError("No ACE-Step is here.", str(self.missing()))

    def _played(
        self, model: Model, told: Options, sections: list[Part], seed: int, way: str, tick: Tick, *, long: bool = False
    ) -> tuple[int, list[NDArray[float32]]]:
        """(channels, samples) of every section, those that last alike in one batch."""
        import torch

        tick(0.0)
        pipe = self._pipe(model, told, way, long)
        if pipe.is_turbo and told.guidance > 1:  # diffusers would leave it out
            raise FilmError("ACE-Step's option guidance: a turbo model plays without one.", "Make it 1 in composers.toml.", "composers.toml")
        order = sorted(range(len(sections)), key=lambda i: sections[i].end - sections[i].start)
        batches = [order[i : i + told.together] for i in range(0, len(order), told.together)]
        heard: list[Any] = [None] * len(sections)
        for n, batch in enumerate(batches):
            pipes.watched(pipe, part(tick, n / len(batches), (n + 1) / len(batches)))
            lasts = max(sections[i].end - sections[i].start for i in batch)
            with pipes.called("ACE-Step cannot play this", "Choose another composer, or fetch the model anew."):
                made = pipe(
                    prompt=[sections[i].words for i in batch], lyrics=["[instrumental]"] * len(batch), audio_duration=float(ceil(lasts + 0.5)),
                    num_inference_steps=told.steps, guidance_scale=told.guidance, shift=told.shift,
                    generator=[torch.Generator("cpu").manual_seed(seed + i) for i in batch], output_type="pt",
                ).audios  # fmt: skip
            for i, sound in zip(batch, made, strict=True):
                heard[i] = sound.float().cpu().numpy()
        return int(pipe.sample_rate), heard

    def _way(self, model: Model) -> str:
        """How it is kept in memory: as it is there already, else as there is room without what is there now."""
        if self._loaded and self._loaded[0] == model and self._loaded[1].endswith("False"):  # a longer one was a way out
            return self._loaded[1].split()[0]
        self._loaded = None
        return plan(model, self._device, self._most) or pipes.PLANS[0]

    def _pipe(self, model: Model, told: Options, way: str, long: bool) -> Any:
        import torch

        asked = f"{way} {long}"
        if self._loaded is None or self._loaded[:2] != (model, asked):
            self._loaded = None
            device = gpu.chosen(self._device)
            dtype = torch.float32 if long or device.type == "cpu" else getattr(torch, told.dtype)
            pipe = pipes.load(pipes.named("AceStepPipeline"), source(model.repo, model.revision, name=model.name), "", dtype, (), {})
            self._loaded = model, asked, pipes.placed(pipe, device, way, False)
        return self._loaded[2]


def pieces(sections: list[Part], longest: float) -> list[Part]:
    """Sections that are too long, as several of the same words that are faded into one another."""
    made = []
    for one in sections:
        start = one.start
        while one.end - start > longest:
            made.append(Part(one.words, start, start + longest))
            start += longest - FADE
        made.append(Part(one.words, start, one.end))
    return made
