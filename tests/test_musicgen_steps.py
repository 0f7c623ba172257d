"""MusicGen's own steps give what transformers' generate() gives, each saving alone and all together, for all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest
import torch

from pipelines.music import _musicgen_loop as loop
from pipelines.music import _musicgen_net as decoder
from pipelines.music._musicgen_net import Savings
from pipelines.work import idle

from . import tiny

NONE = Savings(**{one.name: False for one in fields(Savings)})
ALL = Savings()
EACH = [one.name for one in fields(Savings) if one.name not in ("compiled", "captured")]
WORDS = ["calm, 80 bpm", "epic and with many more words, 120 bpm", "sad"]
FRAMES = 30


@dataclass
class Pair:
    """A tiny MusicGen of some kind, as transformers plays it and as we do."""

    network: Any
    tokenizer: Any
    kind: str
    known: list[list[torch.Tensor]] = field(default_factory=list)

    def expected(self) -> list[list[torch.Tensor]]:
        """The codes of WORDS, one by one, from nothing and from what is given; made once."""
        if not self.known:
            for before in (None, some(self, 3)):
                # One by one: the melody kind's generate() heeds what pads a batch.
                each = [self.theirs(WORDS[i : i + 1], None if before is None else before[i : i + 1])[0][0] for i in range(3)]
                self.known.append(each)
        return self.known

    def theirs(self, words: Sequence[str], before: torch.Tensor | None = None, *, sampled: bool = False, guidance: float = 3.0, seed: int = 1) -> Any:
        """generate()'s codes, (pieces, books, frames), and its sound."""
        real, codes = self.network.audio_encoder.decode, list[torch.Tensor]()

        def watch(given: torch.Tensor, *args: Any, **more: Any) -> Any:
            codes.append(given[0])
            return real(given, *args, **more)

        config = self.network.decoder.config
        sides = config.audio_channels
        more: dict[str, Any] = {} if before is None else {"decoder_input_ids": before.flatten(0, 1)}
        steps = FRAMES + config.num_codebooks // sides - 1 - (0 if before is None else before.shape[2])
        drawn = {"do_sample": True, "temperature": 0.8, "top_k": 20} if sampled else {"do_sample": False}
        torch.manual_seed(seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.network.audio_encoder, "decode", watch)
            sound = self.network.generate(
                **self.tokenizer(list(words), return_tensors="pt", padding=True), **more, **drawn, max_new_tokens=steps, guidance_scale=guidance
            )
        return torch.stack(codes, 2).flatten(1, 2), sound

    def ours(
        self, words: Sequence[str], savings: Savings = ALL, before: torch.Tensor | None = None, *, sampled: bool = False, guidance: float = 3.0,
        frames: Sequence[int] = (), seed: int = 1,
    ) -> list[torch.Tensor]:  # fmt: skip
        net, how = decoder.build(self.network, savings), loop.How(guidance, 0.8, 20, sampled)
        pieces = [
            loop.Piece(frames[i] if frames else FRAMES, None if before is None else before[i], torch.Generator().manual_seed(seed + i))
            for i in range(len(words))
        ]  # fmt: skip
        with torch.inference_mode():
            return loop.play(net, loop.prompted(self.network, self.tokenizer, words), pieces, how, idle)


