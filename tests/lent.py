"""Shots of each engine that computes clips, with tiny models: what is tried on GPUs that are lent."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipelines import moves
from pipelines.plan import Frame, Shot
from pipelines.presets import Model, Presets

from . import open_sora_weights, tiny, tiny_films

ENGINES = ("svd", "diffusers", "open_sora")
SMALL = 32 * 32  # pixels that stand for Open-Sora's 256px


def weights(at: Path) -> Path:
    """A folder for each engine's model, and a picture."""
    tiny.svd(at / "svd")
    tiny_films.saved("wan-1.3b", at / "diffusers")
    open_sora_weights.folder(at / "open_sora")
    tiny.picture(at / "seen.png")
    return at


def shot(name: str, presets: Presets, at: Path, **more: Any) -> Shot:
    """That engine's, of the models in that folder."""
    options: dict[str, dict[str, Any]] = {
        "svd": {"frames": 3, "steps": 2, "size": [64, 64], "variant": ""},
        "diffusers": {**presets.models["wan-1.3b"].options, "size": [64, 64], "steps": 2, "most": 9},
        "open_sora": {"steps": 2},
    }
    model = Model("Tiny", "", name, str(at / name), licence="Yours", options=options[name] | more)
    frame, camera = Frame(96, 54, Fraction(24)), moves.read("zoom in", 1, presets.moves, 1).camera
    made = Shot("a calm sea", at / "seen.png", camera, frame.at_least(0.3), frame, "cover", 3, model)
    return replace(made, picture=None) if name == "diffusers" else made
