"""diffusers' pipelines on this machine: loaded from a folder that was found whole, kept in memory as there is room for
it, and watched while they work. Knows no film and no model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..work import FilmError
from . import gpu, modular
from .snapshot import INDEX, components, fits, home, weights, whole
from .weights import Reading, Source, loading, quiet

if TYPE_CHECKING:
    import torch

DENOISERS = ("transformer", "transformer_2", "unet")
PLANS = ("resident", "offload", "stream")  # all on the device; each part when it works; each layer when it works
PINNED = 0.5  # share of the machine's memory that may be pinned for weights: a tensor takes up to twice its size there
Step = Callable[[float], None]


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


@contextmanager
def called(what: str, hint: str) -> Iterator[None]:
    """Within it a pipeline is called: see Reading."""
    with Reading(what, hint, why=True), hushed():
        yield


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


def named(name: str) -> Any:
    """diffusers' class of that name; FilmError if this diffusers has none."""
    import diffusers

    kind = getattr(diffusers, name, None)
    if kind is None or not hasattr(kind, "from_pretrained"):
        raise FilmError(f"diffusers {diffusers.__version__} has no {name}.", "pip install --upgrade diffusers")
    return kind


def again(kind: Any, pipe: Any) -> Any:
    """Another pipeline over the same parts."""
    names = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]
    given = {name: getattr(pipe, name, None) if name in pipe.components else pipe.config.get(name) for name in names}
    return kind(**{name: one for name, one in given.items() if one is not None or name in pipe.components})


@loading()
def load(
    kind: Any, base: Source, variant: str, dtype: torch.dtype, long: tuple[str, ...], scheduler: Mapping[str, Any]
) -> Any:
    """A pipeline of that class from its folder. long: parts that stay in float32; scheduler: settings of its scheduler.
    FilmError if a file is lacking or not what it says."""
    import torch

    gpu.emptied()  # whoever loads has let go what was there
    folder = (home(base) or base.path(INDEX)).parent
    whole(folder, variant, base.fetch)
    _check(folder, variant, base.fetch)
    given: dict[str, Any] = {"torch_dtype": {"default": dtype} | dict.fromkeys(long, torch.float32)}
    if any((there := weights(folder / name, variant)) and there.variant for name in components(folder)):
        given["variant"] = variant
    with Reading("The model cannot be loaded", f"Fetch it anew: {base.fetch}", why=True), hushed():
        if modular.is_modular(kind):
            pipe: Any = modular.load(kind, folder, given, base.fetch)
        else:
            pipe = kind.from_pretrained(folder, use_safetensors=True, local_files_only=True, **given)
        paced(pipe, scheduler)
    return pipe


def paced(pipe: Any, scheduler: Mapping[str, Any]) -> None:
    """Have the pipeline's scheduler set so, and leave that of others over the same parts as it is."""
    if any(pipe.scheduler.config.get(name) != value for name, value in scheduler.items()):
        pipe.scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config, **scheduler)


def placed(pipe: Any, device: torch.device, plan: str, compiled: bool) -> Any:
    """The pipeline, kept as one of PLANS says; on the CPU it stays as it is."""
    import torch

    if device.type == "cpu":
        return pipe
    if plan in PLANS[1:] and isinstance(pipe, modular.Called):
        raise FilmError("A modular pipeline stays on the GPU as a whole.", "Name only `resident` in the model's vram.", "models.toml")
    if plan == "offload":
        pipe.enable_model_cpu_offload(device=device)
    elif plan == "stream":
        pipe.enable_group_offload(
            onload_device=device, offload_device=torch.device("cpu"), offload_type="leaf_level", use_stream=True,
            low_cpu_mem_usage=_bytes(pipe) > gpu.memory() * PINNED, exclude_modules=_whole(pipe),
        )  # fmt: skip
    else:
        pipe.to(device)
    if plan in PLANS[1:] and hasattr(pipe.vae, "enable_tiling"):
        pipe.vae.enable_tiling()
    if compiled and plan not in PLANS[1:] and gpu.compiles(device):
        for name in DENOISERS:
            if getattr(getattr(pipe, name, None), "_repeated_blocks", None):
                getattr(pipe, name).compile_repeated_blocks(**gpu.compiling())
    return pipe


def _modules(pipe: Any) -> dict[str, Any]:
    import torch

    return {name: one for name, one in pipe.components.items() if isinstance(one, torch.nn.Module)}


def _bytes(pipe: Any) -> int:
    """Of its weights."""
    return sum(tensor.numel() * tensor.element_size() for one in _modules(pipe).values() for tensor in one.parameters())


def _whole(pipe: Any) -> list[str]:
    """Parts whose layers cannot come to the device one by one: diffusers says so of them, or their pipeline has them compute
    in longer numbers than they were loaded in, and layers would come back in the shorter ones."""
    import torch

    def whole(one: Any) -> bool:
        upcast = getattr(one, "dtype", None) == torch.float16 and getattr(getattr(one, "config", None), "force_upcast", False)
        return bool(upcast) or not getattr(one, "_supports_group_offloading", True)

    return [name for name, one in _modules(pipe).items() if whole(one)]


def _check(folder: Path, variant: str, fetch: str) -> None:
    """FilmError unless each part of diffusers' own has the tensors that its config asks for."""
    import diffusers
    import torch

    for name, kind in components(folder).items():
        made = getattr(diffusers, kind, None)
        if made is None or not hasattr(made, "from_config"):
            continue  # transformers names some tensors otherwise than its files do
        with Reading(f"{name}/config.json is not what {kind} is made from", f"Fetch it anew: {fetch}", name), hushed(), torch.device("meta"):
            empty = made.from_config(made.load_config(folder / name, local_files_only=True))
        there = weights(folder / name, variant)
        assert there
        fits(there, {key: tuple(one.shape) for key, one in empty.state_dict().items()}, fetch)
