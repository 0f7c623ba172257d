"""MusicGen as audiocraft runs it, for those who have that: its own checkpoints, in stereo too, and one's own trained ones.

`make audiocraft` says how it is installed. Sections of a cue are played in one batch; audiocraft itself goes on from what
it played where they are long. Knows its cue and nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear import again, gpu
from ..gear.options import read, strict
from ..gear.snapshot import too_small
from ..gear.weights import Source, loading
from ..plan import Cue
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._audiocraft_parts import offline, stand_in
from ._sheet import Part, joined, parts, write

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

NEEDS = 4.0  # GiB of the GPU
WANTED = ("state_dict.bin", "compression_state_dict.bin")
INSTALL = "audiocraft is not installed: make audiocraft, in Reelwright's folder."
PLAYED = 0.97  # share of the work before the file is written
FULL = "The GPU's memory ran out.", "Choose a smaller MusicGen, or another composer."
ODD = "The model's numbers ran out of range: there is no music in them.", "Choose another composer."


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. stride: seconds that are new in each window of a long section; beside: repositories that its
    checkpoint names and that are to be on this machine, too."""

    guidance: Annotated[float, Field(ge=1, le=10)] = 3.0
    temperature: Annotated[float, Field(gt=0, le=3)] = 1.0
    top_k: Annotated[int, Field(ge=1, le=2048)] = 250
    stride: Annotated[float, Field(ge=1, le=29)] = 18.0
    together: Annotated[int, Field(ge=1, le=64)] = 8
    beside: tuple[str, ...] = ("t5-base", "facebook/encodec_32khz")


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "audiocraft's", "composers.toml")


class Engine:
    """See crew.Composer. models: the presets; device: "auto", or torch's name of one."""

    label = "MusicGen in audiocraft (its weights are not for commercial use)"
    version = 2
    rank = 1
    online = False

    def __init__(self, *, models: Mapping[str, Model] | None = None, device: str = "auto") -> None:
        self._models = {name: one for name, one in (models or {}).items() if one.engine == "audiocraft"}
        self._device = device
        self._loaded: tuple[Model, Any] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, a GPU, or every model's weights."""
        if not self._models:
            return "It has no model: composers.toml names some."
        lack = INSTALL if gpu.packages("audiocraft") else gpu.packages("torch", "transformers", "huggingface_hub") or gpu.lack(self._device, NEEDS, lent=False)
        lacks = [self.lacks(one) for one in self._models.values()] if not lack else [lack]
        return None if None in lacks else lacks[0]

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        from huggingface_hub import try_to_load_from_cache

        source = Source(model.repo, model.revision, WANTED)
        try:
            wanted = options(model.options)
        except FilmError as error:
            return str(error)
        if not all(source.find(name) for name in WANTED):
            return f"Its weights are not on this machine: {source.fetch} ({model.terms})"
        for repo in wanted.beside:
            if not isinstance(try_to_load_from_cache(repo, "config.json"), str):
                return f"What it reads prompts or makes sound with is not on this machine: hf download {repo}"
        return too_small(model, self._device)

    def uses(self) -> Model | None:
        """See crew.Composer."""
        return next((model for model in self._models.values() if self.lacks(model) is None), None)

    def recipe(self, _cue: Cue) -> object:
        """The model, beside what the cue says."""
        model = self._chosen()
        return [*model.content, *Source(model.repo, model.revision, WANTED).changing]

    def compose(self, cue: Cue, out: Path, tick: Tick) -> Notes:
        """Write the WAV. FilmError if weights are lacking or damaged, or memory or numbers give out."""
        import torch

        model, notes = self._chosen(), Notes()
        told, sections = options(model.options), parts(cue)
        heard: list[NDArray[float32]] = []
        rate, means = 0, again.Means(together=told.together, long=True)
        tick(0.0)
        with self._lock, torch.inference_mode(), gpu.chance(gpu.chosen(self._device)):
            while len(heard) < len(sections):
                play = partial(self._some, model, told, sections, len(heard), cue.seed, tick)
                (rate, more), means = again.made(play, means, notes, self._leave, full=FULL, odd=ODD)
                heard += more
        write(joined(list(zip(sections, heard, strict=True)), cue.seconds, rate), rate, cue.seconds, out)
        tick(1.0)
        return notes | {"model": model.repo, "sections": len(sections)}

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

    def _some(
        self, model: Model, told: Options, sections: list[Part], first: int, seed: int, tick: Tick, means: again.Means
    ) -> tuple[int, list[NDArray[float32]]] | None:
        """The rate and the next sections, as many as go at once; None where there is no music in them."""
        import numpy as np
        import torch

        batch = sections[first : first + means.together]
        share = part(tick, PLAYED * first / len(sections), PLAYED * (first + len(batch)) / len(sections))
        player = self._player(model)
        torch.manual_seed(seed + first)  # only now: loading draws numbers, too
        more = _played(player, [one.words for one in batch], max(one.end - one.start for one in batch), told, share)
        return (int(player.sample_rate), more) if all(np.isfinite(one).all() for one in more) else None

    def _chosen(self) -> Model:
        if model := self.uses():
            return model
        raise FilmError("No model for audiocraft is here.", str(self.missing()))

    def _player(self, model: Model) -> Any:
        """audiocraft's own, loaded; the one before it is let go."""
        from pickle import UnpicklingError

        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None
            gpu.emptied()
            stand_in()
            from audiocraft.models import MusicGen

            source = Source(model.repo, model.revision, WANTED)
            try:
                with loading(), offline():  # its checkpoints are pickles: this torch reads nothing but numbers from one
                    made = MusicGen.get_pretrained(str(source.path(WANTED[0]).parent), device=str(gpu.chosen(self._device)))
            except (OSError, ValueError, KeyError, RuntimeError, UnpicklingError) as error:
                raise FilmError("audiocraft cannot load the model.", f"Fetch it anew: {source.fetch}") from error
            self._loaded = model, made
        return self._loaded[1]


def _played(player: Any, words: list[str], seconds: float, told: Options, tick: Tick) -> list[NDArray[float32]]:
    """(channels, samples) of each of some sections, all as long as the longest."""
    longest = float(getattr(player, "max_duration", 30.0))
    stride = told.stride if told.stride < longest else 0.6 * longest  # it plays no window that is all new
    sounds = int(getattr(getattr(player, "lm", None), "card", told.top_k))  # one's own may know fewer than are to be drawn from
    player.set_generation_params(
        use_sampling=True, top_k=min(told.top_k, sounds), temperature=told.temperature, cfg_coef=told.guidance, duration=seconds, extend_stride=stride
    )
    player.set_custom_progress_callback(lambda done, whole: tick(min(1.0, done / max(1, whole))))
    made = player.generate(words, progress=True)
    return [one.float().cpu().numpy() for one in made]
