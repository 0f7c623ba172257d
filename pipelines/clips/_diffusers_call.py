"""One call of a diffusers pipeline, in three that can lie apart in time: what it reads, its steps, and what it shows.

Nothing of a pipeline's own order is written anew. It is called as ever and stopped before its first step, with what its
readers said on a tape; called again with the tape played back, and stopped where it would decode; what it would have
decoded is decoded later. So every kind is taken apart alike, and the numbers are those of one whole call. Knows no shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..gear import gpu
from ..gear.modular import asks
from ..gear.pipes import DENOISERS, called

if TYPE_CHECKING:
    import torch
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    Asked = Callable[[], dict[str, Any]]

REFUSED = ("diffusers cannot make this clip", "Change the scene, or the model's options; if every scene says so, fetch the model anew.")
PRESSED = 18  # x264's crf of the pictures that LTX-2.5 learnt from: a cleaner one hardly moves
READERS = ("encode_prompt", "encode_image")  # a pipeline's own, beside its VAE's `encode`


class _Enough(BaseException):
    """A call has come as far as it is to come. Caught where it was begun, and by nobody on the way: that is no error."""


@dataclass(frozen=True)
class Held:
    """What a call would have decoded: the VAE's arguments. Or all that it showed, where it decodes between its steps."""

    args: tuple[Any, ...] = ()
    more: Mapping[str, Any] | None = None
    whole: Tensor | None = None


