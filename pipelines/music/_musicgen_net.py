"""MusicGen's decoder as plain functions over the weights that transformers loaded: one step of all pieces, or many at once.

Written for steps that are the same each time: keys and values lie at fixed places, nothing is asked of the device in
between, so a step can be compiled and recorded. Both kinds are here: MusicGen looks at its prompt in a second attention,
the melody kind has it before its first code. Knows nothing of sounds or sampling. After transformers 5's MusicgenDecoder
and MusicgenMelodyDecoder, and equal to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ..work import FilmError

if TYPE_CHECKING:
    from torch import Tensor

Weights = dict[str, "Tensor"]

SPAN = 512  # steps that look equally far back: a recorded step is of one length


@dataclass(frozen=True, slots=True)
class Savings:
    """null: rows without a prompt look at none, where that is zeros. joined: products over the same rows as one. near:
    only what is played already is looked back at. compiled: what is between the attentions as kernels of its own.
    captured: a step is recorded once and handed over whole (CUDA)."""

    null: bool = True
    joined: bool = True
    near: bool = True
    compiled: bool = False
    captured: bool = False


@dataclass(frozen=True)
class Net:
    """The decoder on its device. books: codes of one moment; each of `vocab` values, and one more that begins a piece;
    apart: how many books of a moment are played together (2 in stereo)."""

    layers: tuple[Weights, ...]
    tables: Tensor  # (books * (vocab + 1), width)
    tops: Tensor  # (books * vocab, width)
    norm: tuple[Tensor, Tensor, float]
    places: Callable[[int], Tensor]  # how many -> (at least as many, width)
    heads: int
    books: int
    vocab: int
    apart: int
    first: int
    savings: Savings

    @property
    def width(self) -> int:
        return int(self.tables.shape[1])

    @property
    def delay(self) -> int:
        """Steps from a moment's first book to its last, and one."""
        return self.books // self.apart

    def room(self, steps: int, rows: int) -> int:
        """Bytes of what `rows` rows keep of so many steps."""
        return 2 * len(self.layers) * rows * steps * self.width * int(self.tables.element_size())


@dataclass(frozen=True, slots=True)
class Memory:
    """What has been heard so far. keys, values: a layer's (rows, heads, steps, each). told: a layer's keys and values of
    the prompts, or none. mask: (rows or 1, 1, 1, length), added where prompts are looked at. begins: (rows,), where each
    row begins; None if all do at once."""

    keys: Tensor
    values: Tensor
    told: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor | None
    begins: Tensor | None


def build(network: Any, savings: Savings) -> Net:
    """The decoder of a loaded MusicGen. Its own weights become views of the joined ones, so nothing is there twice."""
    import torch

    top, inner = network.decoder, network.decoder.model.decoder
    config, places = top.config, inner.embed_positions
    if config.activation_function != "gelu":
        raise FilmError(f"A MusicGen with {config.activation_function} is not known here.", "Choose another composer.")

    def table(steps: int) -> Tensor:
        if steps > len(places.weights):
            places.make_weights(steps, config.hidden_size)
        made: Tensor = places.weights
        return made

    return Net(
        tuple(_layer(one, savings) for one in inner.layers),
        _joined([one for one in inner.embed_tokens], torch.cat), _joined([one for one in top.lm_heads], torch.cat),
        (inner.layer_norm.weight, inner.layer_norm.bias, inner.layer_norm.eps), table,
        config.num_attention_heads, config.num_codebooks, config.vocab_size, 2 if config.audio_channels == 2 else 1,
        network.generation_config.decoder_start_token_id, savings,
    )  # fmt: skip


def _joined(modules: list[Any], join: Callable[[list[Any]], Tensor]) -> Tensor:
    """Their weights one under another; each keeps its own as a view."""
    import torch

    made = join([one.weight.detach() for one in modules])
    for one, part in zip(modules, made.split([len(one.weight) for one in modules]), strict=True):
        one.weight = torch.nn.Parameter(part, requires_grad=False)
    return made


def _layer(layer: Any, savings: Savings) -> Weights:
    import torch

    own = layer.self_attn
    made = {"norm": layer.self_attn_layer_norm.weight, "norm_bias": layer.self_attn_layer_norm.bias, "out": own.out_proj.weight}
    if savings.joined:
        made["qkv"] = _joined([own.q_proj, own.k_proj, own.v_proj], torch.cat)
    else:
        made |= {"q": own.q_proj.weight, "k": own.k_proj.weight, "v": own.v_proj.weight}
    if other := getattr(layer, "encoder_attn", None):
        made |= {"ask_norm": layer.encoder_attn_layer_norm.weight, "ask_bias": layer.encoder_attn_layer_norm.bias}
        made |= {"ask": other.q_proj.weight, "key": other.k_proj.weight, "value": other.v_proj.weight, "tell": other.out_proj.weight}
    made |= {"last_norm": layer.final_layer_norm.weight, "last_bias": layer.final_layer_norm.bias}
    return made | {"up": layer.fc1.weight, "down": layer.fc2.weight}


