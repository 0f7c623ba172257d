"""What the documents say is what the code does, and what is installed is what the files name."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

from packaging.requirements import Requirement

from studio.settings import HOME

from . import docs

PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]


def bounds(lines: list[str]) -> dict[str, str]:
    found = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {one.name: str(one.specifier) for one in found}


def test_generated_tables_are_fresh() -> None:
    for path, text in docs.made().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: make docs"


def test_requirements_hold_the_full_set_of_pyproject() -> None:
    extras = PROJECT["optional-dependencies"]
    listed = bounds((HOME / "requirements.txt").read_text("utf-8").splitlines())
    assert listed == bounds(PROJECT["dependencies"]) | bounds(extras["gpu"])


def test_every_version_is_bounded() -> None:
    extras = PROJECT["optional-dependencies"]
    for name, said in bounds([*PROJECT["dependencies"], *extras["gpu"], *extras["dev"]]).items():
        assert "==" in said or ("<" in said and ">=" in said), f"{name}{said} has no upper bound"


def test_every_dependency_has_its_licence_named() -> None:
    text = (HOME / "THIRD_PARTY.md").read_text("utf-8")
    extras = PROJECT["optional-dependencies"]
    for name in bounds([*PROJECT["dependencies"], *extras["gpu"], *extras["dev"]]):
        assert re.search(rf"\b{re.escape(name)}\b", text), f"{name} is not in THIRD_PARTY.md"


def test_the_full_set_works_together() -> None:
    """torch, diffusers, transformers and accelerate at these versions load in one process."""
    code = "import torch, ftfy, accelerate, transformers, diffusers; diffusers.AutoencoderKL; print(torch.ones(2).sum().item())"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("2.0"), done.stderr[-2000:]


def test_the_readme_has_its_two_commands_and_its_poster() -> None:
    text = (HOME / "README.md").read_text("utf-8")
    assert "make demo" in text and "make test" in text
    assert (HOME / "assets" / "poster.jpg").is_file()
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (HOME / target).exists(), f"README.md points to {target}"
