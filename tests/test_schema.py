"""Everything that OpenAPI says can be sent, and much that it says cannot: schemathesis finds no error of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .served import ROOT, serving
from .test_videos import CLIENTS

TOOL = CLIENTS / "schemathesis-4.32.5"


@pytest.mark.parametrize("phases", ["examples,coverage", pytest.param("fuzzing", marks=pytest.mark.soak)])
def test_no_request_breaks_a_door(phases: str, tmp_path: Path) -> None:
    if not (TOOL / ".there").exists():
        pytest.skip(f"{TOOL.name} is not in {CLIENTS}")
    examples = os.environ.get("REELWRIGHT_TEST_EXAMPLES", "15")
    with serving(tmp_path / "data", most_seconds=0.4) as one:  # asked for, and refused before it is made
        checks = ["--checks", "not_a_server_error", "--phases", phases, "--max-examples", examples]
        more = ["--seed", "1", "--request-timeout", "20", "--suppress-health-check", "all", "--exclude-path", "/readyz", "--no-color"]
        command = [sys.executable, "-W", "ignore", "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
        command += ["run", f"{one.url}/openapi.json", *checks, *more]
        env = dict(os.environ) | {"PYTHONPATH": str(TOOL)}
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=500, check=False)
        assert done.returncode == 0, (done.stdout[-4000:], done.stderr[-1000:])
        assert (ROOT.is_dir() and "Tested" in done.stdout) or "passed" in done.stdout
        assert one.ask("GET", "/healthz").status == 200
