"""Open-Sora 2.0's network as plain functions over its checkpoint's tensors. Knows no file, no schedule and no film.

Words: a row is one text with one condition; a clip's rows go through a block one after the other, so weights that are
copied to the device for a block are copied once for all of them. What a block is modulated by depends on the step and
the text alone: it is computed for all steps at once, and a quarter of the weights is not needed after that. Several
devices may each compute a share of the picture's tokens: only where tokens look at one another must they have all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ._stream import SCALE

if TYPE_CHECKING:
    from torch import Tensor, dtype

    Weights = Mapping[str, Tensor]
    Shapes = Mapping[str, tuple[int, ...]]

EPS = 1e-6
AXES = (16, 56, 56)
WAVES = 256  # numbers that a step's time is turned into
TIMED = ("mod.lin.", "modulation.lin.")  # weights that are needed once a clip, not once a step


@dataclass(frozen=True, slots=True)
class Design:
    """The network's measures; the defaults are the published model's. `axes`: how much of a head turns with time,
    height and width."""

    width: int = 3072
    heads: int = 24
    doubles: int = 19
    singles: int = 38
    axes: tuple[int, int, int] = AXES
    channels: int = 64
    text: int = 4096
    pooled: int = 768
    mlp: int = 12288

    def blocks(self) -> list[str]:
        """The names of the blocks in the order of their work."""
        doubles = [f"double_blocks.{i}." for i in range(self.doubles)]
        return doubles + [f"single_blocks.{i}." for i in range(self.singles)]


def design_of(shapes: Shapes, axes: tuple[int, int, int] = AXES) -> Design:
    """The measures that a checkpoint's shapes tell; KeyError, ValueError or IndexError if it is of another kind."""
    width, channels = shapes["img_in.weight"]
    count = {kind: 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith(kind)) for kind in ("double_blocks.", "single_blocks.")}
    head = shapes["double_blocks.0.img_attn.norm.query_norm.scale"][0]
    return Design(
        width, width // head, count["double_blocks."], count["single_blocks."], axes, channels,
        shapes["txt_in.weight"][1], shapes["vector_in.in_layer.weight"][1], shapes["double_blocks.0.img_mlp.0.weight"][0],
    )  # fmt: skip


def shapes(design: Design) -> dict[str, tuple[int, ...]]:
    """Every tensor of a checkpoint, by name."""
    w, h, head = design.width, design.mlp, design.width // design.heads
    layers = {
        "img_in": (w, design.channels), "time_in.in_layer": (w, WAVES), "time_in.out_layer": (w, w),
        "vector_in.in_layer": (w, design.pooled), "vector_in.out_layer": (w, w),
        "cond_in": (w, design.channels + 4), "txt_in": (w, design.text),
        "final_layer.linear": (design.channels, w), "final_layer.adaLN_modulation.1": (2 * w, w),
    }  # fmt: skip
    scales: dict[str, tuple[int, ...]] = {}
    for block in design.blocks():
        norms = [f"{block}norm."]
        if block.startswith("double"):
            norms = [f"{block}{side}_attn.norm." for side in ("img", "txt")]
            for side in ("img", "txt"):
                layers |= {f"{block}{side}_attn.{name}": (w, w) for name in ("q_proj", "k_proj", "v_proj", "proj")}
                layers |= {f"{block}{side}_mod.lin": (6 * w, w), f"{block}{side}_mlp.0": (h, w), f"{block}{side}_mlp.2": (w, h)}
        else:
            layers |= {f"{block}q_proj": (w, w), f"{block}k_proj": (w, w), f"{block}v_mlp": (w + h, w)}
            layers |= {f"{block}linear2": (w, w + h), f"{block}modulation.lin": (3 * w, w)}
        scales |= {f"{norm}{of}_norm.scale": (head,) for norm in norms for of in ("query", "key")}
    return {f"{name}.weight": size for name, size in layers.items()} | {f"{name}.bias": size[:1] for name, size in layers.items()} | scales


