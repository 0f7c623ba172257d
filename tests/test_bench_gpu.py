"""What measures on a GPU goes its way without one, and loses nothing that was measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from .bench import bench_gpu, gpu_film, gpu_models, gpu_open_sora


def test_every_case_goes_its_way(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_open_sora, "STEPS", 12)
    assert bench_gpu.main(["--tiny", "--out", str(tmp_path)]) == 0
    told, made = capsys.readouterr().out, (tmp_path / bench_gpu.NAME).read_text("utf-8")
    assert "rows of 12 steps: 23" in told and "peak of the GPU's memory" in told and "SVD-XT scenes to MP4, in one go" in told
    report = bench_gpu.Report.of(tmp_path / bench_gpu.NAME)
    assert list(report.parts) == list(bench_gpu.CASES) and all(map(report.whole, bench_gpu.CASES)), told
    assert "toy size" in made and "stopped" not in made
    assert bench_gpu.main(["--tiny", "--rest", "--out", str(tmp_path)]) == 0
    assert not capsys.readouterr().out, "nothing is left to make"
    if not torch.cuda.is_available():
        assert bench_gpu.main([]) == 1
        assert "No GPU is seen here" in capsys.readouterr().out


def test_what_is_cut_off_keeps_its_rows_and_the_rest_is_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()

    def broken(_: Any) -> Iterator[bench_gpu.Told]:
        yield "first", "> 1 x", "2 x", True
        raise RuntimeError("the driver | went away")

    def killed(_: Any) -> Iterator[bench_gpu.Told]:
        yield "half", "", "7 s", None
        raise KeyboardInterrupt

    def good(_: Any) -> Iterator[bench_gpu.Told]:
        yield "all of it", "", "3 s", None

    monkeypatch.setattr(gpu_models, "svd", broken)
    monkeypatch.setattr(gpu_models, "wan", good)
    assert bench_gpu.main(["--tiny", "--only", "svd", "wan", "--out", str(one)]) == 0
    monkeypatch.setattr(gpu_film, "film", killed)
    with pytest.raises(KeyboardInterrupt):
        bench_gpu.main(["--tiny", "--only", "svd-film", "--out", str(one)])
    text = (one / bench_gpu.NAME).read_text("utf-8")
    assert "| first | > 1 x | 2 x | yes |" in text and "the driver / went away" in text and "| half |" in text
    monkeypatch.setattr(gpu_models, "svd", good)
    monkeypatch.setattr(gpu_film, "film", good)
    assert bench_gpu.main(["--tiny", "--only", "svd", "svd-film", "wan", "--rest", "--out", str(two), "--within", "60"]) == 0
    assert bench_gpu.main(["--join", str(one / bench_gpu.NAME), "--out", str(two)]) == 0
    joined = bench_gpu.Report.of(two / bench_gpu.NAME)
    assert all(map(joined.whole, ("svd", "svd-film", "wan"))), "what was whole stays"
    assert bench_gpu.main(["--tiny", "--only", "svd", "--within", "-1", "--out", str(one)]) == 0
    assert "first" in (one / bench_gpu.NAME).read_text("utf-8"), "no time: nothing is lost"


def test_without_ffmpeg_pictures_are_made_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pipelines.work import FilmError

    def none() -> str:
        raise FilmError("ffmpeg is missing.", "pip install imageio-ffmpeg")

    monkeypatch.setattr(gpu_film.ffmpeg, "binary", none)
    assert bench_gpu.main(["--tiny", "--only", "svd-film", "--out", str(tmp_path)]) == 0
    assert "no ffmpeg here" in (tmp_path / bench_gpu.NAME).read_text("utf-8")