@pytest.fixture(scope="module", params=["mono", "stereo", "melody"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    import transformers

    kind = request.param
    folder = tiny.musicgen(tmp_path_factory.mktemp(kind), **({} if kind == "mono" else {kind: True}))
    name = "MusicgenMelodyForConditionalGeneration" if kind == "melody" else "MusicgenForConditionalGeneration"
    network: Any = getattr(transformers, name).from_pretrained(folder).eval()
    return Pair(network, transformers.AutoTokenizer.from_pretrained(folder), kind)


def some(pair: Pair, pieces: int) -> torch.Tensor:
    config = pair.network.decoder.config
    return torch.randint(0, config.vocab_size, (pieces, config.num_codebooks, 11), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", ["none", *EACH, "all"])
def test_every_saving_plays_what_generate_plays(name: str, pair: Pair) -> None:
    savings = {"none": NONE, "all": ALL}.get(name) or replace(NONE, **{name: True})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SPAN", 16)  # so that there are several
        for before, expected in zip((None, some(pair, 3)), pair.expected(), strict=True):
            made = pair.ours(WORDS, savings, before)
            assert sum(len(set(one.flatten().tolist())) for one in made) > 30, "there is something to be equal to"
            assert all(torch.equal(a, b) for a, b in zip(made, expected, strict=True))


def test_numbers_drawn_alike_are_used_alike_and_no_piece_heeds_those_beside_it(pair: Pair) -> None:
    together = pair.ours(WORDS, sampled=True)
    for i, one in enumerate(together):
        assert torch.equal(one, pair.theirs(WORDS[i : i + 1], sampled=True, seed=1 + i)[0][0])
    frames = [25, FRAMES, 7]
    mixed = pair.ours(WORDS, sampled=True, frames=frames)
    for i, one in enumerate(mixed):
        assert one.shape[1] == frames[i]
        assert torch.equal(one, pair.ours(WORDS[i : i + 1], sampled=True, frames=frames[i : i + 1], seed=1 + i)[0])
    assert torch.equal(pair.ours(WORDS[:1], sampled=True, guidance=1.0)[0], pair.theirs(WORDS[:1], sampled=True, guidance=1.0)[0][0])


def test_sound_is_what_generate_makes_of_it_and_pieces_of_it_join(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, sound = pair.theirs(WORDS[:1])
    with torch.inference_mode():
        whole = loop.sounded(pair.network, codes[0], 100)
        assert torch.allclose(whole, sound[0], atol=1e-5) and whole.shape[0] == (2 if pair.kind == "stereo" else 1)
        monkeypatch.setattr(loop, "MARGIN", 15)
        apart = loop.sounded(pair.network, codes[0], 13)
    assert apart.shape == whole.shape and float((apart - whole).abs().max()) < 0.02 * float(whole.abs().max())


def test_compiled_steps_give_the_same_and_layers_share_them(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.utils import counters

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **more: real(function, **more, backend="aot_eager", fullgraph=True))
    monkeypatch.setattr(loop, "SPAN", 16)
    decoder._compiled.cache_clear()
    counters.clear()
    torch._dynamo.reset()
    made = pair.ours(WORDS, replace(ALL, compiled=True), some(pair, 3))
    decoder._compiled.cache_clear()
    assert all(torch.equal(a, b) for a, b in zip(made, pair.expected()[1], strict=True))
    assert counters["stats"]["unique_graphs"] == (2 if pair.kind == "melody" else 3), "for all steps and layers"


def test_a_step_is_recorded_once_a_span_and_then_only_repeated(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, repeated = list[int](), list[int]()

    def record(work: Any) -> Any:
        """As the GPU does: nothing is done by it, and what is repeated later is the same work on the same memory."""
        recorded.append(1)
        return lambda: (repeated.append(1), work())

    monkeypatch.setattr(loop, "SPAN", 16)
    if not torch.cuda.is_available():
        there = pair.ours(WORDS, replace(ALL, captured=True))
        assert all(torch.equal(a, b) for a, b in zip(there, pair.expected()[0], strict=True)), "where nothing can be recorded it plays all the same"
    monkeypatch.setattr(loop, "_recorded", record)
    made = pair.ours(WORDS, replace(ALL, captured=True), sampled=True)
    assert all(torch.equal(a, b) for a, b in zip(made, pair.ours(WORDS, NONE, sampled=True), strict=True))
    steps = FRAMES + 3
    assert len(recorded) <= -(-(steps + 20) // 16) and len(repeated) == steps - len(recorded)


def test_what_is_saved_is_left_out(pair: Pair) -> None:
    net, spare = (decoder.build(pair.network, one) for one in (NONE, ALL))
    words, heeded = torch.ones(2, 3, net.width), torch.ones(2, 3)
    asks = [decoder.remember(one, 4, 8, words, heeded, None).told[0][0].shape[0] for one in (net, spare)] if pair.kind != "melody" else [4, 2]
    assert asks == [4, 2], "rows without a prompt ask for nothing"
    assert "qkv" in spare.layers[0] and "qkv" not in net.layers[0]
    own = pair.network.decoder.model.decoder.layers[0].self_attn.k_proj.weight
    assert own.untyped_storage().data_ptr() == spare.layers[0]["qkv"].untyped_storage().data_ptr(), "nothing is there twice"
    real, looked = loop.heard, list[int]()

    def watch(net: Any, memory: Any, x: torch.Tensor, at: torch.Tensor, seen: int, fast: bool) -> torch.Tensor:
        looked.append(seen)
        return real(net, memory, x, at, seen, fast)

    for savings, nears in ((NONE, False), (ALL, True)):
        looked.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "heard", watch)
            patch.setattr(loop, "SPAN", 16)
            pair.ours(WORDS[:1], savings)
        assert (looked[1] < looked[-1]) is nears, "only what is played already is looked back at"


def test_numbers_out_of_range_are_told(pair: Pair) -> None:
    norm = pair.network.decoder.model.decoder.layer_norm.weight
    with pytest.MonkeyPatch.context() as patch, pytest.raises(loop.Odd):
        patch.setattr(norm, "data", torch.full_like(norm, torch.nan))
        pair.ours(WORDS)
