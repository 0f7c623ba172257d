"""How MusicGen plays: prompts read, one step after the other for all pieces, codes to sound.

Equal to transformers' generate() for one piece, with sampling off or with the same numbers drawn. Each piece draws its own,
so what it becomes does not depend on those beside it. Knows tensors, no cue and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..gear.pace import Pace
from ..work import Tick
from ._musicgen_net import SPAN, Net, heard, remember

if TYPE_CHECKING:
    from torch import Generator, Tensor

MARGIN = 100  # codes around a stretch that its sound is made with: two seconds


@dataclass(frozen=True, slots=True)
class Said:
    """Prompts as the decoder takes them. words: (pieces, length, width); heeded: (pieces, length), whether a word is one;
    blank: what a row without a prompt has instead, or None where that is zeros and looked at by nobody. before: they are
    had before the first code, as the melody kind has them."""

    words: Tensor
    heeded: Tensor
    blank: Tensor | None = None

    @property
    def before(self) -> bool:
        return self.blank is not None


@dataclass(frozen=True, slots=True)
class How:
    """How codes are chosen. sampled: drawn, else the likeliest."""

    guidance: float = 3.0
    temperature: float = 1.0
    top_k: int = 250
    sampled: bool = True

    @property
    def ways(self) -> int:
        """Rows of a piece: with its prompt, and without one."""
        return 2 if self.guidance > 1 else 1


@dataclass(frozen=True, slots=True)
class Piece:
    """frames: moments of it, all told; before: (books, moments), those that are there already; random: draws for it."""

    frames: int
    before: Tensor | None
    random: Generator

    @property
    def given(self) -> int:
        return 0 if self.before is None else int(self.before.shape[1])


class Odd(Exception):
    """Numbers ran out of range."""


def prompted(network: Any, tokenizer: Any, words: Sequence[str]) -> Said:
    """Prompts through the text encoder."""
    import torch

    given = tokenizer(list(words), return_tensors="pt", padding=True).to(network.device)
    heeded = given["attention_mask"]
    hidden = network.text_encoder(input_ids=given["input_ids"], attention_mask=heeded).last_hidden_state
    if hasattr(network, "enc_to_dec_proj"):
        hidden = network.enc_to_dec_proj(hidden)
    hidden = hidden * heeded[..., None]
    if not hasattr(network.config, "num_chroma"):
        return Said(hidden, heeded)
    none = torch.zeros(1, 1, network.config.num_chroma, dtype=hidden.dtype, device=hidden.device)  # no melody
    none[..., 0] = 1
    if hasattr(network, "audio_enc_to_dec_proj"):
        none = network.audio_enc_to_dec_proj(none)
    none = none.expand(len(hidden), network.config.chroma_length, -1)
    both = torch.cat([none, hidden], 1)
    return Said(both, torch.cat([torch.ones_like(heeded[:, :1]).expand(-1, none.shape[1]), heeded], 1), torch.cat([none, torch.zeros_like(hidden)], 1))


def play(net: Net, said: Said, pieces: Sequence[Piece], how: How, tick: Tick) -> list[Tensor]:
    """The codes of some pieces, (books, frames) each, with what was there before; all have as much of that. Odd if the
    network's numbers are none."""
    import torch

    grid, free = (one.to(net.tables.device) for one in _grid(net, pieces))
    device, given, ways = grid.device, pieces[0].given, how.ways
    prefix, begins = _prefix(said, ways)
    skip = 0 if prefix is None else prefix.shape[1]
    start, end = skip + given, skip + grid.shape[2] - 1
    room = end + -end % 8
    net.places(room)
    memory = remember(net, ways * len(pieces), room, None if said.before else said.words, said.heeded, begins)
    if start:
        past = _codes(net, grid[:, :, :given], ways)
        whole = past if prefix is None else torch.cat([prefix, past], 1)
        heard(net, memory, whole, torch.arange(start, device=device), start, False)
    at = torch.tensor([start], device=device)
    noise = torch.ones(len(pieces), net.books, net.vocab, device=device)
    odd = torch.zeros((), dtype=torch.bool, device=device)

    def step(seen: int) -> None:
        """Everything between two codes; nothing in it waits for the device."""
        now, then = at - skip, at - skip + 1
        x = heard(net, memory, _codes(net, grid.index_select(2, now), ways), at, seen, net.savings.compiled)
        scores = (x @ net.tops.T).float().view(ways, len(pieces), net.books, net.vocab)
        guided = scores[1] + (scores[0] - scores[1]) * how.guidance if ways == 2 else scores[0]
        odd.logical_or_(~guided.isfinite().all())
        made = chosen(guided, noise, how)[..., None]
        grid.index_copy_(2, then, torch.where(free.index_select(2, then), made, grid.index_select(2, then)))
        at.add_(1)

    pace, span, again = Pace(device), 0, None
    try:
        for i in range(start, end):
            tick((i - start) / (end - start))
            if how.sampled:
                for mine, one in zip(noise, pieces, strict=True):
                    mine.exponential_(generator=one.random)
            seen = min(room, i + 1 + -(i + 1) % SPAN) if net.savings.near else room
            if again and seen == span:
                again()
            else:
                step(seen)
                span, again = seen, _recorded(partial(step, seen)) if net.savings.captured else None
            pace.wait()
        played = grid.cpu()  # waits for all of it
        if odd:
            raise Odd
    finally:
        if device.type == "cuda":
            torch.cuda.synchronize(device)  # before what it works with is let go
    return [
        torch.stack([played[n, book, 1 + late : 1 + late + one.frames] for book, late in enumerate(_late(net))]) for n, one in enumerate(pieces)
    ]  # fmt: skip


