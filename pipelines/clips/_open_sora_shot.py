"""Open-Sora 2.0's shots of one film, stage by stage: pictures to latents, all have their steps, all are decoded.

Where the network and the VAE's work have room side by side, a clip is decoded after its steps, and written while the
next one has its own; else each has the device to itself, once for all shots. A long shot's clips, each going on from the
last, are the stages' rounds. What goes wrong on the way is met once: memory that runs out by taking less of it, numbers
that run out of range by computing with longer ones. Both are told in the notes. Knows no file but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..gear import gpu as _gpu
from ..plan import Slate
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import _open_sora_vae as vaes
from ._glimpse import Glimpses, colours
from ._open_sora_loop import Guidance, denoise, needed, packed, pulls, rows, schedule, unpacked
from ._open_sora_machine import Machine
from ._open_sora_net import predict, prepare
from ._open_sora_plan import BEFORE, RATE, Options, Piece
from ._open_sora_vae import SIDE, TIMES
from ._reel import write_planes
from ._stages import Cutting, guarded, landed, planes
from ._window import Window

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

STEPPED, DRAWN = 0.95, 0.96  # shares: of a clip's time, before the VAE; of the work, before the file is written
FRAMES = 16  # whose colours are reckoned together
T = TypeVar("T")


@dataclass
class Job:
    """A shot on its way. size: width, height; said: the model's text; picture: (1, 3, 1, height, width) in -1..1, or the
    two that it lies between; window: where in the model's picture the film's is, if not everywhere; played: how many frames a clip that ends as it begins is played for, 0 where it is none. edge: those frames of the last
    clip that the next goes on from; made: the clips as I420 pictures, in the order of playing."""

    slate: Slate
    wanted: Options
    size: tuple[int, int]
    said: str
    pieces: Sequence[Piece]
    picture: Tensor | None
    played: int = 0
    at: int = 0
    edge: Tensor | None = None
    notes: Notes = field(default_factory=lambda: {"rows": 0})
    made: list[Callable[[], NDArray[Any]]] = field(default_factory=list)
    over: bool = False
    window: Window | None = None

    @property
    def piece(self) -> Piece:
        """The clip that is made now."""
        return self.pieces[self.at]

    @property
    def seed(self) -> int:
        """Of the clip that is made now."""
        return self.slate.shot.seed + self.at

    @property
    def tick(self) -> Tick:
        """That of the clip that is made now."""
        count = len(self.pieces)
        return part(self.slate.tick, DRAWN * self.at / count, DRAWN * (self.at + 1) / count)

    @property
    def backwards(self) -> bool:
        """Whether the clip that is made now is played before the one that was made before it."""
        return self.piece.kind in ("i2v_tail", "v2v_tail")


def shoot(machine: Machine, jobs: Sequence[Job], cutting: Cutting) -> None:
    """Make them all; each is told when it is written, or what is wrong with it."""
    largest = max(jobs, key=lambda one: (one.size[0] * one.size[1], one.pieces[0].frames))
    frames = max(piece.frames for one in jobs for piece in one.pieces)
    staged = machine.laid_out(frames, largest.size)
    for some in [jobs] if staged else [[one] for one in jobs]:
        while left := [one for one in some if not one.over and one.at < len(one.pieces)]:
            begun = [(one, ref) for one in left if (ref := _each(one, partial(_begun, machine, one)))]
            if staged:
                machine.unseen()
            made = [(one, latents) for one, ref in begun if (latents := _each(one, partial(_latents, machine, one, *ref)))]
            if staged:
                machine.rested()
            for one, (latents,) in made:
                _each(one, partial(_show, machine, one, latents, cutting))


def _each(one: Job, work: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """The work's result; None where something is wrong with this scene alone, which is told."""
    made = guarded(one.slate, lambda _: work())
    one.over = one.over or made is None
    return made


def _begun(machine: Machine, one: Job) -> tuple[Tensor | None]:
    """The latents of what the clip begins or ends with."""
    import torch

    one.tick(0.0)
    if one.slate.show and machine.sums is None and machine.seeing:  # soft patches of every colour, and what the VAE makes of them
        machine.sums = _roomy(machine, one, lambda: _sums(machine))
    kind = one.piece.kind
    source = one.edge if kind.startswith("v2v") else one.picture if kind != "t2v" else None
    if source is None:
        return (None,)
    seen = source.to(machine.device)
    apart = seen.split(1, 2) if kind == "i2v_loop" else (seen,)  # two pictures are no video
    return (_numbers(machine, one, lambda kind: torch.cat([vaes.encode(machine.vae(kind), each) for each in apart], 2)),)


def _sums(machine: Machine) -> Tensor:
    import torch

    chart = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
    wide = torch.nn.functional.interpolate(chart, size=(96, 96), mode="bicubic").clamp(-1, 1).to(machine.device)
    return colours(vaes.encode(machine.vae(machine.kind), wide[:, :, None])[0, :, 0], wide[0])


def _latents(machine: Machine, one: Job, ref: Tensor | None) -> tuple[Tensor]:
    """Noise to latents, (1, 16, frames, height, width), with what was given in its place."""
    one.tick(0.0)
    latents = _numbers(machine, one, lambda kind: _stepped(machine, one, ref, kind, part(one.tick, 0.0, STEPPED)))
    if ref is not None and one.piece.kind in ("i2v_head", "i2v_loop"):
        latents[:, :, :1] = ref[:, :, :1]
    if ref is not None and one.piece.kind in ("i2v_tail", "i2v_loop"):
        latents[:, :, -1:] = ref[:, :, -1:]
    return (latents,)


