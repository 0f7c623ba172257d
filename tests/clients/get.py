"""Gets the official clients that tests speak with, each in a folder of its own: `get.py FOLDER`.

They are never part of Reelwright. A client that cannot be had is left out, and its tests say so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PYTHON = {"openai-2.24.0": ["openai==2.24.0"], "openai-3.52.0": ["openai==3.52.0"], "mcp-1.30.0": ["mcp==1.30.0"], "schemathesis-4.32.5": ["schemathesis==4.32.5"], "spaces-0.51.3": ["--no-deps", "spaces==0.51.3"]}
NODE = {"openai-node": "openai@7.57.0"}


def main(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    pip, npm = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"], shutil.which("npm")
    asked = {name: [*pip, "--target", str(root / name), *wanted] for name, wanted in PYTHON.items()}
    if npm:
        asked |= {name: [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(root / name), wanted] for name, wanted in NODE.items()}
    with ThreadPoolExecutor(3) as pool:  # most of it is waiting
        for work in [pool.submit(get, root / name, command) for name, command in asked.items()]:
            work.result()


def get(folder: Path, command: list[str]) -> None:
    if (folder / ".there").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{folder.name} cannot be had: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return
    (folder / ".there").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
