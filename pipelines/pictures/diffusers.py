"""Pictures from prompts, or from other pictures, by models that diffusers runs, each a preset in painters.toml; the first
that is here paints.

Knows its brief and nothing of the film.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from dataclasses import replace
from math import log
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from ..gear import again, gpu, loras, pipes, zero
from ..gear.loras import Lora
from ..gear.options import read, strict
from ..gear.snapshot import files, lacking, plan, source, too_small
from ..gear.weights import Source
from ..plan import Brief, Frame, without
from ..presets import Model, choose
from ..vault import Notes
from ..work import FilmError, Tick, part

NEEDS = 4.0  # GiB of the GPU
PAINTED = 0.95  # share of the work before the file is written
FULL = "The GPU's memory ran out, even with only what works in it.", "Close what else uses the GPU."
ODD = "The model's numbers ran out of range: there is no picture in them.", "Give the scene another seed or prompt."
STRENGTHS: Mapping[str, float] = MappingProxyType({"subtle": 0.35, "mild": 0.55, "strong": 0.8})
Side = Annotated[int, Field(ge=16, le=4096)]


@dataclass(frozen=True, slots=True, config=strict)
class Options:
    """A model's options. kind: diffusers' class; redraw: that for a picture drawn anew, "" where there is none; strengths:
    its share of the steps for subtle, mild and strong; size: pixels that a picture has about as many of, its sides whole
    multiples of `multiple`; names: what an argument is called, where that differs; more: arguments that are always the
    same; long: parts in float32; loras: small changes to it."""

    kind: Annotated[str, Field(pattern=r"^[A-Z]\w*Pipeline$")]
    redraw: Annotated[str, Field(pattern=r"^([A-Z]\w*Pipeline)?$")] = ""
    strengths: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    size: tuple[Side, Side] = (1024, 1024)
    multiple: Annotated[int, Field(ge=8, le=128)] = 16
    steps: Annotated[int, Field(ge=1, le=200)] = 30
    guidance: Annotated[float, Field(ge=0, le=30)] = 4.0
    negative: str = ""
    names: dict[str, str] = Field(default_factory=dict)
    more: dict[str, JsonValue] = Field(default_factory=dict)
    dtype: Literal["bfloat16", "float16"] = "bfloat16"
    long: tuple[str, ...] = ()
    variant: Literal["", "fp16", "bf16"] = ""
    loras: tuple[Lora, ...] = ()


def options(told: Mapping[str, Any]) -> Options:
    """Options as they are written in a preset; FilmError naming the one that is wrong."""
    return read(Options, told, "A painter's", "painters.toml")


class Engine:
    """See crew.Painter. models: the presets; device: "auto", or torch's name of one; most: GiB of it to be content with."""

    label = "Painted by a model in diffusers"
    version = 1
    rank = 20
    online = False
    negates = True

    def __init__(self, *, models: Mapping[str, Model] | None = None, device: str = "auto", most: float | None = None) -> None:
        self._models, self._device, self._most = dict(models or {}), device, most
        self._loaded: tuple[Model, str, Any] | None = None
        self._worn: tuple[Lora, ...] = ()
        self._lock = threading.Lock()
        self._lent = zero.Lent(self._computed, self._work)

    def missing(self) -> str | None:
        """Packages, a GPU, or every model's weights."""
        if not self._models:
            return "It has no model: painters.toml names some."
        lack = gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or gpu.lack(self._device, NEEDS)
        return lack or next((None for one in self._models.values() if self.lacks(one) is None), self.lacks(next(iter(self._models.values()))))

    def lacks(self, model: Model) -> str | None:
        """Weights, or room for them."""
        try:
            told = options(model.options)
            return lacking(model, told.variant) or loras.lacking(told.loras) or too_small(model, self._device)
        except FilmError as error:
            return str(error)

    def redraws(self, named: str = "") -> str | None:
        """See crew.Painter."""
        if not self._models:
            return self.missing()
        if named and named not in self._models:
            return choose(named, self._models)
        able = [one for name, one in self._models.items() if name == (named or name) and _redraws(one)]
        if not able:
            return f"{self._models[named].label if named else 'No model here'} draws no pictures anew: {', '.join(name for name, one in self._models.items() if _redraws(one))}."
        if lack := gpu.packages("torch", "diffusers", "transformers", "accelerate", "safetensors") or gpu.lack(self._device, NEEDS):
            return lack
        return None if any(self.lacks(one) is None for one in able) else self.lacks(able[0])

    def uses(self, named: str = "", *, anew: bool = False) -> Model | None:
        """See crew.Painter."""
        able = (model for name, model in self._models.items() if name == (named or name) and (_redraws(model) or not anew))
        return next((model for model in able if self.lacks(model) is None), None)

    def sources(self, model: Model) -> tuple[Source, ...]:
        """See crew.Engine."""
        told = options(model.options)
        return source(model.repo, model.revision, told.variant, model.name), *(loras.source(one) for one in told.loras if one.repo)

    def adapts(self, asked: tuple[Lora, ...]) -> str | None:
        """See crew.Painter."""
        named = [one.label for name, one in self._models.items() if _suits(asked, name, one)]
        here = [name for name, one in self._models.items() if _suits(asked, name, one) and self.lacks(one) is None]
        if not here:
            return f"They are for {', '.join(named)}, which is not here." if named else "No painter's model here is what they were all made for."
        return loras.lacking(asked)

    def recipe(self, brief: Brief) -> object:
        """Everything that changes the picture, but for one that is given."""
        model = self._chosen(brief)
        told = _told(model, brief)
        asked = [_words(brief), brief.frame.width, brief.frame.height, brief.seed, model.content]
        asked += [brief.strength] if brief.picture else []
        asked += [[loras.triggers(told.loras), loras.contents(told.loras)]] if told.loras else []
        return [*asked, *([brief.negative] if brief.negative else []), *source(model.repo, model.revision).changing]

    def paint(self, brief: Brief, out: Path, tick: Tick) -> Notes:
        """Write the PNG. FilmError if weights are lacking or damaged, or memory or numbers give out twice."""
        from PIL import Image

        if not (brief.prompt.strip() or (brief.picture and brief.style)):
            raise FilmError("There is no prompt to paint.", "Say in the prompt what is to be seen.")
        (seen,), notes = self._lent(brief, part(tick, 0.0, PAINTED))
        tick(PAINTED)
        _covering(Image.fromarray(seen), brief.frame).save(out)
        return notes

    def _work(self, brief: Brief) -> zero.Work:
        model = self._chosen(brief)
        told = options(model.options)
        wide, high = size(told.size, told.multiple, brief.frame.width / brief.frame.height)
        return zero.Work(model.repo, told.steps * wide * high, None, files(source(model.repo, model.revision, told.variant), told.variant))

    def _computed(self, brief: Brief, tick: Tick, _show: object) -> tuple[list[Any], Notes]:
        """What paint computes on the GPU: the picture, (height, width, 3)."""
        import torch

        model, notes = self._chosen(brief), Notes()
        told = _told(model, brief)
        with self._lock, torch.inference_mode():
            means = again.Means(self._way(model), long=gpu.chosen(self._device).type != "cuda")
            picture, _ = again.made(lambda now: _painted(self._pipe(model, told, now), brief, told, tick), means, notes, self._leave, full=FULL, odd=ODD)
        return [picture], notes | {"model": model.repo}

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

    def _chosen(self, brief: Brief) -> Model:
        """The model that is named, or the first that is here and can."""
        for name, model in self._models.items():
            if name == (brief.model or name) and (brief.picture is None or _redraws(model)) and _suits(brief.loras, name, model) and self.lacks(model) is None:
                return model
        raise FilmError("No model that paints is here.", str(self.redraws(brief.model) if brief.picture else self.missing()))

    def _way(self, model: Model) -> str:
        """How it is kept in memory: as it is there already, else as there is room without what is there now."""
        if self._loaded and self._loaded[0] == model:
            return self._loaded[1].split()[0]
        self._loaded = None
        return plan(model, self._device, self._most) or pipes.PLANS[0]

    def _pipe(self, model: Model, told: Options, means: again.Means) -> Any:
        import torch

        asked = f"{means.way} {means.long}"
        if self._loaded is None or self._loaded[:2] != (model, asked):
            self._loaded, self._worn = None, ()
            device = gpu.chosen(self._device)
            dtype = torch.float32 if means.long or device.type == "cpu" else getattr(torch, told.dtype)
            base = source(model.repo, model.revision, told.variant, model.name)
            pipe = pipes.load(pipes.named(told.kind), base, told.variant, dtype, told.long, {})
            self._loaded = model, asked, pipes.placed(pipe, device, means.way, False)
        if told.loras != self._worn:
            before, self._worn = self._worn, ()
            loras.change(self._loaded[2], before, told.loras)
            self._worn = told.loras
        return self._loaded[2]