def _stepped(machine: Machine, one: Job, ref: Tensor | None, kind: torch.dtype, tick: Tick) -> Tensor:
    """The steps, computed in that kind of number."""
    import torch

    wanted, piece = one.wanted, one.piece
    width, height = (side // SIDE for side in one.size)
    count = (piece.frames - 1) // TIMES + 1
    words, whole = zip(machine.text(one.said), machine.text(""), strict=True)
    net = replace(machine.net(piece.frames, one.size), dtype=kind)
    channels = net.design.channels // 4
    noise = torch.randn(1, channels, count, height, width, generator=torch.Generator("cpu").manual_seed(one.seed)).to(machine.device)
    cond = packed(condition(piece.kind, ref, torch.zeros_like(noise)))
    times = schedule(wanted.steps, width * height // 4, count)
    tick(0.0)
    clip = prepare(net, times[:-1], (count, height // 2, width // 2), words, whole, cond)
    guidance = Guidance(wanted.guidance, wanted.image_guidance, rising=piece.kind.startswith("i2v"))
    given = ref is not None
    sums = [0]
    for step in range(wanted.steps):
        sums.append(sums[-1] + len(rows(*pulls(step, guidance), given)))

    def answer(step: int, x: Tensor, asked: Sequence[int]) -> list[Tensor]:
        return predict(net, clip, x, step, asked, part(tick, sums[step] / sums[-1], sums[step + 1] / sums[-1]))

    show = one.slate.show
    glimpses = Glimpses(machine.sums, show) if show and machine.sums is not None else None

    def look(clean: Callable[[], Tensor]) -> None:
        if glimpses:
            glimpses.offer(lambda: unpacked(clean(), count, height, width)[0, :, count // 2])

    with _gpu.attention(machine.device):
        x = denoise(answer, packed(noise), times, count, guidance, given, look)
    one.notes["rows"] = int(str(one.notes["rows"])) + needed(wanted.steps, guidance, given)
    return unpacked(x, count, height, width)


def _show(machine: Machine, one: Job, latents: Tensor, cutting: Cutting) -> tuple[()]:
    """Decode a clip and send it to the CPU; a shot whose last one that was is written."""
    import torch

    one.tick(STEPPED)
    frames = _numbers(machine, one, lambda kind: vaes.decode(machine.vae(kind), latents)).float().clamp(-1, 1)
    new = frames if not one.at else frames[:, :, :-BEFORE] if one.backwards else frames[:, :, BEFORE:]
    new = one.window.shown(new) if one.window else new
    pictures = [planes(some) for some in new[0].transpose(0, 1).split(FRAMES)]
    one.made.insert(0 if one.backwards else len(one.made), landed(torch.cat(pictures)))
    edge = frames[:, :, :BEFORE] if one.backwards else frames[:, :, -BEFORE:]
    one.at += 1
    if one.at < len(one.pieces):
        one.edge = edge.cpu()  # it is large, and others come first
        return ()
    one.edge, one.over = None, True
    cutting.add(one.slate, partial(_written, one))
    return ()


def _written(one: Job) -> Notes:
    """The shot as its file."""
    import numpy as np

    clips = [taken() for taken in one.made]
    one.made.clear()
    high, wide = clips[0].shape[1] * 2 // 3, clips[0].shape[2]
    frames = [frame for clip in clips for frame in clip]
    if one.played > len(frames):  # a clip that ends as it begins, as often as the scene's length asks for
        frames = [frames[i] for i in np.arange(one.played) % (len(frames) - 1)]
    return one.notes | write_planes(frames, len(frames), (wide, high), Fraction(RATE), one.slate.out, part(one.slate.tick, DRAWN, 1.0))


def _numbers(machine: Machine, one: Job, work: Callable[[torch.dtype], Tensor]) -> Tensor:
    """What the work makes of one kind of number; where that is none, of a longer kind."""
    import torch

    longer = {torch.bfloat16: torch.float32, torch.float32: torch.float64}
    for kind in (machine.kind, longer[machine.kind]):
        if kind != machine.kind:
            one.notes["retried"] = str(kind).removeprefix("torch.")
        made = _roomy(machine, one, partial(work, kind))
        if bool(torch.isfinite(made).all()):
            return made
    said = "The model's numbers ran out of range, and again with longer ones: there is no picture in them."
    raise FilmError(said, "Give the scene another seed or prompt. If every scene says so, the weights are not this model's.")


def condition(kind: str, ref: Tensor | None, empty: Tensor) -> Tensor:
    """Where latents are given, and what they are: (1, 1 + channels, frames, height, width); `empty` has their shape."""
    import torch

    held, mask = empty.clone(), empty[:, :1].clone()
    if ref is not None:
        n = ref.shape[2]
        whole = {"head": [(slice(0, n), ref)], "tail": [(slice(-n, None), ref)]}
        ends = whole | {"loop": [(slice(0, 1), ref[:, :, :1]), (slice(-1, None), ref[:, :, -1:])]}
        for place, given in ends[kind.split("_")[1]]:
            mask[:, :, place] = 1
            held[:, :, place] = given
    return torch.cat([mask, held], dim=1)


def _roomy(machine: Machine, one: Job, work: Callable[[], T]) -> T:
    """The work's result; where memory runs out, once more with less of it."""
    import torch

    try:
        return work()
    except torch.OutOfMemoryError:
        pass  # what the failed work held is let go only out here
    machine.smaller()
    one.notes["memory"] = "ran out once; less was taken"
    try:
        return work()
    except torch.OutOfMemoryError as error:
        said = "The GPU's memory ran out, even with the network kept in the computer's own."
        raise FilmError(said, "Close what else uses the GPU, or choose open-sora-256, or weights in fp8.") from error
