"""audiocraft's adapter against a stand-in that speaks audiocraft's interface."""

from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.music import _audiocraft_parts as parts
from pipelines.music import audiocraft
from pipelines.plan import Cue, Section
from pipelines.presets import Model, Presets
from pipelines.work import Cancelled, FilmError, idle


class MusicGen:
    """As audiocraft.models has it: what is asked of it, and noise that depends on torch's seed."""

    sample_rate = 32_000
    lm = SimpleNamespace(card=100)
    asked: list[dict[str, Any]] = []  # noqa: RUF012

    @classmethod
    def get_pretrained(cls, name: str, device: str | None = None) -> MusicGen:
        from huggingface_hub import constants

        assert Path(name).is_dir() and device == "cpu" and constants.HF_HUB_OFFLINE
        import xformers.ops  # what it imports first

        assert xformers.ops.unbind is torch.unbind
        if (Path(name) / "state_dict.bin").read_bytes() == b"bad":
            raise RuntimeError("PytorchStreamReader failed")
        torch.rand(3)
        return cls()

    def set_generation_params(self, **told: Any) -> None:
        self.told = told

    def set_custom_progress_callback(self, callback: Any) -> None:
        self.callback = callback

    def generate(self, descriptions: list[str], progress: bool = False) -> torch.Tensor:
        MusicGen.asked.append({"words": descriptions, **self.told})
        for step in range(10):
            self.callback(step + 1, 10)
        return torch.randn(len(descriptions), 2, round(self.told["duration"] * self.sample_rate)) * 0.1


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[audiocraft.Engine]:
    held = {name: sys.modules.get(name) for name in list(sys.modules) if name.split(".")[0] in ("xformers", "torchaudio")}
    package, models = ModuleType("audiocraft"), ModuleType("audiocraft.models")
    package.__spec__, package.__path__ = ModuleSpec("audiocraft", None, is_package=True), []
    models.MusicGen = MusicGen  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "audiocraft", package)
    monkeypatch.setitem(sys.modules, "audiocraft.models", models)
    for name in audiocraft.WANTED:
        (tmp_path / name).write_bytes(b"x")
    MusicGen.asked = []
    model = Model("Tiny", "", "audiocraft", str(tmp_path), licence="Yours", options={"beside": [], "together": 2})
    yield audiocraft.Engine(models={"tiny": model}, device="cpu")
    for name in [name for name in sys.modules if name.split(".")[0] in ("xformers", "torchaudio") and name not in held]:
        del sys.modules[name]


def cue(presets: Presets, seconds: float, *moods: str, seed: int = 5) -> Cue:
    return Cue(tuple(Section(presets.moods[mood], i * seconds / len(moods)) for i, mood in enumerate(moods)), seconds, seed)


def test_a_cue_is_played_in_batches_and_exactly_as_long(engine: audiocraft.Engine, presets: Presets, tmp_path: Path) -> None:
    shares = list[float]()
    assert engine.missing() is None
    notes = engine.compose(cue(presets, 9.0, "calm", "epic", "calm"), tmp_path / "a.wav", shares.append)
    with wave.open(str(tmp_path / "a.wav")) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getnframes()) == (48_000, 2, 9 * 48_000)
    assert [len(one["words"]) for one in MusicGen.asked] == [2, 1] and notes["sections"] == 3
    assert MusicGen.asked[0]["top_k"] == 100, "there are no more to draw from"
    assert MusicGen.asked[0]["duration"] == pytest.approx(4.5) and MusicGen.asked[0]["extend_stride"] == 18
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 20
    engine.compose(cue(presets, 9.0, "calm", "epic", "calm"), tmp_path / "b.wav", idle)
    engine.compose(cue(presets, 9.0, "calm", "epic", "calm", seed=6), tmp_path / "c.wav", idle)
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b != c


def test_it_stops_within_a_step_and_says_what_is_wrong(engine: audiocraft.Engine, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.compose(cue(presets, 2.0, "calm"), tmp_path / "a.wav", stop)
    assert not (tmp_path / "a.wav").exists()
    monkeypatch.setattr(MusicGen, "generate", lambda *_, **__: torch.full((1, 2, 64_000), np.nan))
    with pytest.raises(FilmError, match="out of range"):
        engine.compose(cue(presets, 2.0, "calm"), tmp_path / "a.wav", idle)
    engine.close()
    (tmp_path / "state_dict.bin").write_bytes(b"bad")
    with pytest.raises(FilmError, match="cannot load"):
        engine.compose(cue(presets, 2.0, "calm"), tmp_path / "a.wav", idle)
    (tmp_path / "state_dict.bin").unlink()
    assert "state_dict.bin" in str(engine.missing())


def test_memory_that_runs_out_costs_nothing_that_was_played(engine: audiocraft.Engine, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked, most = MusicGen.generate, list[int](), 1

    def full(self: MusicGen, words: list[str], progress: bool = False) -> torch.Tensor:
        asked.append(len(words))
        if len(words) > most:
            raise torch.OutOfMemoryError
        return real(self, words, progress)

    monkeypatch.setattr(MusicGen, "generate", full)
    monkeypatch.setattr(MusicGen, "max_duration", 10, raising=False)
    notes = engine.compose(cue(presets, 9.0, "calm", "epic", "calm"), tmp_path / "a.wav", idle)
    assert asked == [2, 1, 1, 1] and "memory" in notes
    assert MusicGen.asked[-1]["extend_stride"] == 6, "less than it plays at once"
    most = 0
    with pytest.raises(FilmError, match="memory ran out"):
        engine.compose(cue(presets, 9.0, "calm", "epic"), tmp_path / "b.wav", idle)


def test_whoever_has_no_audiocraft_is_told_how(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiocraft.gpu, "packages", lambda *names: "it is not" if "audiocraft" in names else None)
    assert "make audiocraft" in str(audiocraft.Engine(models=presets.composers, device="cpu").missing())
    assert "composers.toml" in str(audiocraft.Engine().missing())
    wrong = Model("Tiny", "", "audiocraft", "a/b", licence="Yours", options={"top_k": 0})
    assert "top_k" in str(audiocraft.Engine(models={"a": wrong}).lacks(wrong))


def test_what_stands_in_computes_the_same() -> None:
    q, k, v = torch.randn(3, 2, 5, 4, 8).unbind(0)
    plain = torch.softmax(torch.einsum("bqhd,bkhd->bhqk", q, k) / 8**0.5, -1)
    assert torch.allclose(parts._attention(q, k, v), torch.einsum("bhqk,bkhd->bqhd", plain, v), atol=1e-5)
    with pytest.raises(RuntimeError, match="torchaudio"):
        parts._refuse()


def test_what_stands_in_is_taken_for_no_package_by_others() -> None:
    """In a process of its own: what a library found at its start it keeps."""
    told = "from pipelines.music._audiocraft_parts import stand_in; stand_in()\n"
    told += "from transformers import MusicgenForConditionalGeneration, CLIPTextModel\nfrom diffusers import WanPipeline"
    done = subprocess.run([sys.executable, "-c", told], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
