"""A studio that is killed again and again while it makes films, and what must be true all the same."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from pipelines import mp4

from .served import Served, serving, until
from .test_generate_videos import png, upload

FRAMES = 24
SCENES = [{"scene_number": n, "duration": 0.5, "clip_action": "pan left" if n % 2 else "zoom in"} for n in (1, 2)]
PARAMS = {"size": "160x90", "quality": "draft", "music": "none", "captions": "none", "transition_type": "none", "fps": 24}


def server_killed_again_and_again(folder: Path, kills: int, seed: int) -> None:
    """Each time one film more is asked for; after the last kill all that were accepted are made, each once and whole."""
    drawn, accepted, data = random.Random(seed), dict[str, str](), folder / "data"
    for n in range(kills):
        with serving(data) as one:
            if n == 0:
                until(lambda: one.ask("GET", "/readyz").status == 200)
                _bring(one, png())
            accepted[f"film {n}"] = _ask(one, f"film {n}")
            time.sleep(drawn.random() ** 2 * 1.5)
            one.process.kill()
            one.process.wait()
        _nobody_is_left(data)
        _all_whole(data)
    with serving(data) as one:
        for key, job in accepted.items():
            assert _ask(one, key) == job, "asked for again, it is the same film"
        for job in accepted.values():
            until(lambda job=job: one.ask("GET", f"/jobs/{job}").json["state"] == "done", 120)
    assert len(list((data / "films").iterdir())) == kills
    assert [mp4.count(film) for film in (data / "films").rglob("*.mp4")] == [FRAMES] * kills
    _nobody_is_left(data)


def _bring(one: Served, picture: bytes) -> None:
    assert upload(one, "killed", ("1.png", picture), ("2.png", picture)).status == 200


def _ask(one: Served, key: str) -> str:
    said = {"sequence_data": SCENES, "generation_params": PARAMS | {"seed": int(key.split()[1])}}
    answer = one.ask("POST", "/generateVideos/killed?wait=false", headers={"Idempotency-Key": key}, json=said)
    assert answer.status in (200, 202), answer.body
    return str(answer.json["metadata"]["job_id"])


def _all_whole(data: Path) -> None:
    """Whatever is to be seen of a film is whole."""
    assert {mp4.count(film) for film in (data / "films").rglob("film.mp4")} <= {FRAMES}


def _nobody_is_left(data: Path) -> None:
    """No process of that studio is alive a moment later."""
    wanted = f"REELWRIGHT_DATA={data}".encode()
    until(lambda: not any(wanted in _environment(each) for each in Path("/proc").glob("[0-9]*")), 10)


def _environment(process: Path) -> bytes:
    if int(process.name) == os.getpid():
        return b""
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
