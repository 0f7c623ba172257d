"""The Video Generation Service as its clients see it: over HTTP on loopback, and as three functions."""

from __future__ import annotations

import inspect
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipelines import mp4
from studio.api import generate_videos
from studio.api.generate_videos import generate_video, process_video_generation, validate_clip_action

from .served import Answer, Served, serving, until

SMALL = {"size": "160x90", "quality": "draft", "music": "none", "captions": "none"}


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media")
    (root / "movie_123").mkdir()
    Image.effect_mandelbrot((320, 180), (-2, -1.2, 1, 1.2), 30).save(root / "movie_123" / "scene_1.png")
    (root / "outside").symlink_to("/etc")
    return root


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served") / "data", media_root=media) as one:
        yield one


def form(files: list[tuple[str, bytes]], field: str = "files") -> tuple[bytes, dict[str, str]]:
    parts = b"".join(
        f'--cut\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in files
    )
    return parts + b"--cut--\r\n", {"Content-Type": "multipart/form-data; boundary=cut"}


def png(colour: str = "teal", size: tuple[int, int] = (320, 180)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def upload(served: Served, folder: str, *files: tuple[str, bytes]) -> Answer:
    body, headers = form(list(files))
    return served.ask("POST", f"/folders/{folder}/images", body, headers)


def body(scenes: int = 1, **params: Any) -> dict[str, Any]:
    rows = [{"scene_number": n, "narration": "", "duration": 0.5, "clip_action": "pan right"} for n in range(1, scenes + 1)]
    return {"sequence_data": rows, "generation_params": SMALL | params}


def fails(answer: Answer, status: int, where: str = "") -> dict[str, Any]:
    told: dict[str, Any] = answer.json
    assert answer.status == status, told
    assert told["success"] is False and told["video_url"] == "" and {"code", "message", "hint", "where"} == set(told["error"])
    assert told["error"]["where"] == where and told["error"]["message"] and "timestamp" in told["metadata"]
    return told


def test_the_seeds_own_example_works_unchanged(served: Served) -> None:
    """Its words, its address but for the port; the folder lies under the media root."""
    import requests

    response = requests.post(
        f"http://localhost:{served.port}/generateVideos/movie_123",
        json={
            "sequence_data": [
                {
                    "scene_number": 1,
                    "narration": "The hero stood tall against the setting sun.",
                    "duration": 5,
                    "clip_action": "slow zoom out, pan right",
                    "music_mood": "epic",
                }
            ],
            "generation_params": {"transition_type": "fade", "seed": 12345, "fps": 24},
        },
        timeout=300,
    )
    told = response.json()
    assert response.status_code == 200 and told["success"] is True
    found = told["metadata"]
    assert found["scenes"] == 1 and 4.9 < found["duration"] < 6 and found["timestamp"].endswith("Z")
    assert (found["width"], found["height"], found["fps"]) == (1024, 576, 24) and found["frames"] == round(found["duration"] * 24)
    assert found["engines"]["clips"] and isinstance(found["warnings"], list)
    film = requests.get(told["video_url"], timeout=60)
    assert film.headers["Content-Type"] == "video/mp4" and film.content[4:8] == b"ftyp"
    part = requests.get(told["video_url"], headers={"Range": "bytes=0-99"}, timeout=60)
    assert part.status_code == 206 and len(part.content) == 100
    head = requests.head(told["video_url"], timeout=60)
    assert head.status_code == 200 and int(head.headers["Content-Length"]) == len(film.content) and not head.content
    job = f"{served.url}/jobs/{found['job_id']}"
    assert requests.get(f"{job}/captions.srt", timeout=60).text.startswith("1\n00:00")
    assert requests.get(f"{job}/captions.vtt", timeout=60).text.startswith("WEBVTT")
    assert requests.get(f"{job}/thumbnail", timeout=60).content[8:12] == b"WEBP"
    assert requests.get(f"{job}/timeline", timeout=60).json()["frames"] == found["frames"]


def test_uploaded_pictures_become_scenes_in_their_natural_order(served: Served) -> None:
    told = upload(served, "mine", ("scene_10.png", png("red")), ("scene_2.png", png("blue")), ("../../evil.png", png()), ("scene 1.jpg", png()))
    assert told.status == 200
    kept = {one["name"]: one["scene_number"] for one in told.json["files"]}
    assert kept["scene_2.png"] == 2 and kept["scene_10.png"] == 10 and kept["scene_1.png"] == 1 and kept["evil.png"] == 3
    assert {one.name for one in served.data.rglob("*.png") if "folders" in one.parts} == set(kept)
    answer = served.ask("POST", "/generateVideos/mine", json=body(2, transition_type="crossfade"))
    assert answer.status == 200 and answer.json["metadata"]["scenes"] == 2


def test_asked_to_go_on_alone_it_answers_at_once_and_tells_what_happens(served: Served) -> None:
    upload(served, "alone", ("1.png", png()))
    answer = served.ask("POST", "/generateVideos/alone", json=body(), headers={"Prefer": "respond-async", "Idempotency-Key": "k1"})
    assert answer.status == 202 and answer.headers["location"] == f"/jobs/{answer.json['metadata']['job_id']}"
    again = served.ask("POST", "/generateVideos/alone?wait=false", json=body(), headers={"Idempotency-Key": "k1"})
    assert again.headers["location"] == answer.headers["location"]
    other = served.ask("POST", "/generateVideos/alone?wait=false", json=body(), headers={"Idempotency-Key": "k2"})
    assert other.headers["location"] != answer.headers["location"]
    told = served.ask("GET", answer.headers["location"] + "/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in one.splitlines()) for one in told.body.decode().strip().split("\n\n")]
    assert events[-1]["event"] == "done" and "path" not in json.loads(events[-1]["data"])
    numbered = [one for one in events if "id" in one]
    rest = served.ask("GET", answer.headers["location"] + "/events", headers={"Last-Event-ID": numbered[1]["id"]}).body.decode()
    assert f"id: {numbered[1]['id']}\n" not in rest and f"id: {numbered[2]['id']}\n" in rest
    state = served.ask("GET", answer.headers["location"]).json
    assert state["state"] == "done" and state["progress"] == 1 and state["video_url"].startswith(served.url)


def test_a_film_can_be_stopped(served: Served) -> None:
    upload(served, "long", ("1.png", png()))
    rows = [{"scene_number": n, "duration": 60} for n in range(1, 2)]
    asked = {"sequence_data": rows, "generation_params": {"size": "1920x1080", "music": "none"}}
    place = served.ask("POST", "/generateVideos/long?wait=0", json=asked).headers["location"]
    assert served.ask("GET", f"{place}/film").status == 404
    assert served.ask("DELETE", place).status == 200
    state = until(lambda: (told := served.ask("GET", place).json)["state"] == "stopped" and told)
    assert state["error"]["code"] == "stopped" and served.ask("DELETE", place).json["state"] == "stopped"


def test_whoever_leaves_gets_the_film_later(served: Served) -> None:
    upload(served, "left", ("1.png", png()))
    raw = json.dumps(body()).encode()
    head = f"POST /generateVideos/left HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: gone\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
    with pytest.raises(TimeoutError):
        served.raw(head + raw, patience=0.3)
    answer = served.ask("POST", "/generateVideos/left", json=body(), headers={"Idempotency-Key": "gone"})
    assert answer.status == 200 and answer.json["success"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"sequence_data": []}, "sequence_data"),
        ({"sequence_data": "many"}, "sequence_data"),
        ({}, "sequence_data"),
        ({"sequence_data": [{"scene_number": 1}], "extra": 1}, "extra"),
        ({"sequence_data": [{"scene_number": 0}]}, "sequence_data[0].scene_number"),
        ({"sequence_data": [{"scene_number": 1.5}]}, "sequence_data[0].scene_number"),
        ({"sequence_data": [{"scene_number": 1}, {"scene_number": 1}]}, "sequence_data[1].image"),
        ({"sequence_data": [{"scene_number": 1, "duration": 61}]}, "sequence_data[0].duration"),
        ({"sequence_data": [{"scene_number": 1, "duration": "5"}]}, "sequence_data[0].duration"),
        ({"sequence_data": [{"scene_number": 1, "narration": "x" * 5001}]}, "sequence_data[0].narration"),
        ({"sequence_data": [{"scene_number": 1, "image": "/etc/passwd"}]}, "sequence_data[0].image"),
        ({"sequence_data": [{"scene_number": 1}], "generation_params": {"fps": 0}}, "generation_params.fps"),
        ({"sequence_data": [{"scene_number": 1}], "generation_params": {"seed": 2**32}}, "generation_params.seed"),
        ({"sequence_data": [{"scene_number": 1}], "generation_params": {"transition_type": "morph"}}, "generation_params.transition_type"),
        ({"sequence_data": [{"scene_number": 1}], "generation_params": {"music": "/etc/passwd"}}, "generation_params.music"),
        ({"sequence_data": [{"scene_number": 1}], "generation_params": []}, "generation_params"),
    ],
)
def test_bad_input_is_refused_by_its_name(served: Served, change: dict[str, Any], where: str) -> None:
    fails(served.ask("POST", "/generateVideos/movie_123", json=change), 400, where)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"null", b"[]", b'"x"', b'{"sequence_data": NaN}', b'{"sequence_data": 1e999}', b'{"a": 1, "a": 2}', b"\xff\xfe{}",
        b"[" * 10_000 + b"]" * 10_000, b'{"sequence_data":' + b"[" * 200 + b"]" * 200 + b"}", b'{"n": ' + b"9" * 5000 + b"}",
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_json_is_refused(served: Served, raw: bytes) -> None:
    assert served.ask("POST", "/generateVideos/movie_123", raw).status == 400