def chosen(scores: Tensor, noise: Tensor, how: How) -> Tensor:
    """(..., values) of scores, float32 -> one of each: the likeliest, or drawn from the top_k likeliest by as many
    numbers of an exponential distribution, which is how torch.multinomial draws one."""
    import torch

    if not how.sampled:
        return scores.argmax(-1)
    scores = scores / how.temperature
    least = torch.topk(scores, min(how.top_k, scores.shape[-1])).values[..., -1:]
    return (scores.masked_fill(scores < least, float("-inf")).softmax(-1) / noise).argmax(-1)


def sounded(network: Any, codes: Tensor, longest: int) -> Tensor:
    """(books, frames) -> (channels, samples), float32: at most `longest` moments at once, each stretch with what is
    around it, so that no joint is heard."""
    import torch

    apart = 2 if network.decoder.config.audio_channels == 2 else 1
    hop, made = network.config.audio_encoder.hop_length, []
    for start in range(0, codes.shape[1], longest):
        end = min(start + longest, codes.shape[1])
        first, last = max(0, start - MARGIN), min(end + MARGIN, codes.shape[1])
        part = codes[:, first:last].to(network.device)
        sides = [network.audio_encoder.decode(part[None, None, side::apart], [None]).audio_values[0] for side in range(apart)]
        made.append(torch.cat(sides)[:, (start - first) * hop : (end - first) * hop].float().cpu())
    return torch.cat(made, 1)


def _late(net: Net) -> list[int]:
    """By how many steps each book of a moment is played after its first."""
    return [book // net.apart for book in range(net.books)]


def _grid(net: Net, pieces: Sequence[Piece]) -> tuple[Tensor, Tensor]:
    """(pieces, books, steps): what stands fast, and what is to be played. A moment's books are played one step after the
    other, the first after a beginning; what is outside a piece is its beginning's value."""
    import torch

    shape = (len(pieces), net.books, max(one.frames for one in pieces) + net.delay)
    grid, free = torch.full(shape, net.first), torch.zeros(shape, dtype=torch.bool)
    for n, one in enumerate(pieces):
        for book, late in enumerate(_late(net)):
            free[n, book, 1 + late + one.given : 1 + late + one.frames] = True
            if one.before is not None:
                grid[n, book, 1 + late : 1 + late + one.given] = one.before[book]
    return grid, free


def _codes(net: Net, codes: Tensor, ways: int) -> Tensor:
    """(pieces, books, steps) -> (rows, steps, width)."""
    import torch
    from torch.nn.functional import embedding

    ids = codes + torch.arange(net.books, device=codes.device)[:, None] * (net.vocab + 1)
    return embedding(ids, net.tables).sum(1).repeat(ways, 1, 1)


def _prefix(said: Said, ways: int) -> tuple[Tensor | None, Tensor | None]:
    """What rows have before their first code, ending together; and where each begins."""
    import torch

    if said.blank is None:
        return None, None
    whole = said.heeded.shape[1]
    long = said.heeded.sum(1).tolist()
    rows = [
        torch.cat([row.new_zeros(whole - n, row.shape[1]), row[:n]])
        for kind in (said.words, said.blank)[:ways]
        for row, n in zip(kind, long, strict=True)
    ]
    return torch.stack(rows), torch.tensor([whole - n for n in long] * ways, device=said.words.device)


def _recorded(work: Callable[[], None]) -> Callable[[], None]:
    """The same work, handed to the GPU in one go each time it is asked for; nothing is done by recording it. Where it
    cannot be recorded it stays what it is."""
    import torch

    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # others may use the GPU meanwhile
            work()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:
        return work
    return graph.replay
