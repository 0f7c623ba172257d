"""The command line's verbs over given videos: their options. Parses; makes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Add = Callable[[str, str, str], argparse.ArgumentParser]


def add(verb: Add) -> None:
    """Each of them; `verb` makes a command of a name, what it is for, and the function that does it."""
    extend = _one(verb, "extend", "a video that goes on, from its exact last picture or before its first")
    extend.add_argument("--seconds", type=float, required=True, metavar="SECONDS", help="how much more")
    extend.add_argument("--prompt", default="", metavar="TEXT", help="camera words, such as pan left; the rest is for an engine")
    extend.add_argument("--backward", action="store_true", help="before its beginning")
    _engine(extend)

    fill = _one(verb, "fill", "more pictures between those that are there: frame rate, slow motion, lost pictures")
    fill.add_argument("--fps", type=float, metavar="NUMBER", help="pictures a second")
    fill.add_argument("--slow", type=float, default=1.0, metavar="TIMES", help="so many times as long")
    fill.add_argument("--mute", action="store_true", help="without its sound, which is stretched otherwise")
    fill.add_argument("--missing", action="store_true", help="draw anew what only repeats the picture before")

    blend = verb("blend", "two videos as one: the first turns into the second", "studio.verbs_videos:run")
    blend.add_argument("videos", nargs=2, type=Path, metavar="VIDEO")
    blend.add_argument("--seconds", type=float, default=1.0, metavar="SECONDS", help="in which both are seen")
    blend.add_argument("--curve", default="ease", metavar="NAME", help="ease, linear, early, late or mix")
    _usual(blend, "blend")

    loop = _one(verb, "loop", "a video that begins again without being noticed")
    loop.add_argument("--seam", default="normal", metavar="NAME", help="short, normal or long")

    recut = _one(verb, "recut", "parts of a video, and what is made anew around them")
    recut.add_argument("--keep", metavar="SECONDS", help="what is kept: 2-5, or several such as 0-2,6-8")
    recut.add_argument("--split", metavar="SECONDS", help="several videos instead: cut at these, such as 2,5.5")
    recut.add_argument("--seconds", type=float, metavar="SECONDS", help="as long as it shall be: the rest is made anew")
    recut.add_argument("--prompt", default="", metavar="TEXT", help="see extend")
    _engine(recut)

    edit = _one(verb, "edit", "a video made over: look, pace, direction, shape, words")
    edit.add_argument("--prompt", default="", metavar="TEXT", help='such as "black and white, slow motion, reverse"')
    edit.add_argument("--look", default="", metavar="NAME", help="see: presets looks")
    edit.add_argument("--strength", default="", metavar="NAME", help="how much of a look: subtle, mild or strong")
    edit.add_argument("--speed", type=float, default=1.0, metavar="TIMES", help="2 is twice as fast")
    edit.add_argument("--reverse", action="store_true", help="from its end to its beginning")
    edit.add_argument("--steady", action="store_true", help="a shaken video made steady")
    edit.add_argument("--crop", default="", metavar="W:H", help="its middle, in that shape")
    edit.add_argument("--narration", default="", metavar="TEXT", help="spoken over its own sound, which makes way")
    edit.add_argument("--voice", default="auto", metavar="NAME", help="who speaks")
    edit.add_argument("--captions", action="store_true", help="what is spoken is written into the picture too")
    edit.add_argument("--caption", default="", metavar="TEXT", help="written into the picture")
    edit.add_argument("--mute", action="store_true", help="without its own sound")


def _one(verb: Add, name: str, what: str) -> argparse.ArgumentParser:
    parser = verb(name, what, "studio.verbs_videos:run")
    parser.add_argument("videos", nargs=1, type=Path, metavar="VIDEO")
    _usual(parser, name)
    return parser


def _usual(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    parser.add_argument("--json", action="store_true", help="one event a line, as JSON")
    parser.set_defaults(name=name)


def _engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default="", metavar="NAME", help="a clip engine or model that goes on from the picture")
    parser.add_argument("--seed", type=int, default=0)