class Blocks(Protocol):
    """The weights of every block in the order of their work, under the names they have within it, ready for use."""

    def each(self) -> Iterator[Weights]: ...


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """A layer, computed in the kind of number that `x` is."""
    from torch.nn.functional import linear as layer

    weight = weights[f"{name}.weight"].to(x.dtype)
    if (scale := weights.get(f"{name}.weight{SCALE}")) is not None:
        weight = weight * scale.to(x.dtype)
    return layer(x, weight, weights[f"{name}.bias"].to(x.dtype))


def mlp(weights: Weights, name: str, x: Tensor) -> Tensor:
    """The two layers that time and text go through."""
    from torch.nn.functional import silu

    return linear(weights, f"{name}.out_layer", silu(linear(weights, f"{name}.in_layer", x)))


def waves(times: Tensor) -> Tensor:
    """(steps,) from 1 to 0 -> (steps, WAVES), float32."""
    import torch

    half = WAVES // 2
    turns = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32, device=times.device) / half)
    angle = 1000 * times.float()[:, None] * turns
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def turning(design: Design, grid: tuple[int, int, int], words: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary embedding, (words + tokens, half a head) each, float32; words do not turn."""
    import torch

    axes = [torch.arange(size, dtype=torch.float32, device=like.device) for size in grid]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)
    place = torch.cat([place.new_zeros(words, 3), place])
    angles = []
    for axis, share in enumerate(design.axes):
        speeds = 1 / 10_000 ** (torch.arange(0, share, 2, dtype=torch.float32, device=like.device) / share)
        angles.append(place[:, axis : axis + 1] * speeds)
    angle = torch.cat(angles, dim=1)
    return angle.cos(), angle.sin()


def level(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights of its own, then what the step wants."""
    from torch.nn.functional import layer_norm

    return (1 + scale) * layer_norm(x, x.shape[-1:], eps=EPS) + shift


def turned(x: Tensor, scale: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(1, heads, tokens, head): to length one a head, scaled, then turned: the first half with the second."""
    import torch

    long = x.float()
    long = (long * torch.rsqrt(long.square().mean(-1, keepdim=True) + EPS)).to(x.dtype) * scale.to(x.dtype)
    a, b = long.float().chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)


def apart(x: Tensor, heads: int) -> Tensor:
    """(1, tokens, width) -> (1, heads, tokens, head)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(1, heads, tokens, head) thrice -> (1, tokens, width)."""
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(-2)


def double_before(
    weights: Weights, image: Tensor, words: Tensor, moved: tuple[Tensor, Tensor], cos: Tensor, sin: Tensor, heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    """`double` up to where tokens look at one another: what they ask, answer to and tell, words first,
    (1, heads, words + tokens, head) each."""
    import torch

    said = words.shape[1]
    places = {"txt": (cos[:said], sin[:said]), "img": (cos[said:], sin[said:])}
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for side, x, mod in (("txt", words, moved[1]), ("img", image, moved[0])):
        y = level(x, mod[0], mod[1])
        q, k, v = (apart(linear(weights, f"{side}_attn.{of}_proj", y), heads) for of in "qkv")
        q = turned(q, weights[f"{side}_attn.norm.query_norm.scale"], *places[side])
        k = turned(k, weights[f"{side}_attn.norm.key_norm.scale"], *places[side])
        parts.append((q, k, v))
    q, k, v = (torch.cat(pair, dim=2) for pair in zip(*parts, strict=True))
    return q, k, v


def double_after(weights: Weights, image: Tensor, words: Tensor, moved: tuple[Tensor, Tensor], seen: Tensor) -> tuple[Tensor, Tensor]:
    """The rest of it; seen: (1, words + tokens, width)."""
    from torch.nn.functional import gelu

    said, done = words.shape[1], []
    for side, x, mod, mine in (("img", image, moved[0], seen[:, said:]), ("txt", words, moved[1], seen[:, :said])):
        x = x + mod[2] * linear(weights, f"{side}_attn.proj", mine)
        y = gelu(linear(weights, f"{side}_mlp.0", level(x, mod[3], mod[4])), approximate="tanh")
        done.append(x + mod[5] * linear(weights, f"{side}_mlp.2", y))
    return done[0], done[1]


def double(
    weights: Weights, image: Tensor, words: Tensor, moved: tuple[Tensor, Tensor], cos: Tensor, sin: Tensor, heads: int
) -> tuple[Tensor, Tensor]:
    """A block in which picture and words have weights of their own and look at one another.

    image (1, tokens, width), words (1, words, width); moved: what each is modulated by, (6, width).
    """
    q, k, v = double_before(weights, image, words, moved, cos, sin, heads)
    return double_after(weights, image, words, moved, attended(q, k, v))


def single_before(
    weights: Weights, x: Tensor, mod: Tensor, cos: Tensor, sin: Tensor, heads: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """`single` up to where tokens look at one another, as `double_before`; and what goes past that."""
    y = level(x, mod[0], mod[1])
    q = turned(apart(linear(weights, "q_proj", y), heads), weights["norm.query_norm.scale"], cos, sin)
    k = turned(apart(linear(weights, "k_proj", y), heads), weights["norm.key_norm.scale"], cos, sin)
    both = linear(weights, "v_mlp", y)
    v, inner = both.split([x.shape[-1], both.shape[-1] - x.shape[-1]], dim=-1)
    return q, k, apart(v, heads), inner


def single_after(weights: Weights, x: Tensor, mod: Tensor, seen: Tensor, inner: Tensor) -> Tensor:
    """The rest of it."""
    import torch
    from torch.nn.functional import gelu

    out = torch.cat([seen, gelu(inner, approximate="tanh")], dim=-1)
    return x + mod[2] * linear(weights, "linear2", out)


def single(weights: Weights, x: Tensor, mod: Tensor, cos: Tensor, sin: Tensor, heads: int) -> Tensor:
    """A block in which words and picture, in this order, share weights; x (1, words + tokens, width), mod (3, width)."""
    q, k, v, inner = single_before(weights, x, mod, cos, sin, heads)
    return single_after(weights, x, mod, attended(q, k, v), inner)


@dataclass(frozen=True)
class Share:
    """One of several equal parts of a picture's tokens; the last is filled up with nothing. gathered: (n, width), of every
    rank -> (size * n, width), one after the other; all ranks ask at once."""

    rank: int
    size: int
    tokens: int
    gathered: Callable[[Tensor], Tensor]

    @property
    def many(self) -> int:
        """Tokens of a part: n."""
        return -(-self.tokens // self.size)

    def of(self, x: Tensor) -> Tensor:
        """(1, tokens, width) -> (1, n, width)."""
        from torch.nn.functional import pad

        mine = x[:, self.rank * self.many : (self.rank + 1) * self.many]
        return pad(mine, (0, 0, 0, self.many - mine.shape[1]))

    def whole(self, mine: Tensor) -> Tensor:
        """(1, n, width) -> (1, tokens, width)."""
        return self.gathered(mine[0].contiguous())[None, : self.tokens]

    def look(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """`attended`, by words and own tokens, in this order, at all that there are."""
        import torch

        said = q.shape[2] - self.many

        def every(x: Tensor) -> Tensor:
            seen = self.whole(x[:, :, said:].transpose(1, 2).flatten(-2))
            return torch.cat([x[:, :, :said], apart(seen, x.shape[1])], dim=2)

        return attended(q, every(k), every(v))


@dataclass(frozen=True)
class Clip:
    """What holds for a whole clip. Rows: 0 is the text, 1 no text, both with the condition; 2 is no text without it.

    words, given: by row. mods: by block, (steps, 2, pieces, width) of each side; ends (steps, 2, 2, width). share: given,
    cos and sin are those of that share of the tokens.
    """

    words: tuple[Tensor, Tensor, Tensor]
    given: tuple[Tensor, Tensor, Tensor]
    mods: Sequence[tuple[Tensor, ...]]
    ends: Tensor
    cos: Tensor
    sin: Tensor
    share: Share | None = None


@dataclass(frozen=True)
class Net:
    """The network ready for work. `top`: the weights outside the blocks; `timed`: those in TIMED, block by block;
    `shaped` may hand a block's function back in a faster shape."""

    design: Design
    top: Weights
    timed: Blocks
    blocks: Blocks
    dtype: dtype
    shaped: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function


def prepare(
    net: Net, times: Sequence[float], grid: tuple[int, int, int], words: tuple[Tensor, Tensor], pooled: tuple[Tensor, Tensor], cond: Tensor,
    share: Share | None = None,
) -> Clip:  # fmt: skip
    """A clip's constants. times: one a step; grid: frames, rows and columns of tokens; words: (1, words, text) of the
    text and of none; pooled: (1, pooled) of each; cond: (1, tokens, channels + 4); share: which of the tokens are
    computed here, None for all."""
    import torch

    kind, top, width = net.dtype, net.top, net.design.width
    steps = torch.tensor(times, dtype=torch.float32, device=cond.device)
    when = mlp(top, "time_in", waves(steps).to(kind))
    said = mlp(top, "vector_in", torch.cat(pooled).to(kind))
    vector = torch.nn.functional.silu(when[:, None] + said[None])
    mods = []
    for weights in net.timed.each():
        sides = [name.removesuffix(".weight") for name in ("img_mod.lin.weight", "txt_mod.lin.weight", "modulation.lin.weight") if name in weights]
        mods.append(tuple(linear(weights, side, vector).unflatten(-1, (-1, width)) for side in sides))
    ends = linear(top, "final_layer.adaLN_modulation.1", vector).unflatten(-1, (2, width))
    text, none = (linear(top, "txt_in", one.to(kind)) for one in words)
    cos, sin = turning(net.design, grid, text.shape[1], cond)
    if share:
        first = text.shape[1]
        cos, sin = (torch.cat([table[:first], share.of(table[None, first:])[0]]) for table in (cos, sin))
        cond = share.of(cond)
    given = linear(top, "cond_in", cond.to(kind))
    free = linear(top, "cond_in", torch.zeros_like(cond, dtype=kind))
    return Clip((text, none, none), (given, given, free), mods, ends, cos, sin, share)


def works(net: Net, share: Share | None) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`double` and `single`, or what is the same of a share: what ranks exchange is kept out of the faster shapes, which
    need not know of it."""
    if share is None:
        return net.shaped(double), net.shaped(single)
    before, after, first, last = (net.shaped(one) for one in (double_before, double_after, single_before, single_after))

    def two(weights: Weights, image: Tensor, words: Tensor, moved: tuple[Tensor, Tensor], cos: Tensor, sin: Tensor, heads: int) -> Any:
        q, k, v = before(weights, image, words, moved, cos, sin, heads)
        return after(weights, image, words, moved, share.look(q, k, v))

    def one(weights: Weights, x: Tensor, mod: Tensor, cos: Tensor, sin: Tensor, heads: int) -> Any:
        q, k, v, inner = first(weights, x, mod, cos, sin, heads)
        return last(weights, x, mod, share.look(q, k, v), inner)

    return two, one


def predict(net: Net, clip: Clip, noisy: Tensor, step: int, rows: Sequence[int], tick: Callable[[float], None]) -> list[Tensor]:
    """The network's answer for some of the rows; noisy (1, tokens, channels) -> float32 of that shape, one a row.

    tick is called before each block with the share of the step that is done. Of a clip that is shared, every rank has to be
    at the same step, none may break it off, and all have the whole answer.
    """
    import torch

    heads, said, share = net.design.heads, clip.words[0].shape[1], clip.share
    two, one = works(net, share)
    start = linear(net.top, "img_in", (share.of(noisy) if share else noisy).to(net.dtype))
    images = [start + clip.given[row] for row in rows]
    words = [clip.words[row] for row in rows]
    voice = [min(row, 1) for row in rows]
    count = net.design.doubles + net.design.singles
    for i, weights in enumerate(net.blocks.each()):
        tick(i / count)
        if i == net.design.doubles:
            images = [torch.cat(pair, dim=1) for pair in zip(words, images, strict=True)]
        mods = [[side[step, which] for side in clip.mods[i]] for which in voice]
        for n, mod in enumerate(mods):
            if i < net.design.doubles:
                images[n], words[n] = two(weights, images[n], words[n], (mod[0], mod[1]), clip.cos, clip.sin, heads)
            else:
                images[n] = one(weights, images[n], mod[0], clip.cos, clip.sin, heads)
    outs = []
    for which, image in zip(voice, images, strict=True):
        shift, scale = clip.ends[step, which]
        out = linear(net.top, "final_layer.linear", level(image[:, said:], shift, scale)).float()
        outs.append(share.whole(out) if share else out)
    return outs
