"""The films that are measured, as plain stories: film B and longer ones of its kind. Knows nothing of how they are timed.

No two scenes up to MOST are alike (picture, move and words differ), so that no part is made once and used twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SECONDS, FPS, SHARED = 5, 24, 12  # of a scene; of the film; frames that neighbours share
WIDTH, HEIGHT = 1024, 576
PICTURES = ("snow-lake", "forest-brook", "dandelion-meadow", "tea-hills", "green-heron", "sea-sunset")
MOVES = (
    *("zoom in", "zoom out", "pan left", "pan right", "tilt up", "tilt down"),
    *("push in, pan left", "crane up", "orbit", "roll", "pull out, pan right", "handheld"),
)
PACES = ("", "slow ", "fast ")
SUBJECTS = ("The lake", "The brook", "The meadow", "The green hill", "The heron", "The sea")
DOES = ("lies still", "is waiting", "keeps its secret", "shines", "goes on", "holds the light")
WHEN = ("at dawn", "in the evening", "all day", "in the rain", "once again", "until night")
MOODS = ("calm", "hopeful")
MOST = len(PICTURES) * len(MOVES) * len(PACES)


def story(count: int, lines: dict[int, str] | None = None, moves: dict[int, str] | None = None) -> dict[str, Any]:
    """`count` scenes; `lines` and `moves` replace what those scenes (from 0) say and how the camera moves.

    Every third scene changes the mood. The sentences last less than the three seconds that a scene has for them.
    """
    if count > MOST:
        raise ValueError(f"{count} scenes would not all differ; {MOST} do")
    scenes = [
        {
            "scene_number": i + 1,
            "image": f"{PICTURES[i % 6]}.jpg",
            "narration": (lines or {}).get(i, _line(i)),
            "duration": SECONDS,
            "clip_action": (moves or {}).get(i, _move(i)),
            "music_mood": MOODS[i // 3 % 2],
        }
        for i in range(count)
    ]
    told = {"size": f"{WIDTH}x{HEIGHT}", "fps": FPS, "quality": "standard", "transition": "crossfade"}
    return {"title": f"{count} scenes", **told, "transition_seconds": SHARED / FPS, "scenes": scenes}


def sketched(prompts: Sequence[str]) -> dict[str, Any]:
    """Film B with the first of those prompts in place of its photographs."""
    said = story(len(PICTURES))
    for scene, prompt in zip(said["scenes"], prompts, strict=False):
        del scene["image"]
        scene["prompt"] = prompt
    return said


def frames(count: int) -> int:
    """How many frames such a film has."""
    return count * SECONDS * FPS - (count - 1) * SHARED


def _line(i: int) -> str:
    return f"{SUBJECTS[i % 6]} {DOES[i // 6 % 6]} {WHEN[(i + i // 36) % 6]}."


def _move(i: int) -> str:
    return PACES[i // 72] + MOVES[(i + i // 6) % len(MOVES)]
