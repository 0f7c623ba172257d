"""Commands for what comes before a film: its storyboard, its pictures, its words. Each calls pipelines and tells."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from pipelines.work import FilmError

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


def style(args: argparse.Namespace) -> None:
    """One picture in a style, as large as it is."""
    from pipelines.restyle import Restyle, models, restyle
    from pipelines.terms import news

    how = Restyle(args.style, args.model, args.prompt, args.strength, args.seed)
    studio = settings.studio(settings.read())
    try:
        for one in news(models(how, studio), studio.vault):
            print(f"{one.message} {one.hint}", file=sys.stderr)
        for note in restyle(args.picture, how, studio, args.output):
            print(note, file=sys.stderr)
    finally:
        studio.crew.close()


def prompt(args: argparse.Namespace) -> None:
    """What a prompt tells and lacks; or the prompt as a language model would put it."""
    from pipelines import chat, helper

    own = settings.read()
    presets = settings.presets(own)
    if args.rewrite:
        written = chat.rewritten(args.prompt, settings.chat(own))
        print(json.dumps({"prompt": written}, ensure_ascii=False) if args.json else written)
        return
    found = helper.parts(args.prompt, presets)
    if args.json:
        print(json.dumps([dataclasses.asdict(part) for part in found], ensure_ascii=False, indent=1))
        return
    for part in found:
        print(f"{'ok ' if part.there else '-- '} {part.label:7} {', '.join(part.found) if part.there else part.what}")
        for phrase in part.add:
            print(f"              + {phrase}")


def story(args: argparse.Namespace) -> None:
    """A story about a topic, as a file that `render` reads."""
    from pipelines import chat
    from pipelines.story import plain
    from pipelines.vault import disk, replacing

    if args.output.suffix.lower() != ".json":
        raise FilmError(f'A story cannot be saved as "{args.output.name[-60:]}".', "Give a name that ends in .json.", args.output.name)
    own = settings.read()
    made = plain(chat.written(args.topic, args.scenes, settings.chat(own), settings.presets(own)))
    rows = [{key: value for key, value in row.items() if value not in ("", None)} for row in made["scenes"]]
    with disk():
        args.output.parent.mkdir(parents=True, exist_ok=True)
        with replacing(args.output) as fresh:
            fresh.write_text(json.dumps({"title": made["title"], "scenes": rows}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"{args.output}: {len(rows)} scene{'s' if len(rows) != 1 else ''}")
