"""Renders one story several times in one process and tells how long each took and how much memory it held at most.

Knows nothing of what is compared with what. -> one JSON object on stdout.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from pipelines.events import Event, Made, Warned
from pipelines.render import render
from pipelines.story_files import load
from studio import settings

UNIT = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in, bytes


def main() -> None:
    """once.py STORY PICTURES FILM TIMES"""
    story, pictures, film, times = (*map(Path, sys.argv[1:4]), int(sys.argv[4]))
    studio = settings.studio(settings.read())
    seconds, made, found, frames = [], [], [], 0
    for _ in range(times):
        heard: list[Event] = []
        start = time.perf_counter()
        done = render(load(story, studio.presets, pictures), studio, heard.append, film)
        seconds.append(time.perf_counter() - start)
        made.append(sum(isinstance(event, Made) and not event.reused for event in heard))
        found.append(sum(isinstance(event, Made) and event.reused for event in heard))
        frames = done.timeline.frames
        if warned := [event.message for event in heard if isinstance(event, Warned)]:
            print("\n".join(warned), file=sys.stderr)
    studio.crew.close()
    own, child = (getrusage(who).ru_maxrss * UNIT for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "made": made, "found": found, "frames": frames, "own": own, "child": child}))


if __name__ == "__main__":
    main()
