"""A Space on ZeroGPU, with its own library: `speak_zero.py MODELS OUT`, where clips are written.

Here is no GPU to lend: who lends them is a server of this file's, and what they are lent to computes on the CPU.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ASKED: list[tuple[str, dict]] = []
USED_UP: list[bool] = []
TOO_OLD = "late-secret"
HELD, GO = threading.Event(), threading.Event()


class Lender(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        at = urlsplit(self.path)
        asked = {name: one[0] for name, one in parse_qs(at.query).items()}
        ASKED.append((at.path, asked))
        old = asked.get("token", "").endswith(TOO_OLD)
        if asked.get("token"):
            HELD.set()
            GO.wait(60)
        spent = at.path == "/schedule" and bool(USED_UP)
        told = {"left": 3, "wait": "PT3H"} if spent else {"idle": True, "nvidiaIndex": 0, "nvidiaUUID": "none", "allowToken": "a"}
        body = json.dumps(told).encode()
        self.send_response(401 if old else 429 if spent else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main(folder: Path, out: Path) -> dict:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lender)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": f"http://127.0.0.1:{server.server_port}", "OMP_NUM_THREADS": "1"}
    sys.modules["torch"] = None  # one that was built without CUDA has not what the library changes in it
    import spaces

    del sys.modules["torch"]
    from pipelines import presets
    from pipelines.clips import _open_sora_plan, diffusers, open_sora, svd
    from pipelines.plan import Slate
    from pipelines.work import Cancelled, FilmError
    from tests import lent

    _open_sora_plan.PIXELS["256px"] = lent.SMALL
    known = presets.read(Path(__file__).parents[2] / "presets")
    told: dict = {"engines": {}}
    makers = {"svd": svd.Engine(device="cpu"), "diffusers": diffusers.Engine(device="cpu"), "open_sora": open_sora.Engine(device="cpu")}
    wanted = {name: lent.shot(name, known, folder) for name in makers}
    spaces.zero.client.startup_report()

    def asked(work) -> list[str]:
        before = len(ASKED)
        work()
        return [query["durationSeconds"] for path, query in ASKED[before:] if path == "/schedule"]

    for name, engine in makers.items():
        kept, shown, ticks = [], [], []
        slates = [Slate(wanted[name], out / f"{name}{i}.mp4", ticks.append, kept.append, shown.append) for i in range(2 if name == "diffusers" else 1)]
        durations = asked(lambda engine=engine, slates=slates: engine.shoot_all(slates))
        said = [str(one) if isinstance(one, FilmError) else one for one in kept]
        told["engines"][name] = {"durations": durations, "kept": said, "shown": len(shown), "ticks": len(ticks)}

    def refused(name: str, shot) -> str:
        try:
            makers[name].shoot(shot, out / "none.mp4", lambda _: None)
        except FilmError as error:
            return str(error)
        return ""

    from dataclasses import replace

    silent = replace(wanted["diffusers"], prompt=" ")
    told["asked for nothing"] = asked(lambda: told.update(nothing=refused("diffusers", silent)))
    slow = replace(wanted["open_sora"], model=replace(wanted["open_sora"].model, options={"resolution": "768px"}))
    told["asked for too much"] = asked(lambda: told.update(slow=refused("open_sora", slow)))

    def stop(done: float) -> None:
        if done > 0:
            raise Cancelled

    try:
        makers["svd"].shoot(lent.shot("svd", known, folder, steps=30), out / "none.mp4", stop)
    except Cancelled:
        told["stopped"] = True
    told["after"] = refused("svd", wanted["svd"])
    USED_UP.append(True)
    told["spent"] = refused("svd", wanted["svd"])
    told["calls"] = [path for path, _ in ASKED]
    USED_UP.clear()
    ASKED.clear()
    from tests.clients import zero_house

    told["house"] = zero_house.films(folder / "seen.png", out / "data", HELD, GO)
    told["house"]["tokens"] = [query.get("token", "") for path, query in ASKED if path == "/schedule"]
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
