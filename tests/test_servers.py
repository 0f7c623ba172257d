"""Clips from other machines: a /v1/videos server and a ComfyUI on loopback, and everything that they may say instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from pipelines import moves, plan
from pipelines.clips import comfyui, videos_api
from pipelines.clips._reel import write
from pipelines.crew import Crew
from pipelines.presets import Model, Presets
from pipelines.vault import plain
from pipelines.video import look
from pipelines.work import Cancelled, FilmError, idle
from studio import checkup
from studio.settings import Settings

from . import model_servers, tiny, whole

FRAME = plan.Frame(320, 180, Fraction(24))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds that a server made."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    pictures = (np.full((64, 96, 3), 10 * i, np.uint8) for i in range(16))
    write(pictures, 16, (96, 64), Fraction(8), path, idle)
    return path


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.picture(tmp_path_factory.mktemp("seen") / "seen.png")


def shot(presets: Presets, picture: Path | None = None, model: Model | None = None, seconds: float = 2.0) -> plan.Shot:
    camera = moves.read("pan left", seconds, presets.moves, 1).camera
    return plan.Shot("a  cat\n", picture, camera, FRAME.at_least(seconds), FRAME, "cover", 7, model)


def server(url: str, **more: Any) -> videos_api.Engine:
    return videos_api.Engine(url=url, pause=0.01, patience=2.0, **more)


def refused(work: Callable[[], Any]) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    return caught.value


# /v1/videos


def test_a_clip_is_asked_for_and_fetched(clip: Path, seen: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.videos(clip, key="s3cret", busy=2) as served:
        shares = list[float]()
        notes = videos_api.Engine(url=served.url, key="s3cret", pause=0.1).shoot(shot(presets, seen), tmp_path / "a.mp4", shares.append)
    assert (tmp_path / "a.mp4").read_bytes() == clip.read_bytes()
    assert served.asked == [{"prompt": "a cat", "size": "320x180", "seconds": "2", "seed": "7"}]
    assert served.pictures == [(320, 180)] and not served.gone
    assert shares == sorted(shares) and shares[-1] == 1.0 and any(0 < one < 0.9 for one in shares)
    assert "s3cret" not in str(notes) + repr(server("http://x/v1", key="s3cret")._server)
    assert look(tmp_path / "a.mp4", tmp_path, "a").frames == 16


def test_sizes_and_lengths_are_those_that_the_server_knows(clip: Path, seen: Path, presets: Presets, tmp_path: Path) -> None:
    told = {"sizes": ["720x1280", "1280x720"], "seconds": [4, 8, 12], "seeded": False, "more": {"fps": 16}}
    model = Model("Sora", "", "videos_api", "sora-2", options=told)
    with model_servers.videos(clip) as served:
        server(served.url).shoot(shot(presets, seen, model, seconds=6), tmp_path / "a.mp4", idle)
        server(served.url).shoot(shot(presets, None, model, seconds=100), tmp_path / "b.mp4", idle)
    assert served.asked[0] == {"model": "sora-2", "prompt": "a cat", "size": "1280x720", "seconds": "8", "fps": "16"}
    assert served.asked[1]["seconds"] == "12" and served.pictures == [(1280, 720)]
    engine = server("http://127.0.0.1:1/v1")
    recipe = plain(engine.recipe(shot(presets, None, model, seconds=6)))
    assert recipe == plain(engine.recipe(shot(presets, None, model, seconds=6.1))), "the length that is asked for counts"
    assert "sizes" in str(engine.lacks(replace(model, options={"sizes": ["big"]})))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("silent", "does not answer"), ("html", "something else"), ("500", "CUDA out of memory"), ("moved", "something else"),
        ("refuse", "no such size"), ("fails", "not liked"), ("odd", "something else"), ("page", "something else"), ("half", "half a clip"),
        ("breaks", "broke off"), ("401", "does not take the key"), ("404", "refuses"),
    ],
)  # fmt: skip
def test_what_a_server_may_say_instead(mode: str, said: str, clip: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.videos(clip, mode=mode) as served:
        engine = videos_api.Engine(url=served.url, pause=0.01, patience=0.3)
        error = refused(lambda: engine.shoot(shot(presets), tmp_path / "a.mp4", idle))
    assert said in error.message and error.hint


@pytest.mark.parametrize("mode", ["500", "breaks"])
def test_a_clip_that_may_have_been_begun_is_not_asked_for_again(mode: str, clip: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.videos(clip, mode=mode) as served:
        error = refused(lambda: server(served.url).shoot(shot(presets), tmp_path / "a.mp4", idle))
        assert len(served.asked) == 1 and "asked only once" in error.hint
    with model_servers.videos(clip, mode="later") as served:
        server(served.url).shoot(shot(presets), tmp_path / "a.mp4", idle)
        assert len(served.asked) == 1, "nothing was begun: it said when to come again"


def test_a_clip_that_never_comes_is_given_up_there_too(clip: Path, seen: Path, presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.gear.web.ENDS", 0.3)
    with model_servers.videos(clip, mode="slow") as served:
        served.looks = 9  # its progress is at its end
        assert "too long" in refused(lambda: server(served.url).shoot(shot(presets), tmp_path / "a.mp4", idle)).message
        assert served.gone == ["video_1"]
    with model_servers.comfyui(clip, mode="slow") as served:
        assert "too long" in refused(lambda: workshop(served.url).shoot(shot(presets, seen, workflow(presets)), tmp_path / "a.mp4", idle)).message
        assert served.gone == ["/queue", "/interrupt"]


def test_keys_and_crowds(clip: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.videos(clip, key="right") as served:
        error = refused(lambda: server(served.url, key="wrong-one").shoot(shot(presets), tmp_path / "a.mp4", idle))
        assert "key" in error.message and "REELWRIGHT_VIDEOS_KEY" in error.hint and "wrong-one" not in str(error)
    with model_servers.videos(clip, busy=99) as served:
        assert "too often" in refused(lambda: server(served.url).shoot(shot(presets), tmp_path / "a.mp4", idle)).message
    assert "cannot be reached" in refused(lambda: server("http://127.0.0.1:9/v1").shoot(shot(presets), tmp_path / "a.mp4", idle)).message


@pytest.mark.parametrize("mode", ["slow", "silent", "leaves"])
def test_a_clip_that_nobody_wants_is_deleted_at_once(mode: str, clip: Path, presets: Presets, tmp_path: Path) -> None:
    begun = time.monotonic()

    def tick(done: float) -> None:
        if done > 0 or time.monotonic() > begun + 0.5:
            raise Cancelled

    with model_servers.videos(clip, mode=mode) as served:
        with pytest.raises(Cancelled):
            videos_api.Engine(url=served.url, pause=0.01).shoot(shot(presets), tmp_path / "a.mp4", tick)
        assert set(served.gone) == (set() if mode == "silent" else {"video_1"})


def test_an_address_is_needed_and_must_be_one() -> None:
    assert "REELWRIGHT_VIDEOS_URL" in str(videos_api.Engine().missing())
    for wrong in ("localhost:8000", "ftp://x/v1", "http://", "http://user:pass@x/v1", "http://x/v1?key=1"):
        assert "address" in str(videos_api.Engine(url=wrong).missing())
    assert videos_api.Engine(url="https://example.org/v1/").missing() is None
    assert "REELWRIGHT_COMFYUI_URL" in str(comfyui.Engine().missing())


def test_the_key_is_told_to_nobody(tmp_path: Path) -> None:
    own = Settings(data=tmp_path, videos_url="http://127.0.0.1:1/v1", videos_key=SecretStr("hush-hush"))
    assert "hush-hush" not in str(checkup.findings(own)) + repr(own)


def test_the_others_go_on_when_one_server_fails(clip: Path, presets: Presets, tmp_path: Path) -> None:
    place = whole.pictures(tmp_path / "pictures", 2)
    with model_servers.videos(clip, mode="fails") as served:
        crew = Crew({"edge": {"online": False}, "videos_api": {"url": served.url, "pause": 0.01}})
        with whole.studio(presets, tmp_path / "vault", crew) as studio, pytest.raises(FilmError) as caught:
            rows = [{"duration": 1}, {"duration": 1, "engine": "server", "prompt": "x"}]
            whole.make(whole.story(presets, place, rows), studio, tmp_path / "film.mp4")
        assert [fault.where for fault in caught.value.faults or (caught.value,)] == ["scenes[1].engine"]
        served.mode = ""
        with whole.studio(presets, tmp_path / "vault", Crew({"edge": {"online": False}, "videos_api": {"url": served.url, "pause": 0.01}})) as studio:
            shown = whole.make(whole.story(presets, place, rows), studio, tmp_path / "film.mp4")
    assert shown.timeline["scenes"][1]["engine"] == "videos_api" and shown.made["clips"] == [2]


@pytest.mark.parametrize("mode", ["half clip", "page as clip"])
@pytest.mark.parametrize("kind", ["videos", "comfyui"])
def test_an_answer_that_is_whole_may_hold_half_a_clip_or_none(kind: str, mode: str, clip: Path, presets: Presets, tmp_path: Path) -> None:
    place = whole.pictures(tmp_path / "pictures", 2)
    speaks = model_servers.videos if kind == "videos" else model_servers.comfyui
    name, mine = ("server", presets) if kind == "videos" else ("c", replace(presets, models={"c": workflow(presets)}))
    with speaks(clip, mode=mode) as served:
        crew = Crew({"edge": {"online": False}, "videos_api": {"url": served.url, "pause": 0.01}, "comfyui": {"url": served.url, "pause": 0.02}})
        with whole.studio(mine, tmp_path / "vault", crew) as studio, pytest.raises(FilmError) as caught:
            rows = [{"duration": 1}, {"duration": 1, "engine": name, "prompt": "x"}]
            whole.make(whole.story(mine, place, rows), studio, tmp_path / "film.mp4")
    (fault,) = caught.value.faults or (caught.value,)
    assert fault.where == "scenes[1].engine" and "cannot be read" in fault.message


# ComfyUI


def workshop(url: str, **more: Any) -> comfyui.Engine:
    return comfyui.Engine(url=url, pause=0.02, patience=2.0, **more)


def workflow(presets: Presets, **more: Any) -> Model:
    own = presets.models["comfyui-svd"]
    return replace(own, options=dict(own.options) | {"size": [128, 64]} | more)


@pytest.mark.parametrize("mode", ["", "no socket", "video"])
def test_a_workflow_is_run_with_the_scenes_own_values(mode: str, clip: Path, seen: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.comfyui(clip, mode=mode) as served:
        shares = list[float]()
        notes = workshop(served.url).shoot(shot(presets, seen, workflow(presets)), tmp_path / "a.mp4", shares.append)
    sent = served.asked[0]
    assert sent["picture"]["inputs"]["image"] == "in/seen.png" and served.pictures == [(128, 64)]
    condition = sent["condition"]["inputs"]
    assert (condition["width"], condition["height"], condition["video_frames"], condition["fps"]) == (128, 64, 25, 7)
    assert 110 <= condition["motion_bucket_id"] <= 140 and sent["steps"]["inputs"]["seed"] == 7
    video = look(tmp_path / "a.mp4", tmp_path, "a")
    assert (video.frames, video.width, video.height) == ((16, 96, 64) if mode == "video" else (4, 64, 48))
    assert shares == sorted(shares) and notes["workflow"] == "svd"
    assert mode == "no socket" or any(0.2 < one < 0.9 for one in shares), "its progress is told"


@pytest.mark.parametrize(
    ("mode", "said"),
    [("refuse", "failed validation"), ("fails", "no such checkpoint"), ("nothing", "neither a video"), ("junk", "cannot be read"), ("html", "something else"), ("500", "has failed"), ("silent", "does not answer"),
     ("forgets", "knows the workflow no more"), ("dies", "cannot be reached"), ("no name", "something else"), ("no picture", "something else"),
     ("number", "something else"), ("texts", "something else"), ("cut", "cannot be read"), ("dots", "too small"), ("sizes", "not all of one size")],
)  # fmt: skip
def test_what_comfyui_may_say_instead(mode: str, said: str, clip: Path, seen: Path, presets: Presets, tmp_path: Path) -> None:
    with model_servers.comfyui(clip, mode=mode) as served:
        engine = comfyui.Engine(url=served.url, pause=0.01, patience=0.5)
        error = refused(lambda: engine.shoot(shot(presets, seen, workflow(presets)), tmp_path / "a.mp4", idle))
    assert said in error.message and error.hint


@pytest.mark.parametrize("mode", ["slow", "leaves"])
def test_a_workflow_that_nobody_wants_is_interrupted(mode: str, clip: Path, seen: Path, presets: Presets, tmp_path: Path) -> None:
    begun = time.monotonic()

    def tick(_done: float) -> None:
        if time.monotonic() > begun + 0.6:
            raise Cancelled

    with model_servers.comfyui(clip, mode=mode) as served:
        with pytest.raises(Cancelled):
            workshop(served.url).shoot(shot(presets, seen, workflow(presets)), tmp_path / "a.mp4", tick)
        assert served.gone == ["/queue", "/interrupt"]


def test_workflows_are_files(presets: Presets, seen: Path, tmp_path: Path) -> None:
    engine = comfyui.Engine(url="http://127.0.0.1:1")
    assert engine.lacks(workflow(presets)) is None
    own = replace(workflow(presets), repo=str(tmp_path / "mine.json"))
    assert "mine.json" in str(engine.lacks(own))
    for text in ("{", "{}", "[]", '{"a": 1}'):
        (tmp_path / "mine.json").write_text(text, "utf-8")
        assert "Export (API)" in str(engine.lacks(own))
    (tmp_path / "mine.json").write_text('{"a": {"class_type": "X", "inputs": {"text": "film of {prompt}", "n": ["b", 0]}}}', "utf-8")
    assert engine.lacks(own) is None
    assert "film of a cat" in str(plain(engine.recipe(shot(presets, None, own))))
    assert "picture" in refused(lambda: engine.shoot(shot(presets, None, workflow(presets)), tmp_path / "a.mp4", idle)).message
