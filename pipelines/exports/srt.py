"""Captions as SubRip (.srt), the form that every player and every editor reads. Knows no styles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..captions import clean
from ..timeline import Caption

suffix = ".srt"
UNSEEN = "\u2060"
_TIME = re.compile(r"(?<=\d:\d\d)(?=[,.]\d)")


def write(captions: Sequence[Caption]) -> str:
    """The whole file: UTF-8 text with LF line ends; what was typed, without markup or control characters."""
    cues = (f"{i}\n{clock(c.start)} --> {clock(c.end)}\n{_text(c)}\n" for i, c in enumerate(captions, 1))
    return "\n".join(cues)


def clock(seconds: float, point: str = ",") -> str:
    """`01:02:03,004`"""
    whole, milli = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milli:03}"


def _text(caption: Caption) -> str:
    lines = (clean(line) for line in caption.text.split("\n"))
    # SubRip has no escapes; an unseen character keeps typed arrows and times from reading as a line of times.
    return "\n".join(_TIME.sub(UNSEEN, line.replace("-->", f"--{UNSEEN}>")) for line in lines if line)
