"""A pipeline of diffusers' loaded on one device, in the way that its memory allows. Knows no shot."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear import gpu as _gpu
from ..gear.snapshot import INDEX, components, fits, source, weights, whole
from ..gear.weights import Source, quiet, table
from ..vault import digest
from ..work import FilmError
from ._diffusers_plan import Lora, Options

if TYPE_CHECKING:
    import torch

DENOISERS = ("transformer", "transformer_2", "unet")
PLANS = ("resident", "offload", "stream")  # all on the device; each part when it works; each layer when it works
Step = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model comes from, and which of its files."""

    base: Source
    told: Options

    @classmethod
    def of(cls, repo: str, revision: str, told: Options) -> Origin:
        return cls(source(repo, revision, told.variant), told)


class Machine:
    """Not safe for several threads. plan: one of PLANS; long: everything in float32."""

    def __init__(self, origin: Origin, device: torch.device, plan: str, *, long: bool, compiled: bool) -> None:
        import torch

        self.device, self.plan, self._origin = device, plan, origin
        self.dtype = torch.float32 if long or device.type == "cpu" else getattr(torch, origin.told.dtype)
        self._compiled = compiled and device.type == "cuda" and plan == "resident" and not _gpu.packages("triton")
        self._made: dict[str, Any] = {}
        self._loras: tuple[Lora, ...] = ()

    def pipe(self, name: str) -> Any:
        """The pipeline of that class; all of a model's share their parts. FilmError if it cannot be loaded."""
        if not self._made:
            told = self._origin.told
            kinds = [_class(one) for one in dict.fromkeys(getattr(told, mode) for mode in told.modes)]
            widest = max(kinds, key=lambda kind: len(inspect.signature(kind.__init__).parameters))
            self._made[widest.__name__] = self._placed(self._load(widest))
        if name not in self._made:
            self._made[name] = _again(_class(name), next(iter(self._made.values())))
        return self._made[name]

    def adapt(self, loras: tuple[Lora, ...]) -> None:
        """Put those small changes on the model, and no others."""
        if loras == self._loras:
            return
        pipe = next(iter(self._made.values()))
        if not hasattr(pipe, "load_lora_weights"):
            raise FilmError(f"{type(pipe).__name__} takes no LoRA files.", "Leave `loras` out in models.toml.", "models.toml")
        if self._loras:
            pipe.unload_lora_weights()
        self._loras = ()
        names = [f"lora_{i}" for i in range(len(loras))]
        for name, lora in zip(names, loras, strict=True):
            path = found(lora)
            table(path, _fetch(lora))
            try:
                with hushed():
                    pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name, local_files_only=True, use_safetensors=True)
            except (ValueError, KeyError, RuntimeError) as error:
                raise FilmError(f"{path.name} is no LoRA for this model.", "Choose one that was made for it.", path.name) from error
        if loras:
            adapters = {name for kept in pipe.get_list_adapters().values() for name in kept}
            if lost := [lora.file for name, lora in zip(names, loras, strict=True) if name not in adapters]:
                raise FilmError(f"{Path(lost[0]).name} is no LoRA for this model.", "Choose one that was made for it.", Path(lost[0]).name)
            pipe.set_adapters(names, [lora.weight for lora in loras])
        self._loras = loras

    def _load(self, kind: Any) -> Any:
        import torch

        base, told = self._origin.base, self._origin.told
        folder = base.path(INDEX).parent
        whole(folder, told.variant, base.fetch)
        _check(folder, told.variant, base.fetch)
        dtypes = {"default": self.dtype} | dict.fromkeys(told.long, torch.float32)
        given = {"use_safetensors": True, "local_files_only": True, "torch_dtype": dtypes}
        if any((there := weights(folder / name, told.variant)) and there.variant for name in components(folder)):
            given["variant"] = told.variant
        try:
            with hushed():
                pipe = kind.from_pretrained(folder, **given)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            first = str(error).strip().splitlines()[:1]
            raise FilmError(f"The model cannot be loaded: {' '.join(first)[:200]}", f"Fetch it anew: {base.fetch}") from error
        if told.scheduler:
            pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **told.scheduler)
        return pipe

    def _placed(self, pipe: Any) -> Any:
        import torch

        if self.device.type == "cpu":
            return pipe
        if self.plan == "resident":
            pipe.to(self.device)
        elif self.plan == "offload":
            pipe.enable_model_cpu_offload(device=self.device)
        else:
            pipe.enable_group_offload(
                onload_device=self.device, offload_device=torch.device("cpu"), offload_type="leaf_level", use_stream=True
            )
        if self.plan != "resident" and hasattr(pipe.vae, "enable_tiling"):
            pipe.vae.enable_tiling()
        for name in DENOISERS if self._compiled else ():
            if getattr(getattr(pipe, name, None), "_repeated_blocks", None):
                getattr(pipe, name).compile_repeated_blocks(dynamic=False)
        return pipe


