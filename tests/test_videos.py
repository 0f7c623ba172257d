"""The Videos API as OpenAI's own clients use it, each in a process of its own, over loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .served import ROOT, Served, paints, serving

CLIENTS = Path(os.environ.get("REELWRIGHT_TEST_CLIENTS") or ROOT / ".venv" / "clients")
PYTHONS = ["openai-2.24.0", "openai-3.52.0"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served") / "data") as one:
        yield one


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "hills.png"
    Image.effect_mandelbrot((320, 180), (-2, -1.2, 1, 1.2), 30).convert("RGB").save(path)
    return path


def speak(version: str, what: str, base: str, *rest: object) -> dict[str, Any]:
    """What that version of the client had to tell."""
    folder = CLIENTS / version
    if not (folder / ".there").exists():
        pytest.skip(f"{version} is not in {CLIENTS}: python tests/clients/get.py {CLIENTS}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI")} | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "clients" / "speak_openai.py"), what, base, *map(str, rest)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["version"] == version.removeprefix("openai-")
    return told


def whole(video: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """Every field that clients count on."""
    assert video["object"] == "video" and video["id"].startswith("video_") and video["status"] == status, video
    assert isinstance(video["created_at"], int) and isinstance(video["seconds"], str) and isinstance(video["progress"], int)
    assert (video["completed_at"] is not None) == (status == "completed")
    return video


@pytest.mark.parametrize("version", PYTHONS)
def test_create_in_every_form(served: Served, picture: Path, version: str) -> None:
    told = speak(version, "create", served.url + "/v1", picture)
    usual = told["usual"]
    assert (usual["seconds"], usual["size"], usual["model"], usual["prompt"]) == ("4", "720x1280", "sora-2", "A quiet lake")
    assert usual["error"] is None and usual["remixed_from_video_id"] is None and usual["expires_at"] is None
    for form in ("bytes", "tuple", "handle", "path", "buffer", "number"):
        assert (told[form]["seconds"], told[form]["size"]) == ("8", "160x90"), form
    assert told["extra"]["status"] == "queued" and "320x180" in told["extra"]["metadata"]["warnings"][0]
    assert told["unknown_file"] == {"kind": "BadRequestError", "status": 400, "code": "file_not_found", "param": "input_reference.file_id", "type": "invalid_request_error"}
    assert (told["strange"]["code"], told["strange"]["param"]) == ("unknown_parameter", "n")
    assert (told["empty"]["kind"], told["empty"]["param"]) == ("BadRequestError", "prompt")
    assert {"sora-2", "sora-2-pro", "reelwright-camera"} <= set(told["models"])
    for one in served.ask("GET", "/v1/videos?limit=100").json["data"]:
        served.ask("DELETE", f"/v1/videos/{one['id']}")


@pytest.mark.parametrize("version", PYTHONS)
def test_polling_downloading_remixing_deleting(served: Served, picture: Path, version: str) -> None:
    told = speak(version, "poll", served.url + "/v1", picture)
    whole(told["done"])
    whole(told["usual"])
    assert told["done"]["progress"] == 100 and told["done"]["expires_at"] > told["done"]["completed_at"]
    words = whole(told["failed"], "completed" if paints(served) else "failed")
    if not paints(served):
        assert words["error"]["code"] == "engine_missing" and "picture" in words["error"]["message"]
        assert told["failed content"]["code"] == "video_failed"
    assert told["header"] in ("500", "1000")
    found = {variant: (kind.partition(";")[0], bytes.fromhex(head), size) for variant, (kind, head, size) in ((name.removeprefix("content "), value) for name, value in told.items() if name.startswith("content "))}
    assert found["None"] == found["video"] and found["video"][0] == "video/mp4" and found["video"][1][4:8] == b"ftyp"
    assert found["thumbnail"][0] == "image/webp" and found["thumbnail"][1][8:12] == b"WEBP"
    assert found["spritesheet"][0] == "image/jpeg" and found["spritesheet"][1].startswith(b"\xff\xd8\xff")
    assert found["audio"][0] == "audio/mp4" and found["audio"][1][4:8] == b"ftyp"
    assert found["last_frame"][0] == "image/png" and found["last_frame"][1].startswith(b"\x89PNG")
    assert found["timeline"][0] == "application/json"
    assert (told["bad variant"]["status"], told["bad variant"]["param"]) == (400, "variant")
    assert told["no captions"]["status"] == 404
    assert whole(told["remix"])["remixed_from_video_id"] == told["done"]["id"] and told["remix"]["prompt"] == "the same hills, zoom in"
    assert told["deleted"] == {"id": told["done"]["id"], "object": "video.deleted", "deleted": True}
    assert told["gone"]["kind"] == told["gone content"]["kind"] == "NotFoundError" and told["gone"]["code"] == "not_found"


def test_edits_extensions_and_characters(served: Served, picture: Path) -> None:
    told = speak("openai-3.52.0", "more", served.url + "/v1", picture)
    assert whole(told["edit"])["prompt"] == "now zoom out" and told["edit"]["seconds"] == "1"
    assert whole(told["extend"])["seconds"] == "3" and told["extend"]["metadata"]["duration"] == pytest.approx(3, abs=0.05)
    assert whole(told["extend file"])["seconds"] == "2" and told["extend file"]["metadata"]["duration"] == pytest.approx(2, abs=0.1)
    assert whole(told["edit file"])["size"] == "160x90" and told["edit file"]["seconds"] == "1"
    assert told["character"] == told["character again"] and told["character"]["id"].startswith("char_") and told["character"]["name"] == "Mossy"
    assert told["long name"]["param"] == told["no name"]["param"] == "name" and told["long name"]["status"] == 400
    whole(told["used"])
    assert told["traversal"]["kind"] == "NotFoundError"


@pytest.mark.parametrize("version", PYTHONS)
def test_listing_by_pages(served: Served, picture: Path, version: str) -> None:
    for one in served.ask("GET", "/v1/videos?limit=100").json["data"]:
        served.ask("DELETE", f"/v1/videos/{one['id']}")
    told = speak(version, "list", served.url + "/v1", picture)
    assert told["paged"] == told["ids"][::-1] and told["rising"] == told["ids"] and told["hundred"] == 5
    assert told["none"]["data"] == [] and told["none"]["has_more"] is True
    assert told["too many"]["param"] == "limit" and told["too many"]["status"] == 400
    assert told["unknown"]["param"] == "after"


def test_azures_client_on_both_of_its_paths(served: Served, picture: Path) -> None:
    told = speak("openai-3.52.0", "azure", served.url, picture)
    assert told["deployments"] == told["v1"] == ["completed", "ftyp"]


def test_the_client_for_node(served: Served, picture: Path) -> None:
    folder = CLIENTS / "openai-node"
    if not shutil.which("node") or not (folder / ".there").exists():
        pytest.skip(f"node, or its client in {CLIENTS}, is not here")
    command = ["node", str(ROOT / "tests" / "clients" / "speak_openai.mjs"), str(folder), served.url + "/v1", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    for name in ("done", "object", "remix", "extend", "edit"):
        whole(told[name])
    assert told["content"] == "ftyp" and told["extend"]["seconds"] == "2" and told["character"]["name"] == "Fern"
    assert told["done"]["id"] in told["listed"] and told["deleted"]["deleted"] is True
    assert told["gone"] == ["NotFoundError", 404, "not_found"]
