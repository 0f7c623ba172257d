"""What the commands over given videos do: each asks the verb of its name in pipelines and tells how it went."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from itertools import pairwise
from typing import Any

from pipelines.events import Warned
from pipelines.terms import news
from pipelines.verbs.table import VERBS, asked, models
from pipelines.work import FilmError

from . import settings
from .terminal import watching


def run(args: argparse.Namespace) -> None:
    """The command's verb, with its options by their names."""
    own = settings.read()
    studio = settings.studio(own)
    told = {field.name: getattr(args, field.name) for field in fields(VERBS[args.name].options)}
    outs = [(args.output, told)]
    if split := getattr(args, "split", None):
        outs = _split(args, split, told)
    elif args.name == "recut" and not told["keep"]:
        raise FilmError("Nothing is kept.", "Give --keep 2-5, or --split 2,5.", "keep")
    try:
        for n, (out, each) in enumerate(outs, 1):
            verb, how = asked(args.name, each)
            with watching(args.json, f"{n} of {len(outs)}" if len(outs) > 1 else "") as watcher:
                for one in news(models(verb, how, studio), studio.vault):
                    watcher.hear(one)
                cut = verb.does(args.videos, how, studio, out, watcher.tick)
                for note in cut.notes:
                    watcher.hear(Warned(note))
                watcher.done(cut.path, round(cut.seconds, 3), cut.how)
        settings.sweep(own, studio.vault)
    finally:
        studio.crew.close()


def _split(args: argparse.Namespace, split: str, told: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """A part for each stretch between the cuts, beside one another: film-1.mp4, film-2.mp4, ..."""
    if told["keep"] or told["seconds"]:
        raise FilmError("--split makes several videos; --keep and --seconds make one.", "Give one of them.")
    if not re.fullmatch(r"\d{1,5}(\.\d{1,6})?(,\d{1,5}(\.\d{1,6})?){0,30}", split.replace(" ", "")):
        raise FilmError(f'--split: "{split[:40]}" does not fit.', "Give seconds such as 2,5.5.", "split")
    from pipelines.verbs.recut import ends

    at = sorted({float(one) for one in split.split(",")})
    whole = ends(args.videos[0], settings.studio(settings.read()))
    edges = [0.0, *(one for one in at if 0 < one < whole), whole]
    return [
        (args.output.with_stem(f"{args.output.stem}-{i}"), told | {"keep": ((start, end),)})
        for i, (start, end) in enumerate(pairwise(edges), 1)
    ]
