"""MusicGen through transformers: a film's moods to music, on one's own GPU. Its weights are not for commercial use.

All sections of a cue are played in one batch, each window of a long one going on from the last; exactly as long as the
cue. Knows its cue and nothing of the film.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear import gpu, zero
from ..gear.options import read, strict
from ..gear.snapshot import too_small
from ..gear.weights import Reading, Source, quiet
from ..gear.weights import parts as files
from ..plan import Cue
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._sheet import Part, joined, parts, windows, write

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

NEEDS = 3.0  # GiB of the GPU
WANTED = ("*.json", "spiece.model", "*.safetensors")
PLAYED = 0.97  # share of the work before the file is written


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. window: seconds that it plays at once; kept: of them, those that a window goes on from."""

    window: Annotated[float, Field(ge=1, le=40)] = 30.0
    kept: Annotated[float, Field(ge=0.1, le=20)] = 8.0
    guidance: Annotated[float, Field(ge=1, le=10)] = 3.0
    temperature: Annotated[float, Field(gt=0, le=3)] = 1.0
    top_k: Annotated[int, Field(ge=1, le=2048)] = 250
    together: Annotated[int, Field(ge=1, le=64)] = 8


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    made = read(Options, told, "MusicGen's", "composers.toml")
    if made.kept >= made.window:
        raise FilmError("MusicGen's option kept must be less than its window.", "Mend it in composers.toml.", "composers.toml")
    return made


class Engine:
    """See crew.Composer. models: the presets; device: "auto", or torch's name of one."""

    label = "MusicGen (its weights are not for commercial use)"
    version = 1
    rank = 2
    online = False

    def __init__(self, *, models: Mapping[str, Model] | None = None, device: str = "auto") -> None:
        self._models = {name: one for name, one in (models or {}).items() if one.engine == "musicgen"}
        self._device = device
        self._loaded: tuple[Model, bool, Any, Any] | None = None
        self._lock = threading.Lock()
        self._lent = zero.Lent(self._computed, self._work)

    def missing(self) -> str | None:
        """Packages, a GPU, or every model's weights."""
        if not self._models:
            return "It has no model: composers.toml names some."
        lack = gpu.packages("torch", "transformers", "safetensors", "sentencepiece") or gpu.lack(self._device, NEEDS)
        lacks = [self.lacks(one) for one in self._models.values()] if not lack else [lack]
        return None if None in lacks else lacks[-1]

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        source = Source(model.repo, model.revision, WANTED)
        try:
            options(model.options)
            if not source.find("config.json") or not (source.find("model.safetensors") or source.find("model.safetensors.index.json")):
                return f"Its weights are not on this machine: {source.fetch} ({model.terms})"
        except FilmError as error:
            return str(error)
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
        heard, notes = self._lent(cue, part(tick, 0.0, PLAYED))
        tick(PLAYED)
        rate = int(str(notes.pop("rate")))
        write(joined(list(zip(parts(cue), heard, strict=True)), cue.seconds, rate), rate, cue.seconds, out)
        tick(1.0)
        return notes

    def _work(self, cue: Cue) -> zero.Work:
        model = self._chosen()
        source = Source(model.repo, model.revision, WANTED)
        return zero.Work(model.repo, cue.seconds, None, tuple(files(source.path("config.json").parent, source.fetch)))

    def _computed(self, cue: Cue, tick: Tick, _show: object) -> tuple[list[NDArray[float32]], Notes]:
        """What compose computes on the GPU: every section, (channels, samples), and with the notes their rate."""
        import numpy as np
        import torch

        model, notes = self._chosen(), Notes()
        told, sections = options(model.options), parts(cue)
        heard: list[NDArray[float32]] = []
        with self._lock, torch.inference_mode(), gpu.chance(gpu.chosen(self._device)):
            try:
                for long in (False, True):
                    rate, heard = self._played(model, told, sections, cue.seed, long, tick)
                    if all(np.isfinite(one).all() for one in heard):
                        break
                    notes["retried"] = "float32"
                else:
                    raise FilmError("The model's numbers ran out of range: there is no music in them.", "Choose another composer.")
            except torch.OutOfMemoryError:
                heard = []  # what the failed work held is let go only out here
            if not heard:
                self._loaded = None
                gpu.emptied()
                raise FilmError("The GPU's memory ran out.", "Choose a smaller MusicGen, or another composer.")
        return heard, notes | {"model": model.repo, "sections": len(sections), "rate": rate}

    def seat(self) -> str:
        """See crew.Engine."""
        return gpu.seat(self._device)

    def close(self) -> None:
        """Let the model go."""
        with self._lock:
            self._loaded = None
            gpu.emptied()

    def _chosen(self) -> Model:
        if model := self.uses():
            return model
        raise FilmError("No MusicGen is here.", str(self.missing()))

    def _played(self, model: Model, told: Options, sections: list[Part], seed: int, long: bool, tick: Tick) -> tuple[int, list[NDArray[float32]]]:
        """(channels, samples) of every section, in batches; the k-th windows of all are played together."""
        import numpy as np
        import torch

        tick(0.0)
        network, tokenizer = self._model(model, long)
        torch.manual_seed(seed)  # only now: loading draws numbers, too
        rate = network.config.audio_encoder.sampling_rate
        plans = [windows(one.end - one.start, told.window, told.kept) for one in sections]
        heard: list[Any] = [None] * len(sections)
        rounds = [
            (k, [i for i, plan in enumerate(plans) if len(plan) > k][start : start + told.together])
            for k in range(max(map(len, plans)))
            for start in range(0, sum(len(plan) > k for plan in plans), told.together)
        ]
        for n, (k, batch) in enumerate(rounds):
            each = part(tick, n / len(rounds), (n + 1) / len(rounds))
            before = [heard[i][:, -round(told.kept * rate) :] for i in batch] if k else None
            made = _window(network, tokenizer, [sections[i].words for i in batch], max(plans[i][k] for i in batch), told, before, each)
            for i, sound in zip(batch, made, strict=True):
                new = sound[:, : round(plans[i][k] * rate)]
                heard[i] = np.concatenate([heard[i], new[:, round(told.kept * rate) :]], axis=1) if k else new
        return rate, heard

    def _model(self, model: Model, long: bool) -> tuple[Any, Any]:
        """The network and its reader, loaded; those before are let go."""
        import torch
        from transformers import AutoTokenizer, MusicgenForConditionalGeneration

        if self._loaded is None or self._loaded[:2] != (model, long):
            self._loaded = None
            gpu.emptied()
            source = Source(model.repo, model.revision, WANTED)
            folder = source.path("config.json").parent
            files(folder, source.fetch)
            device = gpu.chosen(self._device)
            dtype = torch.float32 if long or device.type == "cpu" else torch.float16
            with Reading("MusicGen cannot be loaded", f"Fetch it anew: {source.fetch}"), quiet():
                kind: Any = MusicgenForConditionalGeneration
                network, said = kind.from_pretrained(folder, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True)
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            if lost := said["missing_keys"]:
                raise FilmError(f"model.safetensors is of another model: it lacks {min(lost)}.", f"Fetch the right one: {source.fetch}")
            self._loaded = model, long, network.to(device).eval(), tokenizer
        return self._loaded[2], self._loaded[3]