@contextmanager
def hushed() -> Iterator[None]:
    """diffusers and transformers say what they load; here nobody reads that."""
    from diffusers.utils import logging

    loud, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with quiet():
            yield
    finally:
        logging.set_verbosity(loud)
        if bars:
            logging.enable_progress_bar()


def watched(pipe: Any, step: Step) -> None:
    """Have `step` called with the share of each run of steps that is done, and before each call of the network."""
    done = [0.0]

    class Bar:
        def __init__(self, total: int) -> None:
            self._total, self._count = max(1, total), 0

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, count: int = 1) -> None:
            self._count += count
            done[0] = max(done[0], min(1.0, self._count / self._total))
            step(done[0])

        def close(self) -> None:
            pass

    def bar(iterable: Any = None, total: int | None = None) -> Any:
        made = Bar(total or len(iterable))
        return made if iterable is None else _each(iterable, made)

    def _each(iterable: Any, made: Bar) -> Any:
        for one in iterable:
            yield one
            made.update()

    pipe.progress_bar = bar
    for name in DENOISERS:
        module = getattr(pipe, name, None)
        if module is not None:
            for hook in getattr(module, "_watch", ()):
                hook.remove()
            module._watch = [module.register_forward_pre_hook(lambda *_: step(done[0]))]


def found(lora: Lora) -> Path:
    """Where its file lies; FilmError if it is not there."""
    if lora.repo:
        return Source(lora.repo, lora.revision, (lora.file,)).path(lora.file)
    path = Path(lora.file).expanduser()
    if not path.is_file():
        raise FilmError(f"The LoRA {path.name} is not on this machine.", f"Put it at {path}.", path.name)
    return path


def _fetch(lora: Lora) -> str:
    return Source(lora.repo, lora.revision, (lora.file,)).fetch if lora.repo else "from where it came."


def triggers(loras: tuple[Lora, ...]) -> str:
    """The words that wake them: as the preset says, else a text beside the file, else what the file itself says."""
    return ", ".join(one for one in map(_words, loras) if one)


def _words(lora: Lora) -> str:
    from safetensors import safe_open

    if lora.words:
        return lora.words
    path = found(lora)
    beside = path.with_suffix(".txt")
    if beside.is_file():
        return " ".join(beside.read_text("utf-8", "replace")[:400].split())
    table(path, _fetch(lora))
    with safe_open(path, framework="pt") as file:
        return " ".join((file.metadata() or {}).get("modelspec.trigger_phrase", "")[:400].split())


def contents(loras: tuple[Lora, ...]) -> list[object]:
    """What of them changes a clip."""
    return [[digest(found(lora)), lora.weight] for lora in loras]


def _class(name: str) -> Any:
    import diffusers

    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise FilmError(f"diffusers {diffusers.__version__} has no {name}.", "pip install --upgrade diffusers")
    return kind


def _again(kind: Any, pipe: Any) -> Any:
    """Another pipeline over the same parts."""
    names = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    given = {name: getattr(pipe, name, None) if name in pipe.components else pipe.config.get(name) for name in names}
    return kind(**{name: one for name, one in given.items() if one is not None or name in pipe.components})


def _check(folder: Path, variant: str, fetch: str) -> None:
    """FilmError unless each part of diffusers' own has the tensors that its config asks for."""
    import diffusers
    import torch

    for name, kind in components(folder).items():
        made = getattr(diffusers, kind, None)
        if made is None or not hasattr(made, "from_config"):
            continue  # transformers names some tensors otherwise than its files do
        with hushed(), torch.device("meta"):
            empty = made.from_config(made.load_config(folder / name, local_files_only=True))
        there = weights(folder / name, variant)
        assert there
        fits(there, {key: tuple(one.shape) for key, one in empty.state_dict().items()}, fetch)