@pytest.mark.parametrize("folder", ["..%2F..%2Fetc", "%2e%2e", "a%00b", "x" * 65, "a.b", "a%20b", "%F0%9F%8E%AC"])
def test_a_folders_name_is_checked_before_any_path_is_made(served: Served, folder: str) -> None:
    answer = served.ask("POST", f"/generateVideos/{folder}", json=body())
    assert answer.status in (400, 404) and b"root" not in answer.body
    assert answer.json["success"] is False
    assert upload(served, folder, ("1.png", png())).status in (400, 404)


def test_what_is_not_there_is_told_in_the_services_own_shape(served: Served) -> None:
    fails(served.ask("POST", "/generateVideos/nowhere", json=body()), 404)
    fails(served.ask("POST", "/generateVideos/outside", json=body()), 404)
    for method, path in (("GET", "/generateVideos/x"), ("GET", "/jobs/none"), ("DELETE", "/jobs/none"), ("GET", "/jobs/none/film"), ("GET", "/folders/none"), ("GET", "/jobs"), ("PUT", "/folders/x/y/z"), ("GET", "/jobs/a/../b")):
        fails(served.ask(method, path), 404)
    assert b"detail" not in served.ask("GET", "/jobs/none").body


def test_what_is_no_picture_is_refused_and_a_lie_in_a_name_changes_nothing(served: Served) -> None:
    for data in (b"", b"#EXTM3U\nfile:///etc/passwd", b"<svg/>", b"MZ"):
        assert upload(served, "lies", ("a.png", data)).status == 400
    assert upload(served, "lies", ("a.m3u8", png())).json["files"] == [{"name": "a.png", "scene_number": 1}]
    assert served.ask("POST", "/folders/lies/images", json={}).status == 400
    damaged = png(size=(64, 64))[:90]
    upload(served, "damaged", ("1.png", damaged))
    told = fails(served.ask("POST", "/generateVideos/damaged", json=body()), 400, "sequence_data[0].image")
    assert told["metadata"]["job_id"]


