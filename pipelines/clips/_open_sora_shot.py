"""One shot of Open-Sora 2.0's: its clips one after the other, each going on from the last. Knows no file and no story.

What goes wrong on the way is met once: memory that runs out by taking less of it, numbers that run out of range by
computing with longer ones. Both are told in the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ..gear import gpu as _gpu
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import _open_sora_vae as vaes
from ._glimpse import Glimpses, colours
from ._open_sora_loop import Guidance, denoise, needed, packed, pulls, rows, schedule, unpacked
from ._open_sora_machine import Machine
from ._open_sora_net import predict, prepare
from ._open_sora_plan import BEFORE, Options, Piece
from ._open_sora_vae import SIDE, TIMES

if TYPE_CHECKING:
    import torch
    from numpy import uint8
    from numpy.typing import NDArray
    from torch import Tensor

    from ._glimpse import Show

STEPPED = 0.95  # of a clip's time, before the VAE
T = TypeVar("T")


@dataclass(frozen=True)
class Take:
    """What holds for all clips of a shot. size: width, height; said: the model's text; picture: (1, 3, 1, height,
    width) in -1..1; show: takes small pictures of what it is becoming."""

    machine: Machine
    wanted: Options
    size: tuple[int, int]
    said: str
    seed: int
    picture: Tensor | None
    show: Show | None = None


def shot(take: Take, pieces: Sequence[Piece], tick: Tick) -> tuple[list[NDArray[uint8]], Notes]:
    """-> the shot's pictures in the order of playing, (frames, height, width, 3) a clip, and what there is to tell."""
    notes: Notes = {"rows": 0}
    clips: list[NDArray[uint8]] = []
    edge: Tensor | None = None
    for i, piece in enumerate(pieces):
        frames = _clip(take, piece, edge, take.seed + i, notes, part(tick, i / len(pieces), (i + 1) / len(pieces)))
        backwards = piece.kind in ("i2v_tail", "v2v_tail")
        edge = frames[:, :, :BEFORE] if backwards else frames[:, :, -BEFORE:]
        new = frames if not i else frames[:, :, :-BEFORE] if backwards else frames[:, :, BEFORE:]
        seen = ((new[0] + 1) * 127.5).round().byte().permute(1, 2, 3, 0).cpu().numpy()
        clips.insert(0 if backwards else len(clips), seen)
    return clips, notes


def _clip(take: Take, piece: Piece, edge: Tensor | None, seed: int, notes: Notes, tick: Tick) -> Tensor:
    """One clip, (1, 3, frames, height, width) in -1..1; `edge`: those frames of the last that it goes on from."""
    import torch

    longer = {torch.bfloat16: torch.float32, torch.float32: torch.float64}
    for kind in (take.machine.kind, longer[take.machine.kind]):
        if kind != take.machine.kind:
            notes["retried"] = str(kind).removeprefix("torch.")
        frames = _attempt(take, piece, edge, seed, kind, notes, tick)
        if bool(torch.isfinite(frames).all()):
            return frames.float().clamp(-1, 1)
    said = "The model's numbers ran out of range, and again with longer ones: there is no picture in them."
    raise FilmError(said, "Give the scene another seed or prompt. If every scene says so, the weights are not this model's.")


def _attempt(take: Take, piece: Piece, edge: Tensor | None, seed: int, kind: torch.dtype, notes: Notes, tick: Tick) -> Tensor:
    """A clip, computed in that kind of number."""
    machine = take.machine
    source = edge if piece.kind.startswith("v2v") else take.picture if piece.kind != "t2v" else None
    ref = None
    if source is not None:
        seen = source.to(machine.device)
        ref = _roomy(machine, notes, lambda: vaes.encode(machine.vae(kind), seen))
    tick(0.0)
    latents = _roomy(machine, notes, lambda: _latents(take, piece, ref, seed, kind, notes, part(tick, 0.0, STEPPED)))
    if ref is not None and piece.kind in ("i2v_head", "i2v_loop"):
        latents[:, :, :1] = ref
    if ref is not None and piece.kind in ("i2v_tail", "i2v_loop"):
        latents[:, :, -1:] = ref
    tick(STEPPED)
    return _roomy(machine, notes, lambda: vaes.decode(machine.vae(kind), latents))


def _latents(take: Take, piece: Piece, ref: Tensor | None, seed: int, kind: torch.dtype, notes: Notes, tick: Tick) -> Tensor:
    """Noise to latents, (1, 16, frames, height, width)."""
    import torch

    machine, wanted = take.machine, take.wanted
    width, height = (side // SIDE for side in take.size)
    count = (piece.frames - 1) // TIMES + 1
    words, whole = zip(machine.text(take.said), machine.text(""), strict=True)
    net = replace(machine.net(piece.frames, take.size), dtype=kind)
    channels = net.design.channels // 4
    noise = torch.randn(1, channels, count, height, width, generator=torch.Generator("cpu").manual_seed(seed)).to(machine.device)
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

    glimpses = _glimpses(take, kind, channels)

    def look(clean: Callable[[], Tensor]) -> None:
        if glimpses:
            glimpses.offer(lambda: unpacked(clean(), count, height, width)[0, :, count // 2])

    with _gpu.attention(machine.device):
        x = denoise(answer, packed(noise), times, count, guidance, given, look)
    notes["rows"] = int(str(notes["rows"])) + needed(wanted.steps, guidance, given)
    return unpacked(x, count, height, width)


def _glimpses(take: Take, kind: torch.dtype, channels: int) -> Glimpses | None:
    """None where nobody looks, or the VAE is not at hand to tell colours from."""
    import torch

    if not take.show or not take.machine.seeing:
        return None
    if take.machine.sums is None:  # soft patches of every colour, and what the VAE makes of them
        chart = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 2 - 1
        wide = torch.nn.functional.interpolate(chart, size=(96, 96), mode="bicubic").clamp(-1, 1).to(take.machine.device)
        take.machine.sums = colours(vaes.encode(take.machine.vae(kind), wide[:, :, None])[0, :channels, 0], wide[0])
    return Glimpses(take.machine.sums, take.show)


def condition(kind: str, ref: Tensor | None, empty: Tensor) -> Tensor:
    """Where latents are given, and what they are: (1, 1 + channels, frames, height, width); `empty` has their shape."""
    import torch

    held, mask = empty.clone(), empty[:, :1].clone()
    if ref is not None:
        n = ref.shape[2]
        ends = {"head": (slice(0, n),), "tail": (slice(-n, None),), "loop": (slice(0, n), slice(-n, None))}
        for place in ends[kind.split("_")[1]]:
            mask[:, :, place] = 1
            held[:, :, place] = ref
    return torch.cat([mask, held], dim=1)


def _roomy(machine: Machine, notes: Notes, work: Callable[[], T]) -> T:
    """The work's result; where memory runs out, once more with less of it."""
    import torch

    try:
        return work()
    except torch.OutOfMemoryError:
        pass  # what the failed work held is let go only out here
    machine.smaller()
    notes["memory"] = "ran out once; less was taken"
    try:
        return work()
    except torch.OutOfMemoryError as error:
        said = "The GPU's memory ran out, even with the network kept in the computer's own."
        raise FilmError(said, "Close what else uses the GPU, or choose open-sora-256, or weights in fp8.") from error
