"""Commands for what comes before a film: its storyboard, its pictures, its words. Each calls pipelines and tells."""

from __future__ import annotations

import argparse
from contextlib import closing

from pipelines.work import FilmError

from . import settings

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
LARGEST = (8192, 8192)  # pixels: no picture is larger than it was given


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


def style(args: argparse.Namespace) -> None:
    """One picture in a style, as large as it is."""
    from PIL import Image

    from pipelines.album import styled
    from pipelines.darkroom import Darkroom, negative
    from pipelines.vault import disk, replacing

    if (suffix := args.output.suffix.lower()) not in PICTURES:
        raise FilmError(f'A picture cannot be saved as "{suffix}".', f"Use {' or '.join(PICTURES)}.", args.output.name)
    studio = settings.studio(settings.read())
    name = args.style.strip().lower().replace(" ", "_").replace("-", "_")
    studio.presets.pick("styles", name)
    with closing(Darkroom()) as darkroom:
        drawn = negative(styled(darkroom.develop(args.picture, LARGEST, studio.vault), name, studio.presets, studio.vault))
    with disk():
        args.output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(args.output) as fresh:
            Image.fromarray(drawn.rgb(max(LARGEST))).save(fresh, PICTURES[suffix], quality=93)