def test_it_is_described_as_openapi_and_for_people(served: Served) -> None:
    told = served.ask("GET", "/openapi.json").json
    fields = told["paths"]["/generateVideos/{folder_id}"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert fields["sequence_data"]["items"]["properties"]["duration"]["maximum"] == 60 and fields["sequence_data"]["maxItems"] == 500
    page = served.ask("GET", "/docs").body
    assert b"/generateVideos/{folder_id}" in page and b"/v1/videos" in page and b"<script" not in page and b"http://" not in page


def test_the_catalog_tells_everything_that_can_be_asked_for(served: Served) -> None:
    told = served.ask("GET", "/catalog").json
    assert "zoom_in" in told["moves"] and "epic" in told["moods"] and "fade" in told["transitions"] and "wide" in told["sizes"]
    assert any(one["name"] == "camera" and one["missing"] is None for one in told["engines"])


def test_the_functions_have_the_seeds_signatures() -> None:
    assert list(inspect.signature(process_video_generation).parameters) == ["folder_id", "data"]
    assert list(inspect.signature(generate_video).parameters) == ["image_path", "output_path", "clip_duration", "clip_action", "seed"]
    assert list(inspect.signature(validate_clip_action).parameters) == ["clip_action", "duration"]
    assert generate_videos.__doc__


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(3, "slow zoom out"), (3.1, "slow zoom out, pan right"), (5, "slow zoom out, pan right"), (5.1, "slow zoom out, pan right, tilt up"), (60, "slow zoom out, pan right, tilt up")],
)
def test_an_action_is_cut_to_what_fits(seconds: float, kept: str) -> None:
    assert validate_clip_action("slow zoom out, pan right, tilt up, orbit", seconds) == kept