def remember(net: Net, rows: int, steps: int, said: Tensor | None, heeded: Tensor, begins: Tensor | None) -> Memory:
    """Room for so many steps, and what each layer makes of the prompts, once. said: (pieces, length, width), or None;
    heeded: (pieces, length), whether a word is one."""
    import torch

    shape = (len(net.layers), rows, net.heads, steps, net.width // net.heads)
    keys, values = (torch.zeros(shape, dtype=net.tables.dtype, device=net.tables.device) for _ in range(2))
    if said is None:
        return Memory(keys, values, (), None, begins)
    if not net.savings.null and rows > len(said):  # rows without a prompt have one of zeros
        said = torch.cat([said, torch.zeros_like(said)])
        heeded = torch.cat([heeded, torch.ones_like(heeded)])
    spare = -said.shape[1] % 8  # as attention's kernels like it
    said, heeded = torch.nn.functional.pad(said, (0, 0, 0, spare)), torch.nn.functional.pad(heeded, (0, spare))
    told = tuple((_heads(said @ one["key"].T, net.heads), _heads(said @ one["value"].T, net.heads)) for one in net.layers)
    mask = torch.zeros(heeded.shape, dtype=said.dtype, device=said.device).masked_fill(~heeded.bool(), float("-inf"))
    return Memory(keys, values, told, mask[:, None, None], begins)


def heard(net: Net, memory: Memory, x: Tensor, at: Tensor, seen: int, fast: bool) -> Tensor:
    """(rows, steps, width) of codes, at those steps, in the light of the `seen` first steps -> the same, before the last
    norm. at: (steps,)."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    asking = memory.told[0][0].shape[0] if memory.told else 0
    first, second, third = (_compiled(one) for one in (_first, _second, _third)) if fast else (_first, _second, _third)
    x = x + net.places(seen).index_select(0, _since(memory, at).flatten()).view(-1, len(at), net.width).to(x.dtype)
    mask = _back(memory, at, seen, x.dtype)
    for i, weights in enumerate(net.layers):
        query, key, value = first(weights, x, net.heads, net.norm[2])
        memory.keys[i].index_copy_(2, at, key)
        memory.values[i].index_copy_(2, at, value)
        got = scaled_dot_product_attention(query, memory.keys[i, :, :, :seen], memory.values[i, :, :, :seen], attn_mask=mask)
        if memory.told:
            x, query = second(weights, x, got, net.heads, asking, net.norm[2])
            got = scaled_dot_product_attention(query, *memory.told[i], attn_mask=memory.mask)
            x = third(weights, "tell", x, got, net.norm[2])
        else:
            x = third(weights, "out", x, got, net.norm[2])
    return torch.nn.functional.layer_norm(x, (net.width,), *net.norm)


def _since(memory: Memory, at: Tensor) -> Tensor:
    """How many steps after its beginning each row is: (rows or 1, steps)."""
    return at[None] if memory.begins is None else (at[None] - memory.begins[:, None]).clamp(min=0)


def _back(memory: Memory, at: Tensor, seen: int, kind: Any) -> Tensor:
    """(rows or 1, 1, steps, seen): nothing where a step may look, else what hides it. Steps before a row's beginning look
    at something, too: what comes of them is looked at by nobody, but must be numbers."""
    import torch

    steps = torch.arange(seen, device=at.device)
    may = (steps <= at[:, None])[None]
    if memory.begins is not None:
        begins = memory.begins[:, None, None]
        may = may & ((steps >= begins) | (at[None, :, None] < begins))
    return torch.zeros(may.shape, dtype=kind, device=at.device).masked_fill(~may, float("-inf"))[:, None]


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)


def _first(w: Weights, x: Tensor, heads: int, eps: float) -> tuple[Tensor, ...]:
    """What a step asks for, and what it adds for later ones."""
    from torch.nn.functional import layer_norm, linear

    x = layer_norm(x, x.shape[-1:], w["norm"], w["norm_bias"], eps)
    three = linear(x, w["qkv"]).chunk(3, -1) if "qkv" in w else [linear(x, w[name]) for name in "qkv"]
    return tuple(_heads(one, heads) for one in three)


def _second(w: Weights, x: Tensor, got: Tensor, heads: int, asking: int, eps: float) -> tuple[Tensor, Tensor]:
    """What was found taken in; what the first `asking` rows ask of their prompts."""
    from torch.nn.functional import layer_norm, linear

    x = x + linear(got.transpose(1, 2).flatten(2), w["out"])
    return x, _heads(linear(layer_norm(x[:asking], x.shape[-1:], w["ask_norm"], w["ask_bias"], eps), w["ask"]), heads)


def _third(w: Weights, by: str, x: Tensor, got: Tensor, eps: float) -> Tensor:
    """What was found taken in, by as many rows as asked, and thought over."""
    import torch
    from torch.nn.functional import gelu, layer_norm, linear

    found = linear(got.transpose(1, 2).flatten(2), w[by])
    x = x + found if len(found) == len(x) else torch.cat([x[: len(found)] + found, x[len(found) :]])
    return x + linear(gelu(linear(layer_norm(x, x.shape[-1:], w["last_norm"], w["last_bias"], eps), w["up"])), w["down"])


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    return torch.compile(function)  # for other numbers of rows it is compiled once more, for all of them