def _told(model: Model, brief: Brief) -> Options:
    """What the model's preset says, with the brief's LoRA files."""
    told = options(model.options)
    return replace(told, loras=(*told.loras, *brief.loras)) if brief.loras else told


def _suits(asked: tuple[Lora, ...], name: str, model: Model) -> bool:
    return all(one.suits(name, model.repo) for one in asked)


def _words(brief: Brief) -> str:
    """What the model is told; a picture that is drawn anew may say nothing of what is seen in it."""
    return (brief.styled or brief.style).strip()


def _redraws(model: Model) -> bool:
    return bool(model.options.get("redraw"))


def size(wanted: tuple[int, int], multiple: int, aspect: float) -> tuple[int, int]:
    """Width and height: whole multiples, of about as many pixels, as near to width / height as can be."""
    area = wanted[0] * wanted[1]
    sides = range(multiple, int(area**0.5) * 3 + multiple, multiple)
    near = [(wide, max(multiple, round(area / wide / multiple) * multiple)) for wide in sides]
    return min(near, key=lambda one: abs(log(one[0] / one[1] / aspect)) + 0.25 * abs(log(one[0] * one[1] / area)))


def _painted(pipe: Any, brief: Brief, told: Options, tick: Tick) -> Any:
    """The picture, (height, width, 3); None if numbers ran out of range."""
    import numpy as np
    import torch
    from PIL import Image

    tick(0.0)
    wide, high = size(told.size, told.multiple, brief.frame.width / brief.frame.height)
    asked: dict[str, Any] = {
        "prompt": " ".join(f"{loras.triggers(told.loras)} {_words(brief)}".split()),
        "negative_prompt": without(told.negative, brief.negative) or None, "width": wide, "height": high,
        "num_inference_steps": told.steps, "guidance_scale": told.guidance, "output_type": "np",
        "generator": torch.Generator("cpu").manual_seed(brief.seed),
    }  # fmt: skip
    if brief.picture:
        pipe = pipes.again(pipes.named(told.redraw), pipe)
        with Image.open(brief.picture, formats=("PNG",)) as image:
            asked["image"] = image.convert("RGB").resize((wide, high), Image.Resampling.LANCZOS)
        asked["strength"] = max(told.strengths.get(brief.strength, STRENGTHS[brief.strength]), 1.001 / told.steps)  # a step at least
    named = {told.names.get(name, name): value for name, value in asked.items() if value is not None} | told.more
    known = inspect.signature(type(pipe).__call__).parameters
    pipes.watched(pipe, tick)
    with pipes.called("diffusers cannot paint this", "Change the prompt; if every scene says so, fetch the model anew."):
        made = np.asarray(pipe(**{name: value for name, value in named.items() if name in known}).images[0], np.float32)
    if not np.isfinite(made).all():
        return None
    return (made.clip(0, 1) * 255).round().astype(np.uint8)


def _covering(picture: Any, frame: Frame) -> Any:
    """The same, made larger if it is smaller than the frame."""
    from PIL import Image

    scale = max(frame.width / picture.width, frame.height / picture.height)
    if scale <= 1:
        return picture
    return picture.resize((max(frame.width, round(picture.width * scale)), max(frame.height, round(picture.height * scale))), Image.Resampling.LANCZOS)