def _window(
    network: Any, tokenizer: Any, words: list[str], seconds: float, told: Options, before: list[NDArray[float32]] | None, tick: Tick
) -> list[NDArray[float32]]:
    """One window of several sections, (channels, samples) each; with what it goes on from at its beginning."""
    import numpy as np
    import torch
    from transformers import StoppingCriteriaList

    device, rate = network.device, network.config.audio_encoder.frame_rate
    steps = int(np.ceil(seconds * rate)) + network.decoder.num_codebooks - 1
    given = dict(tokenizer(words, return_tensors="pt", padding=True).to(device))
    if before is not None:
        sound = torch.from_numpy(np.stack(before)).to(device, network.dtype)
        given |= {"input_values": sound, "padding_mask": torch.ones(sound.shape, dtype=torch.long, device=device)}
        steps -= int(sound.shape[-1] / network.config.audio_encoder.sampling_rate * rate)
    count = [0]

    def watch(ids: Any, _scores: Any, **_more: Any) -> Any:
        tick(min(1.0, count[0] / steps))
        count[0] += 1
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    more = {"cache_implementation": "static"} if device.type == "cuda" and not zero.here() else {}  # one shape a batch: its step is compiled once
    with Reading("MusicGen cannot play this", "Choose another composer, or fetch the model anew.", why=True), quiet():
        made = network.generate(
            **given, max_new_tokens=steps, do_sample=True, guidance_scale=told.guidance, temperature=told.temperature, top_k=told.top_k,
            stopping_criteria=StoppingCriteriaList([watch]), **more,
        )  # fmt: skip
    return [one.float().cpu().numpy() for one in made]
