"""Commands for what comes before a film: its storyboard, its pictures, its words. Each calls pipelines and tells."""

from __future__ import annotations

import argparse

from . import settings


def sheet(args: argparse.Namespace) -> None:
    """A story's storyboard."""
    from pipelines.board import sheet as make
    from pipelines.story_files import load

    studio = settings.studio(settings.read())
    try:
        story = load(args.story, studio.presets, args.pictures)
        for path in make(story, studio, args.output, columns=args.columns, paper=args.paper):
            print(path)
    finally:
        studio.crew.close()
