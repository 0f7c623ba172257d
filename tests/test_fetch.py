"""Weights fetched beforehand: from a hub on loopback that speaks as Hugging Face's does, by its own library."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipelines.clips import diffusers as films
from pipelines.crew import Crew
from pipelines.gear import fetching, snapshot
from pipelines.gear.weights import Source
from pipelines.loras import Lora
from pipelines.presets import Model, Presets, read
from pipelines.stock import known, wish
from pipelines.work import DiskFull, FilmError

from . import model_servers, tiny_films
from .whole import ROOT

COMMIT, LATER = "a" * 40, "b" * 40
TOKEN = "hf_thisisasecret"


@dataclass
class Hub:
    """What it holds, and how it is to behave. stops: bytes after which a file's connection is cut, once each; offer: what
    Hugging Face's converter offers in place of the files."""

    offer: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    commit: str = COMMIT
    mode: str = ""
    stops: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def hub(served: Hub) -> Iterator[Hub]:
    def refused() -> web.Response | None:
        codes = {"gated": (403, "GatedRepo"), "absent": (401, "RepoNotFound"), "norevision": (404, "RevisionNotFound"), "busy": (503, ""), "limit": (429, "")}
        if served.mode not in codes:
            return None
        status, code = codes[served.mode]
        return web.json_response({"error": f"no {TOKEN}"}, status=status, headers={"X-Error-Code": code, "X-Error-Message": f"told {TOKEN}"} if code else {})

    async def offers(request: web.Request) -> web.Response:
        one = {"title": "Adding `safetensors` variant of this model", "num": 7, "createdAt": "2023-07-01T00:00:00.000Z", "status": "open", "isPullRequest": True, "repo": {"name": "some/model", "type": "model"}}
        every = [one | {"author": {"name": "somebody"}}, one | {"num": 9, "author": {"name": fetching.CONVERTER}}]
        return web.json_response({"discussions": every if served.offer else [], "count": 2 * bool(served.offer), "start": 0})

    async def told(request: web.Request) -> web.Response:
        if served.offer and request.match_info.get("revision") == "refs/pr/9":
            served.files, served.commit = served.offer, LATER
        files = [{"rfilename": name, "size": len(body)} for name, body in served.files.items()]
        return refused() or web.json_response({"_id": "1", "id": "some/model", "sha": served.commit, "private": False, "gated": False, "siblings": files, "tags": [], "downloads": 0, "likes": 0})

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        body = served.files.get(name)
        if no := refused():
            return no
        if body is None:
            return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": served.commit})
        head = {"X-Repo-Commit": served.commit, "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
        if request.method == "GET":
            served.asked.append(name)
            served.ranges += [request.headers["Range"]] if "Range" in request.headers else []
        start = int(re.sub(r"\D", "", request.headers.get("Range", "0").partition("-")[0]) or 0)
        if request.method == "GET" and name in served.stops:
            answer = web.StreamResponse(headers=head | {"Content-Length": str(len(body))})
            await answer.prepare(request)
            await answer.write(body[: served.stops.pop(name)])
            assert request.transport
            request.transport.close()
            return answer
        sent = body[start : len(body) // 2] if served.mode == "short" else body[start:]
        if served.mode == "other":
            sent = b"PK\x03\x04" + body[4:]
        if start:
            head["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return web.Response(body=sent, status=206 if start else 200, headers=head, content_type="application/octet-stream")

    app = web.Application()
    app.router.add_get("/api/models/some/model", told)
    app.router.add_get("/api/models/some/model/revision/{revision:.+}", told)
    app.router.add_get("/api/models/some/model/discussions", offers)
    app.router.add_get("/some/model/resolve/{revision}/{name:.+}", file)
    with model_servers.running(app, served):  # type: ignore[arg-type]
        yield served


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A tiny model's folder as a repository, with much in it that no engine reads."""
    at = tiny_films.saved("wan-1.3b", tmp_path_factory.mktemp("model"))
    files = {path.relative_to(at).as_posix(): path.read_bytes() for path in at.rglob("*") if path.is_file()}
    more = {"README.md": b"#", "whole.safetensors": b"x" * 90, "transformer/diffusion_pytorch_model.bin": b"p" * 90, "transformer/diffusion_pytorch_model.fp16.safetensors": b"h" * 90, "other/model.safetensors": b"o" * 90}
    return files | more


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return tmp_path / "hub"


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, **how: Any) -> Iterator[Hub]:
    with hub(Hub(**how)) as served:
        at(monkeypatch, served.url)
        yield served


def at(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What HF_ENDPOINT sets when the library is imported."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


def own(presets: Presets, revision: str = COMMIT) -> Model:
    return replace(presets.models["wan-1.3b"], repo="some/model", revision=revision, vram={})


def refused(work: Any) -> FilmError:
    with pytest.raises(FilmError) as caught:
        work()
    assert TOKEN not in str(caught.value), "no secret in a message"
    return caught.value


def test_what_an_engine_reads_is_fetched_and_nothing_else(cache: Path, tiny: dict[str, bytes], presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    model, engine = own(presets), films.Engine(device="cpu")
    assert f"reelwright fetch {model.name} (Apache-2.0" in str(engine.lacks(model))
    (source,) = engine.sources(model)
    with serving(monkeypatch, files=tiny) as served:
        asked = fetching.order(source)
        here = {name for name in tiny if (cache / "models--some--model" / "snapshots" / COMMIT / name).exists()}
        assert asked.commit == COMMIT and asked.bytes == sum(len(tiny[name]) for name in asked.lacking) > 0 and here <= {snapshot.INDEX}
        came = list[int]()
        fetching.fetch(asked, came.append)
        assert sum(came) == asked.bytes
        assert not {"README.md", "whole.safetensors", "other/model.safetensors"} & set(served.asked) and not [one for one in served.asked if one.endswith(".bin") or "fp16" in one]
        again = fetching.order(source)
        assert not again.lacking and again.bytes == 0
    assert engine.lacks(model) is None, "without a network it is found"


def test_one_that_was_stopped_goes_on_where_it_was(cache: Path, tiny: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "transformer/diffusion_pytorch_model.safetensors"
    source = Source("some/model", "", (name,), "x")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100)
    with serving(monkeypatch, files=tiny, stops={name: 1000}) as served:
        came = list[int]()
        fetching.fetch(fetching.order(source), came.append)
        assert re.fullmatch(r"bytes=(\d{2,3}|1000)-", served.ranges[0]) and sum(came) == len(tiny[name])
    assert source.commit == COMMIT and source.path(name).read_bytes() == tiny[name], "a branch is kept to that commit"
    with serving(monkeypatch, files=tiny | {name: b"new"}, commit=LATER):
        assert not fetching.order(source).lacking or fetching.order(source).commit == LATER


def test_what_lies_there_broken_is_fetched_anew(cache: Path, tiny: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "transformer/diffusion_pytorch_model.safetensors"
    source = Source("some/model", COMMIT, (name,), "x")
    with serving(monkeypatch, files=tiny):
        fetching.fetch(fetching.order(source), lambda _: None)
        source.path(name).resolve().write_bytes(b"cut")
        asked = fetching.order(source)
        assert asked.lacking == (name,)
        fetching.fetch(asked, lambda _: None)
    assert source.path(name).read_bytes() == tiny[name]


@pytest.mark.parametrize(
    ("mode", "said", "remedy"),
    [
        ("gated", "asks you to agree", "hf auth login"), ("absent", "not there, or not for everybody", "hf auth login"), ("norevision", "has no revision", "Mend"),
        ("busy", "answered 503", "later"), ("limit", "answered 429", "later"), ("short", "did not come whole", "Run it again"), ("other", "a pickle", "reelwright fetch x"),
    ],
)  # fmt: skip
def test_what_keeps_it_from_coming_is_said(mode: str, said: str, remedy: str, cache: Path, tiny: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    source = Source("some/model", COMMIT, ("transformer/diffusion_pytorch_model.safetensors",), "x")
    with serving(monkeypatch, files=tiny, mode=mode):
        error = refused(lambda: fetching.fetch(fetching.order(source), lambda _: None))
    assert said in error.message and remedy in error.hint
    assert TOKEN not in capfd.readouterr().err


def test_no_network_no_room_and_what_is_not_there(cache: Path, tiny: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    source = Source("some/model", COMMIT, ("transformer/diffusion_pytorch_model.safetensors",), "x")
    with serving(monkeypatch, files=tiny) as served:
        asked = fetching.order(source)
        assert "has no gone.safetensors" in refused(lambda: fetching.order(replace(source, wanted=("gone.safetensors",)))).message
        assert "folder of your own" in refused(lambda: fetching.order(Source(str(tmp_path), "", ("x",), "x"))).message
        monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
        error = refused(lambda: fetching.fetch(asked, lambda _: None))
        assert "disk is full" in error.message and "reelwright fetch x" in error.hint
        monkeypatch.undo()
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
        at(monkeypatch, served.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        assert "HF_HUB_OFFLINE" in refused(lambda: fetching.order(source)).message
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert "cannot be reached" in refused(lambda: fetching.order(source)).message


def full(*_: Any, **__: Any) -> str:
    raise OSError(28, "No space left on device")


def test_a_component_as_a_pickle_only_is_not_fetched() -> None:
    names = [snapshot.INDEX, "net/config.json", "net/diffusion_pytorch_model.bin", "tokenizer/tokenizer.json"]
    told = {"_class_name": "X", "net": ["diffusers", "Net"], "tokenizer": ["transformers", "T"]}
    assert "as a pickle only" in refused(lambda: snapshot.needed(names, told)).message
    assert snapshot.needed(names, told, bare=("net",)) == ["model_index.json", "net/config.json", "tokenizer/tokenizer.json"]
    pieces = [f"net/model{form}-0000{i}-of-00002.safetensors" for i in (1, 2) for form in ("", ".fp16")]
    names = [*pieces, "net/model.safetensors.index.json", "net/model.fp16.safetensors.index.json", "net/model.safetensors.index.fp16.json"]
    assert [name for name in snapshot.needed(names, told, "fp16") if "fp16" not in name] == []
    assert [name for name in snapshot.needed(names, told) if "fp16" in name] == [] and len(snapshot.needed(names, told)) == 3


def test_weights_that_are_there_in_two_divisions_come_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"net/diffusion_pytorch_model-0000{i}-of-0000{count}.safetensors" for count in (2, 4) for i in range(1, count + 1)]
    index = {"weight_map": {f"w{i}": Path(name).name for i, name in enumerate(names[2:])}}
    files = {snapshot.INDEX: json.dumps({"_class_name": "X", "net": ["diffusers", "Net"]}).encode(), "net/config.json": b"{}"}
    files |= dict.fromkeys(names, b"x") | {"net/diffusion_pytorch_model.safetensors.index.json": json.dumps(index).encode()}
    with serving(monkeypatch, files=files):
        order = fetching.order(snapshot.source("some/model", COMMIT))
    assert [name for name in order.files if name.endswith(".safetensors")] == names[2:]


def test_weights_that_are_pickles_come_as_the_hubs_own_converter_offers_them(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("some/model", "", ("*.json", "*.safetensors"), "ours")
    table = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    head = json.dumps(table).encode()
    whole = len(head).to_bytes(8, "little") + head + bytes(4)
    pickles = {"config.json": b"{}", "pytorch_model.bin": b"p"}
    with serving(monkeypatch, files=dict(pickles)):
        assert "pickles only" in refused(lambda: fetching.order(source)).message
    with serving(monkeypatch, files=dict(pickles), offer=pickles | {"model.safetensors": whole}) as hub:
        order = fetching.order(source)
        assert (order.commit, sorted(order.files)) == (LATER, ["config.json", "model.safetensors"])
        fetching.fetch(order, lambda _: None)
        assert source.find("model.safetensors") and "pytorch_model.bin" not in hub.asked
        assert fetching.order(source).lacking == (), "and is known again"
    pinned = Source("some/model", COMMIT, source.wanted, "ours")
    with serving(monkeypatch, files=dict(pickles), offer=pickles | {"model.safetensors": whole}):
        assert "pickles only" in refused(lambda: fetching.order(pinned)).message, "whoever names a commit has that one"


def test_everything_that_has_weights_can_be_asked_for(presets: Presets, tmp_path: Path) -> None:
    crew = Crew({name: {"folder": tmp_path} for name in ("kokoro", "piper")})
    with_lora = replace(presets, loras={"ink": Lora("ink.safetensors", repo="some/model", label="Ink", name="ink")})
    every = known(with_lora, crew)
    assert {"svd-xt", "open-sora-768", "sdxl", "sd-x4", "ace-step", "depth-anything-v2-small", "ink", "kokoro", "piper"} <= set(every)
    for name in {*presets.models, *presets.painters, *presets.composers} - set(every):
        assert "no weights that are fetched here" in refused(lambda name=name: wish(name, presets, crew)).message
        assert name in ("server", "comfyui-svd", "audiocraft-stereo")
    for name in every:
        made = wish(name, with_lora, crew)
        assert made.sources and made.terms and made.label
        assert all(one.fetch == f"reelwright fetch {name}" for one in made.sources)
        assert not any(mark in wanted for one in made.sources for wanted in one.wanted for mark in (".pt", ".ckpt", "*.bin")) or name == "kokoro"
    assert wish("open-sora-256", presets, crew).sources[0].wanted[0] == "Open_Sora_v2.safetensors"
    assert "Did you mean svd-xt" in refused(lambda: wish("svd-xtt", presets, crew)).hint
    own_file = replace(presets, loras={"mine": Lora(str(tmp_path / "mine.safetensors"))})
    assert "of your own" in refused(lambda: wish("mine", own_file, crew)).message


@pytest.fixture
def shell(tmp_path: Path, tiny: dict[str, bytes]) -> Iterator[tuple[Hub, dict[str, str]]]:
    """A hub, and an environment in which a preset of one's own comes from it."""
    (tmp_path / "presets").mkdir()
    options = json.dumps({"t2v": "WanPipeline"}).replace(":", " =").replace('"t2v"', "t2v")
    text = f'[tiny]\nlabel = "Tiny one"\nwhat = ""\nengine = "diffusers"\nrepo = "some/model"\nlicence = "MIT"\nexcluded = ["Atlantis"]\nrevenue_cap = 1000000\noptions = {options}\n'
    (tmp_path / "presets" / "models.toml").write_text(text, "utf-8")
    assert read(tmp_path / "presets").models["tiny"].name == "tiny"
    with hub(Hub(files=tiny)) as served:
        given = {"HF_ENDPOINT": served.url, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": TOKEN, "REELWRIGHT_DATA": str(tmp_path / "data"), "REELWRIGHT_PRESETS": str(tmp_path / "presets")}
        yield served, {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_DISABLE_XET": "1", **given}


def fetch(env: dict[str, str], *args: str, stdin: Any = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "studio", "fetch", *args], env=env, stdin=stdin, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_tells_asks_and_fetches(shell: tuple[Hub, dict[str, str]], tmp_path: Path) -> None:
    served, env = shell
    alone = fetch(env, "tiny")
    assert alone.returncode == 1 and "--yes" in alone.stderr and not [name for name in served.asked if name.endswith(".safetensors")]
    for said in ("Tiny one", "MIT", "Atlantis", "$1,000,000", "some/model at aaaaaaaaaaaa", "MB to fetch", "free"):
        assert said in alone.stdout, said
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n")
    done = fetch(env, "tiny", stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0 and "Tiny one is here" in done.stderr and "[y/N]" in done.stderr, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    again = fetch(env, "tiny", "--json")
    assert again.returncode == 0 and "all of it is here" in again.stderr
    assert [json.loads(line)["event"] for line in again.stdout.splitlines()] == ["done"]


def test_the_command_says_when_there_is_no_room(cache: Path, tiny: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, presets: Presets, capsys: pytest.CaptureFixture[str]) -> None:
    from studio import cli, settings

    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(settings, "presets", lambda _own: replace(presets, models={"tiny": replace(own(presets), name="tiny")}))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _where: usage._replace(free=1000))
    with serving(monkeypatch, files=tiny):
        assert cli.main(["fetch", "tiny", "--yes"]) == 1
    said = capsys.readouterr().err
    assert "There is no room" in said and "HF_HOME" in said
    assert cli.main(["fetch", "tinny", "--yes"]) == 1
    assert "Did you mean tiny" in capsys.readouterr().err
    assert issubclass(DiskFull, FilmError)
