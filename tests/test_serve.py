"""The studio as one process: it says when it is ready, is found by its own commands, and stops when it is told to."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.story import read
from studio.desk import Desk
from studio.settings import Settings

from .killed import server_killed_again_and_again
from .served import ROOT, Served, serving, settings


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served") / "data") as one:
        yield one


def waiting(data: Path, photo: Path, seconds: float = 0.5, **told: object) -> str:
    """A job in a data folder that nobody serves yet."""
    desk = Desk(Settings(data=data, online_voices=False))
    scene = {"image": photo.resolve(), "duration": seconds, "clip_action": "pan left"}
    said = {"title": "Waiting", "scenes": [scene], "size": "160x90", "quality": "draft", "music": "none"} | told
    try:
        desk._jobs._closing = True  # nobody begins it
        return desk.submit(read(said, desk.presets), "local")
    finally:
        desk.close()


def test_it_is_found_by_its_own_commands(served: Served) -> None:
    told = json.loads((served.data / "serve.json").read_text("utf-8"))
    assert told["url"] == served.url and stat.S_IMODE((served.data / "serve.json").stat().st_mode) == 0o600
    done = served.run("jobs", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == []
    done = served.run("watch", "no-such-job")
    assert done.returncode == 1 and "no such film" in done.stderr and "Traceback" not in done.stderr
    assert served.ask("GET", "/own/jobs").status == 404, "without the token it is not there"


def test_without_a_studio_the_commands_say_so(tmp_path: Path) -> None:
    for verb in (["jobs"], ["watch", "x"], ["cancel", "x"]):
        done = subprocess.run([sys.executable, "-m", "studio", *verb], capture_output=True, text=True, cwd=ROOT, env=settings(tmp_path), check=False)
        assert done.returncode == 1 and "No studio runs" in done.stderr and "reelwright serve" in done.stderr


def test_the_page_and_health_answer(served: Served) -> None:
    assert b"Reelwright" in served.ask("GET", "/").body
    assert served.ask("GET", "/healthz").json == {"status": "ok"}
    assert served.ask("GET", "/readyz").json["status"] == "ready"


def test_a_second_studio_in_the_same_folder_and_a_taken_port_are_refused_in_words(served: Served, tmp_path: Path) -> None:
    done = served.run("serve", "--port", "0")
    assert done.returncode == 1 and "Another studio" in done.stderr
    env = settings(tmp_path / "other")
    command = [sys.executable, "-m", "studio", "serve", "--port", str(served.port)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=60, check=False)
    assert done.returncode == 1 and str(served.port) in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "other" / "serve.json").exists() and "ready" not in done.stdout


def test_it_is_not_opened_to_others_without_a_key(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "studio", "serve", "--port", "0", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=settings(tmp_path), timeout=60, check=False)
    assert done.returncode == 1 and "keys add" in done.stderr and "--anybody" in done.stderr
    with serving(tmp_path / "open", "--host", "0.0.0.0", "--anybody") as one:
        assert one.ask("GET", "/healthz").status == 200


def test_told_to_stop_it_stops_and_what_it_made_goes_on_at_the_next_start(tmp_path: Path, photo: Path) -> None:
    data = tmp_path / "data"
    job = waiting(data, photo, 60, size="1920x1080", fps=30, quality="master")
    with serving(data) as one:
        assert json.loads(one.run("jobs", "--json").stdout)[0]["state"] in ("queued", "running")
        began = time.monotonic()
        assert one.stop() == 0 and time.monotonic() - began < 15
        assert not (data / "serve.json").exists()
    with serving(data) as one:
        rows = json.loads(one.run("jobs", "--json").stdout)
        assert [(row["id"], row["state"] in ("queued", "running")) for row in rows] == [(job, True)]
        done = one.run("cancel", job)
        assert done.returncode == 0 and "stopped" in done.stdout
        done = one.run("watch", job, "--json")
        assert done.returncode == 1 and json.loads(done.stdout.splitlines()[-1])["event"] == "stopped"


def test_killed_at_any_moment_it_makes_each_film_once_and_whole(tmp_path: Path) -> None:
    server_killed_again_and_again(tmp_path, 2, 1)


def test_watch_tells_a_film_to_its_end(tmp_path: Path, photo: Path) -> None:
    data = tmp_path / "data"
    job = waiting(data, photo)
    with serving(data) as one:
        done = one.run("watch", job, "--json")
        told = [json.loads(line)["event"] for line in done.stdout.splitlines()]
        assert done.returncode == 0 and told[-1] == "done" and "made" in told
        done = one.run("watch", job)
        assert done.returncode == 0 and "film.mp4" in done.stderr
        assert "Waiting" in one.run("jobs").stdout


def test_keys_are_shown_once_and_kept_as_hashes(tmp_path: Path) -> None:
    one = Served("http://x:1", tmp_path, None, settings(tmp_path))  # type: ignore[arg-type]
    key = one.run("keys", "add", "robot", "--films", "3").stdout.strip()
    assert key.startswith("rw_") and len(key) > 40
    assert key not in (tmp_path / "keys.json").read_text("utf-8") and stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert "robot" in one.run("keys", "list").stdout and key not in one.run("keys", "list", "--json").stdout
    again = one.run("keys", "add", "robot")
    assert again.returncode == 1 and "already" in again.stderr
    assert one.run("keys", "revoke", "robot").returncode == 0 and json.loads((tmp_path / "keys.json").read_text("utf-8")) == []
    assert one.run("keys", "revoke", "robot").returncode == 1


def test_no_setting_tells_a_secret(tmp_path: Path) -> None:
    one = Served("http://x:1", tmp_path, None, settings(tmp_path, webhook_secret="whsec_canary"))  # type: ignore[arg-type]
    said = one.run("doctor").stdout
    assert "REELWRIGHT_WEBHOOK_SECRET" in said and "canary" not in said


def free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_on_a_space_gradio_is_the_main_application(tmp_path: Path) -> None:
    """A home that cannot be written, the port from the environment, the doors as routes beside the page."""
    port = free()
    env = {name: value for name, value in settings(tmp_path).items() if name != "REELWRIGHT_DATA"}
    (tmp_path / "tmp").mkdir()
    env |= {"SPACE_ID": "someone/reelwright", "HOME": "/proc/none", "XDG_DATA_HOME": "/proc/none", "PORT": str(port), "TMPDIR": str(tmp_path / "tmp")}
    env.pop("GRADIO_SERVER_PORT", None)
    process = subprocess.Popen([sys.executable, str(ROOT / "app.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env)
    try:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        assert line == f"Reelwright is ready: http://0.0.0.0:{port}\n", line + process.stderr.read()
        one = Served(f"http://127.0.0.1:{port}", tmp_path, process, env)
        assert one.ask("GET", "/config", headers={"Host": "someone-reelwright.hf.space"}).json["title"] == "Reelwright"
        assert one.ask("GET", "/healthz").json == {"status": "ok"}
        assert one.ask("GET", "/metrics").status == 404, "its numbers are nobody else's"
        assert (tmp_path / "tmp" / "reelwright" / "jobs").is_dir()
        process.terminate()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_space_limits_what_one_visitor_may_ask_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from studio import settings as own

    monkeypatch.setenv("SPACE_ID", "someone/reelwright")
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path))
    found = own.read()
    assert found.host == "0.0.0.0" and found.films_at_once == 1 and found.most_seconds and found.most_pixels
    monkeypatch.setenv("REELWRIGHT_FILMS_AT_ONCE", "3")
    assert own.read().films_at_once == 3, "whoever runs the Space may say otherwise"
    assert os.environ["SPACE_ID"]
