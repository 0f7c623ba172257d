"""Which weights are used: those that were here first, whatever becomes of a branch; through the hub's own library."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipelines import moves, plan
from pipelines.clips import diffusers, open_sora, svd
from pipelines.gear import snapshot
from pipelines.gear.weights import Source
from pipelines.presets import Model, Presets
from pipelines.vault import plain

from . import model_servers

FIRST, SECOND = "a" * 40, "b" * 40


@dataclass
class Hub:
    """A repository at a hub: its files at each commit, and where its branch is."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = FIRST
    url: str = ""

    def downloaded(self, cache: Path, revision: str | None = None, only: Sequence[str] = ()) -> str:
        """What `hf download` does."""
        from huggingface_hub import snapshot_download

        return snapshot_download("some/model", revision=revision, cache_dir=cache, endpoint=self.url, token=False, max_workers=1, allow_patterns=list(only) or None)


@contextmanager
def hub(served: Hub) -> Iterator[Hub]:
    async def told(request: web.Request) -> web.Response:
        commit = request.match_info.get("revision", "main")
        commit = served.main if commit == "main" else commit
        files = [{"rfilename": name} for name in served.commits[commit]]
        return web.json_response({"_id": "1", "id": "some/model", "sha": commit, "private": False, "gated": False, "siblings": files, "tags": [], "downloads": 0, "likes": 0})

    async def tree(request: web.Request) -> web.Response:
        files = served.commits[request.match_info["revision"]]
        oid = {name: hashlib.sha1(body).hexdigest() for name, body in files.items()}
        return web.json_response([{"type": "file", "path": name, "size": len(body), "oid": oid[name]} for name, body in files.items()])

    async def file(request: web.Request) -> web.Response:
        commit = request.match_info["revision"]
        commit = served.main if commit == "main" else commit
        body = served.commits[commit].get(request.match_info["name"])
        if body is None:
            raise web.HTTPNotFound(headers={"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        head = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
        return web.Response(body=body, headers=head, content_type="application/octet-stream")

    app = web.Application()
    app.router.add_get("/api/models/some/model", told)
    app.router.add_get("/api/models/some/model/revision/{revision}", told)
    app.router.add_get("/api/models/some/model/tree/{revision}", tree)
    app.router.add_get("/some/model/resolve/{revision}/{name:.+}", file)
    with model_servers.running(app, served):  # type: ignore[arg-type]
        yield served


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def read(source: Source, name: str) -> bytes:
    path = source.find(name)
    assert path
    return path.read_bytes()


def test_a_branch_that_moves_changes_nothing(cache: Path) -> None:
    source = Source("some/model", "", ("*.json",))
    assert (source.commit, source.changing) == ("", []) and "--revision" not in source.fetch
    with hub(Hub({FIRST: {"config.json": b"1"}, SECOND: {"config.json": b"2", "more.json": b"3"}})) as served:
        served.downloaded(cache)
        assert source.changing == [FIRST], "it is in recipes from the first on"
        assert read(source, "config.json") == b"1" and source.commit == FIRST
        served.main = SECOND
        served.downloaded(cache)
        assert read(source, "config.json") == b"1" and source.changing == [FIRST]
        assert source.find("more.json") is None, "two commits are never mixed"
        assert f"hf download some/model --revision {FIRST}" in source.fetch
        pinned = Source("some/model", SECOND, ())
        assert read(pinned, "config.json") == b"2" and pinned.changing == []
    from huggingface_hub import scan_cache_dir

    (repo,) = scan_cache_dir(cache).repos
    assert {one.commit_hash for one in repo.revisions if one.refs} == {FIRST, SECOND}, "who tidies the cache leaves ours"


def test_a_branch_of_another_name_is_kept_by_itself(cache: Path) -> None:
    with hub(Hub({FIRST: {"x": b"1"}, SECOND: {"x": b"2"}})) as served:
        served.downloaded(cache)
        assert read(Source("some/model", "", ()), "x") == b"1"
        refs = cache / "models--some--model" / "refs"
        (refs / "v2").write_text(SECOND, "utf-8")
        served.downloaded(cache, SECOND)
        assert read(Source("some/model", "v2", ()), "x") == b"2"
        (refs / "v2").write_text(FIRST, "utf-8")
        assert read(Source("some/model", "v2", ()), "x") == b"2" and read(Source("some/model", "", ()), "x") == b"1"


def test_a_cache_that_cannot_be_written_to_is_read_all_the_same(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub(Hub({FIRST: {"x": b"1"}})) as served:
        served.downloaded(cache)
    (cache / "models--some--model" / "refs" / "reelwright").write_text("in the way", "utf-8")
    source = Source("some/model", "", ())
    assert read(source, "x") == b"1" and source.commit == "" and source.changing == [FIRST]


@pytest.mark.parametrize("variant", ["", "bf16"])
def test_a_pipelines_parts_are_fetched_and_nothing_twice(variant: str, cache: Path) -> None:
    """Parts in one file or several, of the variant; not the long one beside it, nor the whole in one file at the root."""
    dot = f".{variant}" if variant else ""
    shards = [f"transformer/diffusion_pytorch_model{dot}-0000{i}-of-00002.safetensors" for i in (1, 2)]
    index = f"transformer/diffusion_pytorch_model.safetensors.index{dot}.json"
    told = json.dumps({"weight_map": {str(i): Path(name).name for i, name in enumerate(shards)}}).encode()
    wanted = {"model_index.json": b"{}", "tokenizer/spiece.model": b"x", f"vae/diffusion_pytorch_model{dot}.safetensors": b"x", index: told}
    wanted |= dict.fromkeys(shards, b"x")
    left = dict.fromkeys(["all-in-one.safetensors", f"all-in-one{dot}.safetensors", "vae/diffusion_pytorch_model.bin", "seen.png"], b"x")
    left |= {"vae/diffusion_pytorch_model.safetensors": b"x"} if variant else {}
    source = snapshot.source("some/model", "", variant)
    with hub(Hub({FIRST: wanted | left})) as served:
        served.downloaded(cache, only=source.wanted)
    found = {name: source.find(name) for name in wanted | left}
    assert {name for name, path in found.items() if path} == wanted.keys()
    there = snapshot.weights(source.path(index).parent, variant)
    assert there and there.variant == variant and len(there.files) == 2


@pytest.mark.parametrize(
    ("engine", "options"),
    [(diffusers.Engine, {"t2v": "WanPipeline"}), (svd.Engine, {"variant": ""}), (open_sora.Engine, {})],
    ids=["diffusers", "svd", "open_sora"],
)
def test_a_clip_of_another_commit_is_another_clip(engine: Any, options: dict[str, Any], cache: Path, presets: Presets) -> None:
    frame = plan.Frame(96, 96, Fraction(24))
    camera = moves.read("static", 1, presets.moves, 1).camera
    refs = cache / "models--some--model" / "refs"
    refs.mkdir(parents=True)

    def recipe(revision: str = "") -> object:
        model = Model("Tiny", "", engine.__module__.rpartition(".")[2], "some/model", revision, options=options)
        return plain(engine(device="cpu").recipe(plan.Shot("a cat", None, camera, 24, frame, "cover", 3, model)))

    before = recipe()
    (refs / "main").write_text(FIRST, "utf-8")
    first = recipe()
    (refs / "main").write_text(SECOND, "utf-8")
    assert len({str(one) for one in (before, first, recipe())}) == 3
    assert recipe(FIRST) == before, "one that is named has it in the model"


FORKED = """
import os, signal, threading
from pipelines.gear.weights import loading
held, go = threading.Event(), threading.Event()
def load():
    with loading():
        held.set()
        go.wait(0.3)
threading.Thread(target=load).start()
held.wait()
if not (child := os.fork()):
    signal.alarm(20)
    with loading():
        os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_is_forked_off_while_a_model_is_loaded_can_load_one_too() -> None:
    """So it is where GPUs are lent."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], cwd=Path(__file__).parents[1], timeout=120, check=False)
    assert done.returncode == 0
