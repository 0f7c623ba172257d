"""Film B by others: one ffmpeg graph of zoompan and xfade, and MoviePy 2. Knows nothing of how they are timed.

They get the same pictures, lengths, moves, crossfades and encoder settings, and the finished film's sound by stream copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path

from stories import FPS, HEIGHT, PICTURES, SECONDS, SHARED, WIDTH

MOVIEPY = "moviepy>=2.2,<3"
MOVES = (  # zoom from, to; where the window lies in the free room, across and down: from, to
    ((1.0, 1.25), (0.5, 0.5), (0.5, 0.5)),
    ((1.25, 1.0), (0.5, 0.5), (0.5, 0.5)),
    ((1.2, 1.2), (1.0, 0.0), (0.5, 0.5)),
    ((1.2, 1.2), (0.0, 1.0), (0.5, 0.5)),
    ((1.2, 1.2), (0.5, 0.5), (1.0, 0.0)),
    ((1.2, 1.2), (0.5, 0.5), (0.0, 1.0)),
)


def graph_args(stills: Path, sound: Path, encoder: list[str], supersampling: int, out: Path) -> list[str]:
    """One ffmpeg for the whole film. zoompan moves in whole pixels of its input; supersampling makes them finer."""
    inputs = [word for name in PICTURES for word in ("-f", "image2", "-i", str(stills / f"{name}.jpg"))]
    wide, tall, last = WIDTH * supersampling, HEIGHT * supersampling, SECONDS * FPS - 1
    steps = []
    for i, move in enumerate(MOVES):
        zoom, across, down = (f"({start}+{end - start:g}*on/{last})" for start, end in move)
        cover = f"scale={wide}:{tall}:force_original_aspect_ratio=increase,crop={wide}:{tall}"
        window = f"z='{zoom}':x='(iw-iw/zoom)*{across}':y='(ih-ih/zoom)*{down}'"
        steps.append(f"[{i}:v]{cover},zoompan={window}:d={last + 1}:s={WIDTH}x{HEIGHT}:fps={FPS},format=yuv420p[s{i}]")
    head = "[s0]"
    for i in range(1, len(MOVES)):
        offset = i * (SECONDS - SHARED / FPS)
        steps.append(f"{head}[s{i}]xfade=transition=fade:duration={SHARED / FPS}:offset={offset}[x{i}]")
        head = f"[x{i}]"
    mapped = ["-map", head, "-map", f"{len(MOVES)}:a", "-c:a", "copy"]
    return [*inputs, "-f", "mov", "-i", str(sound), "-filter_complex", ";".join(steps), *mapped, *encoder, "-f", "mp4", str(out)]


def moviepy(folder: Path) -> Path | None:
    """A Python with MoviePy in a throw-away environment; None where it cannot be installed."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MOVIEPY]
    return python if subprocess.run(command, check=False, capture_output=True).returncode == 0 else None


def moviepy_command(python: Path, stills: Path, sound: Path, encoder: list[str], out: Path) -> list[str]:
    """What that Python is told to make the film."""
    told = {
        "pictures": [str(stills / f"{name}.jpg") for name in PICTURES], "moves": MOVES, "size": [WIDTH, HEIGHT],
        "seconds": SECONDS, "shared": SHARED / FPS, "fps": FPS, "sound": str(sound), "encoder": encoder, "out": str(out),
    }
    return [str(python), str(Path(__file__).with_name("moviepy_film.py")), json.dumps(told)]