@dataclass
class Tape:
    """What was said in a call, by whom, in the order in which it was asked; it waits in the CPU's memory. done: the share
    of the steps that is on it."""

    said: dict[str, list[Any]] = field(default_factory=dict)
    done: float = 0.0

    def keep(self, name: str, real: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Ask, and put it on the tape."""
        said = real(*args, **more)
        self.said.setdefault(name, []).append(_moved(said, "cpu"))
        return said

    def reached(self, share: float) -> bool:
        """Whether a call that plays it back goes on from what is on it; it is told how far a call has come."""
        self.done, before = max(self.done, share), self.done
        return share >= before


def read(pipe: Any, asked: Asked) -> Tape:
    """Everything that a call reads before its first step."""
    tape = Tape()
    with ExitStack() as stack:
        for name, owner in _readers(pipe):
            stack.enter_context(_instead(owner, name, partial(tape.keep, name, getattr(owner, name))))
        for _, module in _denoisers(pipe):
            stack.callback(module.register_forward_pre_hook(_stop, prepend=True).remove)  # before what watched the last call
        _called(pipe, asked())
    return tape


def stepped(pipe: Any, asked: Asked, tape: Tape, *, seed: int, along: bool, apart: bool = False) -> Held | None:
    """A call's steps; what is on the tape is not asked for once more. seed: of what a pipeline draws beside its own
    generator; along: it decodes between its steps. apart: of two networks only that which is not on the tape yet has its
    steps; None where the other is to go on, what the first said being on the tape: so each comes to the device once for
    all shots."""
    import torch

    held: list[Held] = []
    left = {name: iter(said) for name, said in tape.said.items()}
    networks = list(_denoisers(pipe))
    halved = apart and len([name for name, _ in networks if name not in left]) > 1
    playing = False

    def again(name: str, real: Callable[..., Any], *args: Any, **more: Any) -> Any:
        for said in left.get(name, ()):
            return _moved(said, pipe._execution_device)
        return real(*args, **more)

    def onward(name: str, real: Callable[..., Any], *args: Any, **more: Any) -> Any:
        nonlocal playing
        playing = name in left
        return again(name, real, *args, **more)

    def turn(name: str, real: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if any(other in tape.said for other, _ in networks if other != name):
            raise _Enough  # the other one's turn is over
        return tape.keep(name, real, *args, **more)

    def hold(*args: Any, **more: Any) -> Any:
        held.append(Held(args, more))
        raise _Enough

    with ExitStack() as stack:
        for name, owner in _readers(pipe):
            stack.enter_context(_instead(owner, name, partial(again, name, getattr(owner, name))))
        for name, module in networks if halved or any(name in left for name, _ in networks) else ():
            stack.enter_context(_instead(module, "forward", partial(turn if halved else onward, name, module.forward)))
        if not along:
            stack.enter_context(_instead(pipe.vae, "decode", hold))
        device = pipe._execution_device
        stack.enter_context(gpu.chance(device))
        torch.manual_seed(seed)
        given = asked()
        if look := given.get("callback_on_step_end"):  # what is played back was shown before
            given["callback_on_step_end"] = lambda *told: {} if playing else look(*told)
        whole = _called(pipe, given)
    return held[0] if held else None if whole is None else Held(whole=whole)


def shown(pipe: Any, held: Held) -> Tensor:
    """The clip's pictures, where they were computed: (frames, 3, height, width) in 0..1, or no numbers."""
    if held.whole is not None:
        return held.whole
    with called(*REFUSED):
        made = pipe.vae.decode(*held.args, **(held.more or {}))
    video = made[0] if isinstance(made, tuple) else made.sample
    seen: Tensor = pipe.video_processor.postprocess_video(video, output_type="pt")[0]
    return seen


def _called(pipe: Any, given: dict[str, Any]) -> Tensor | None:
    """What the pipeline showed; None if it was stopped before."""
    with called(*REFUSED):
        try:
            made: Tensor = pipe(**given).frames[0]
        except _Enough:
            return None
    return made


def _stop(*_: object) -> None:
    raise _Enough


def _readers(pipe: Any) -> Iterator[tuple[str, Any]]:
    yield from ((name, pipe) for name in READERS if hasattr(pipe, name))
    yield "encode", pipe.vae


def _denoisers(pipe: Any) -> Iterator[tuple[str, torch.nn.Module]]:
    yield from ((name, module) for name in DENOISERS if (module := getattr(pipe, name, None)) is not None)


@contextmanager
def _instead(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Have that method be another one."""
    own = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _moved(said: Any, to: torch.device | str) -> Any:
    """The same with its tensors there; what is neither a tensor nor made of some stays."""
    import torch

    if isinstance(said, torch.Tensor):
        return said.to(to)
    if type(said) in (tuple, list):
        return type(said)(_moved(one, to) for one in said)
    if type(said) is dict:
        return {name: _moved(one, to) for name, one in said.items()}
    return said


def arguments(pipe: Any, given: Mapping[str, Any], names: Mapping[str, str], more: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a call that this pipeline knows, under its names for them."""
    known = asks(pipe)
    named = {names.get(name, name): value for name, value in given.items() if value is not None} | dict(more)
    return {name: value for name, value in named.items() if name in known}


def pictures(kind: str, mode: str, frames: int, seen: list[NDArray[uint8]], size: tuple[int, int], crf: int) -> dict[str, Any]:
    """The pictures that a clip of so many frames begins with, as its pipeline takes them. crf: see _reel.pressed."""
    from PIL import Image

    from ._reel import pressed

    begin = [Image.fromarray(one).resize(size) for one in seen]
    if kind == "ltx2":
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

        first = begin if len(begin) > 1 else pressed(begin[0], crf)
        return {"conditions": [LTX2VideoCondition(frames=first, index=0, strength=1.0, crf=0)]}
    if kind == "vace":
        kept, left = len(begin), frames - len(begin)
        grey = Image.new("RGB", size, (128, 128, 128))
        masks = [Image.new("L", size, value) for value in (0, 255)]
        return {"video": [*begin, *[grey] * left], "mask": [*[masks[0]] * kept, *[masks[1]] * left]}
    if kind == "ltx" and len(begin) > 1:  # given as `video`, only the first of them is looked at
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        return {"conditions": [LTXVideoCondition(video=begin)]}
    if mode == "extend":
        return {"video": begin}
    return {"image": begin[-1]} | ({"last_image": begin[-1]} if mode == "ends" else {})
