"""Captions as WebVTT (.vtt), the form that browsers show. Knows no styles."""

from __future__ import annotations

from collections.abc import Sequence

from ..captions import clean
from ..timeline import Caption
from .srt import clock

suffix = ".vtt"


def write(captions: Sequence[Caption]) -> str:
    """The whole file: UTF-8 text with LF line ends; what was typed, escaped, without control characters."""
    cues = (f"{clock(c.start, '.')} --> {clock(c.end, '.')}\n{_text(c)}\n" for c in captions)
    return "\n".join(["WEBVTT\n", *cues])


def _text(caption: Caption) -> str:
    lines = (clean(line) for line in caption.text.split("\n"))
    return "\n".join(_escaped(line) for line in lines if line)


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
