"""Film B in MoviePy 2, run by a Python that has it. Knows only what it is told: one JSON object as its argument."""

from __future__ import annotations

import json
import sys
from typing import Any

from moviepy import CompositeVideoClip, ImageClip, vfx


def clip(told: dict[str, Any], i: int) -> Any:
    """One picture, covering the frame, resized and placed anew for every frame, faded in over the one before."""
    width, height = told["size"]
    zoom, across, down = told["moves"][i]
    still = ImageClip(told["pictures"][i])
    still = still.resized(max(width / still.w, height / still.h))
    wide, tall = still.size

    def at(pair: list[float], t: float) -> float:
        return pair[0] + (pair[1] - pair[0]) * t / told["seconds"]

    def corner(t: float) -> tuple[float, float]:
        size = at(zoom, t)
        return (width - wide * size) * at(across, t), (height - tall * size) * at(down, t)

    effects = [vfx.Resize(lambda t: at(zoom, t)), *([vfx.CrossFadeIn(told["shared"])] if i else [])]
    placed = still.with_duration(told["seconds"]).with_effects(effects).with_position(corner)
    return placed.with_start(i * (told["seconds"] - told["shared"]))


def main() -> None:
    """Write the film that was asked for."""
    told = json.loads(sys.argv[1])
    film = CompositeVideoClip([clip(told, i) for i in range(len(told["pictures"]))], size=tuple(told["size"]))
    film.write_videofile(
        told["out"], fps=told["fps"], codec="libx264", audio=told["sound"], audio_codec="copy",
        preset="veryfast", ffmpeg_params=told["encoder"], logger=None,
    )


if __name__ == "__main__":
    main()
