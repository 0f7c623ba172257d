"""MusicGen: a film's moods to music, on one's own GPU. Its weights, which transformers loads, are not for commercial use.

All sections of a cue are played in one batch, each window of a long one going on from the last one's codes; exactly as
long as the cue. The steps are our own (_musicgen_loop). Knows its cue and nothing of the film.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from ..gear import again, gpu, zero
from ..gear.options import read, strict
from ..gear.snapshot import too_small
from ..gear.weights import Reading, Source, loading, quiet
from ..gear.weights import parts as files
from ..plan import Cue
from ..presets import Model
from ..vault import Notes
from ..work import FilmError, Tick, part
from ._musicgen_loop import How, Odd, Piece, play, prompted, sounded
from ._musicgen_net import Net, Savings, build
from ._sheet import Part, joined, parts, write

if TYPE_CHECKING:
    import torch
    from numpy import float32
    from numpy.typing import NDArray
    from torch import Tensor

NEEDS = 3.0  # GiB of the GPU
WANTED = ("*.json", "spiece.model", "*.safetensors")
PLAYED = 0.97  # share of the work before the file is written
ROOM = 0.8  # of the memory that is free, for what is heard while playing
FULL = "The GPU's memory ran out.", "Choose a smaller MusicGen, or another composer."
ODD = "The model's numbers ran out of range: there is no music in them.", "Choose another composer."
STRIDE = 65_537  # between the seeds of a section's windows, for each moment
KINDS = {"musicgen": "MusicgenForConditionalGeneration", "musicgen_melody": "MusicgenMelodyForConditionalGeneration"}


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
    version = 2
    rank = 2
    online = False

    def __init__(self, *, models: Mapping[str, Model] | None = None, device: str = "auto") -> None:
        self._models = {name: one for name, one in (models or {}).items() if one.engine == "musicgen"}
        self._device = device
        self._loaded: tuple[Model, bool, Any, Any, Net] | None = None
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
        source = Source(model.repo, model.revision, WANTED, model.name)
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

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        return (Source(model.repo, model.revision, WANTED, model.name),)

    def recipe(self, _cue: Cue) -> object:
        """The model, beside what the cue says."""
        model = self._chosen()
        return [*model.content, *Source(model.repo, model.revision, WANTED, model.name).changing]

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
        import torch

        model, notes = self._chosen(), Notes()
        told, sections = options(model.options), parts(cue)
        played: dict[bool, dict[int, Tensor]] = {False: {}, True: {}}  # by whether they were played in longer numbers

        def attempt(now: again.Means) -> tuple[int, list[NDArray[float32]]] | None:
            with suppress(Odd):
                return self._played(model, told, sections, cue.seed, played[now.long], now, tick)
            return None

        with self._lock, torch.inference_mode(), gpu.chance(gpu.chosen(self._device)):
            (rate, heard), _ = again.made(attempt, again.Means(together=told.together), notes, self._leave, full=FULL, odd=ODD)
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
        raise FilmError("No MusicGen is here.", str(self.missing()))

    def _played(
        self, model: Model, told: Options, sections: list[Part], seed: int, played: dict[int, Tensor], means: again.Means, tick: Tick
    ) -> tuple[int, list[NDArray[float32]]]:
        """(channels, samples) of every section, in batches: those that begin, then those that go on. played: codes of
        each, (books, moments), as far as they are there; what is there is played no more."""
        import torch

        tick(0.0)
        network, tokenizer, net = self._model(model, means.long)
        codec, device = network.config.audio_encoder, net.tables.device
        how = How(told.guidance, told.temperature, told.top_k)
        longest, kept = round(told.window * codec.frame_rate), round(told.kept * codec.frame_rate)
        moments = [max(1, ceil((one.end - one.start) * codec.frame_rate - 1e-6)) for one in sections]
        there = {i: played[i].shape[1] if i in played else 0 for i in range(len(sections))}
        fits = int(ROOM * gpu.free(device, None) / net.room(longest + net.delay + getattr(network.config, "chroma_length", 0), how.ways))
        together = max(1, min(means.together, fits))
        with Reading("MusicGen cannot play this", "Choose another composer, or fetch the model anew.", why=True), quiet():
            while waiting := sorted((i for i in there if there[i] < moments[i]), key=lambda i: (there[i], i)):
                batch = [i for i in waiting if bool(there[i]) == bool(there[waiting[0]])][:together]
                given = kept if there[waiting[0]] else 0
                pieces = [
                    Piece(
                        min(longest, given + moments[i] - there[i]), played[i][:, -given:] if given else None,
                        torch.Generator(device).manual_seed(seed + i + STRIDE * there[i]),
                    )
                    for i in batch
                ]  # fmt: skip
                done, new = sum(there.values()), sum(one.frames - given for one in pieces)
                each = part(tick, PLAYED * done / sum(moments), PLAYED * (done + new) / sum(moments))
                made = play(net, prompted(network, tokenizer, [sections[i].words for i in batch]), pieces, how, each)
                for i, codes in zip(batch, made, strict=True):
                    played[i] = torch.cat([played[i], codes[:, given:]], 1) if given else codes
                    there[i] = played[i].shape[1]
            heard = []
            for i in there:
                tick(PLAYED + (1 - PLAYED) * i / len(there))
                sound = sounded(network, played[i], longest // 4 if means.least else longest)
                if not sound.isfinite().all():
                    raise Odd
                heard.append(sound.numpy())
        return int(codec.sampling_rate), heard

    def _model(self, model: Model, long: bool) -> tuple[Any, Any, Net]:
        """The network, its reader and its decoder, loaded; those before are let go."""
        import torch
        import transformers

        if self._loaded is None or self._loaded[:2] != (model, long):
            self._loaded = None
            gpu.emptied()
            source = Source(model.repo, model.revision, WANTED, model.name)
            folder = source.path("config.json").parent
            files(folder, source.fetch)
            device = gpu.chosen(self._device)
            dtype = torch.float32 if long or device.type == "cpu" else torch.float16
            with loading(), Reading("MusicGen cannot be loaded", f"Fetch it anew: {source.fetch}"):
                said = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
                if said not in KINDS:
                    raise FilmError("config.json is of no MusicGen that is known here.", f"Fetch one: {source.fetch}", "config.json")
                kind: Any = getattr(transformers, KINDS[said])
                network, found = kind.from_pretrained(folder, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True)
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
                tokenizer(["a", "a b"], return_tensors="pt", padding=True)  # only now it looks at most of its settings
            if lost := found["missing_keys"]:
                raise FilmError(f"model.safetensors is of another model: it lacks {min(lost)}.", f"Fetch the right one: {source.fetch}")
            network = network.to(device).eval()
            with loading():
                self._loaded = model, long, network, tokenizer, build(network, savings(device))
        return self._loaded[2], self._loaded[3], self._loaded[4]


def savings(device: torch.device) -> Savings:
    """All that such a device can have."""
    fast = device.type == "cuda"
    return Savings(compiled=not zero.here() and gpu.compiles(device), captured=fast)