def test_a_clip_and_a_film_are_made_by_the_functions(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REELWRIGHT_MEDIA_ROOT", str(media))
    out = tmp_path / "clip.mp4"
    assert generate_video(str(media / "movie_123" / "scene_1.png"), str(out), 0.5, "pan left", 7) is True
    assert mp4.count(out) == 12
    assert generate_video("no-such.png", str(out), 0.5, "pan left", 7) is False
    good, url = process_video_generation("movie_123", body())
    assert good and url.startswith("file:///") and Path(url.removeprefix("file://")).is_file()
    assert process_video_generation("nowhere", body()) == (False, "")
    assert process_video_generation("../etc", body()) == (False, "")
    assert process_video_generation("movie_123", {"sequence_data": []}) == (False, "")


def test_limits_of_the_settings_hold_at_every_door(tmp_path: Path) -> None:
    """One film at a time, none too long, none too large."""
    with serving(tmp_path / "data", films_at_once=1, most_seconds=20, most_pixels=1280 * 720) as one:
        upload(one, "here", ("1.png", png()))
        long = {"sequence_data": [{"scene_number": 1, "duration": 20}], "generation_params": {"size": "1280x720", "music": "none"}}
        assert one.ask("POST", "/generateVideos/here?wait=0", json=long).status == 202
        again = one.ask("POST", "/generateVideos/here?wait=0", json=long)
        assert fails(again, 429)["error"]["message"] == "A film of yours is being made already." and again.headers["retry-after"]
        video = {"prompt": "x", "image": "data:image/png;base64,iVBORw0KGgo="}
        assert one.ask("POST", "/v1/videos", json=video).status in (400, 429)
        longer = {"sequence_data": [{"scene_number": 1, "duration": 21}], "generation_params": SMALL}
        fails(one.ask("POST", "/generateVideos/here", json=longer), 400, "scenes")
        large = {"sequence_data": [{"scene_number": 1, "duration": 1}], "generation_params": {"size": "1920x1080"}}
        fails(one.ask("POST", "/generateVideos/here", json=large), 400, "size")


def test_many_ask_at_once_and_each_gets_a_film(served: Served) -> None:
    upload(served, "many", ("1.png", png("olive")))
    answers: list[int] = []
    asking = [threading.Thread(target=lambda n=n: answers.append(served.ask("POST", "/generateVideos/many", json=body(seed=n)).status)) for n in range(6)]
    for one in asking:
        one.start()
    for one in asking:
        one.join(120)
    assert answers == [200] * 6
