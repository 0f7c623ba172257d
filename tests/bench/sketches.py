"""Paints one still after another from PROMPTS in one process and tells how long each took.

Knows nothing of films. -> one JSON object on stdout.
"""

from __future__ import annotations

import json
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from pipelines.pictures.sketch import Engine
from pipelines.plan import Brief, Frame
from pipelines.work import idle

FRAME = Frame(1024, 576, Fraction(24))
PROMPTS = (
    "A futuristic city at night, with flying cars zooming between neon-lit skyscrapers, cinematic lighting",
    "A serene mountain lake at sunrise, with mist rising from the water, wildlife drinking at the shore",
    "An astronaut floating in space, Earth visible in the background, stars twinkling, documentary style",
    "a lighthouse on a cliff in a storm at night",
    "a red house beside a river in autumn",
    "a sailing boat on a calm sea at sunset",
    "a castle on a hill under northern lights",
    "a horse running over fields in golden morning light",
    "a volcano on an island, noir",
    "a cat on a windowsill, rain outside",
    "a desert at noon with a camel",
    "snow falling on a pine forest by moonlight",
    "a canyon with a river, birds overhead",
    "a nebula and a ringed planet",
    "a quiet street with lamps after rain",
    "a dog on a beach, pastel colours",
    "a tree alone in a wheat field, a storm coming",
    "a train crossing a bridge in the mountains",
    "a kitchen with a table and a window",
    "children flying a kite on a hill in spring",
)


def main() -> None:
    """Two rounds over PROMPTS; the first, which loads and builds tables, is not counted."""
    painter, took = Engine(), []
    with tempfile.TemporaryDirectory() as name:
        for counted in (False, True):
            for k, prompt in enumerate(PROMPTS):
                brief = Brief(prompt, FRAME, 7 + k)
                start = time.perf_counter()
                painter.paint(brief, Path(name) / "picture.png", idle)
                if counted:
                    took.append(time.perf_counter() - start)
    print(json.dumps({"seconds": took}))


if __name__ == "__main__":
    main()
