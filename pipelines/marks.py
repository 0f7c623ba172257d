"""How films are marked, and what a film tells of itself: which of it was given, which was made, and by what.

Values only. Watermark: watermark.py. Content Credentials: credentials.py. Tag: tag.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .work import FilmError

# https://cv.iptc.org/newscodes/digitalsourcetype/
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
LEARNED = "trainedAlgorithmicMedia"  # made by a model that was trained
BY_RULE = "algorithmicMedia"  # made by rule, no training data
GIVEN = ""  # somebody brought it; where it comes from, we do not know
MIXED, MIXED_LEARNED = "composite", "compositeWithTrainedAlgorithmicMedia"
SYNTHETIC = {LEARNED, BY_RULE, MIXED_LEARNED}
NAMES = ("credentials", "watermark", "tag")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: PEM files, the chain with the signer's own certificate first. `folder`: where a self-made pair lies,
    or is made when it is first needed."""

    chain: Path
    key: Path
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """Which marks films get. Without an identity nothing is signed."""

    watermark: bool = True
    tag: bool = True
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """Something that somebody brought. `name` is ours: their file's name and place are nobody's business."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done: a C2PA action, said in words, `source` a term or empty, `given` a position or None."""

    action: str
    said: str
    source: str = GIVEN
    given: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """What a film tells of itself. `source`: the whole film's term. `made`: role -> who made it, for what nobody gave."""

    title: str
    source: str
    made: Mapping[str, str] = field(default_factory=dict)
    deeds: Sequence[Deed] = ()
    given: Sequence[Given] = ()
    how: str = ""  # where it was put together of videos in which anything may be

    @property
    def said(self) -> str:
        """In a sentence."""
        if self.how and not self.made:
            return f"Made of given videos: {self.how}."
        if not self.made:
            return "Nothing in it is synthetic but what was given may be: no model and no rule of ours made a part."
        return "Synthetic in it: " + "; ".join(f"{role} by {who}" for role, who in self.made.items()) + "."


def mixed(sources: Iterable[str]) -> str:
    """The term for what has parts of these terms; GIVEN is one of them."""
    every = set(sources)
    if len(every) < 2:
        return next(iter(every), GIVEN)
    return MIXED_LEARNED if every & {LEARNED, MIXED_LEARNED} else MIXED


def chosen(said: str) -> frozenset[str]:
    """The marks that a setting such as ``credentials, tag`` names; ``all`` and ``none`` too. FilmError for others."""
    names = {name.strip().lower() for name in said.split(",") if name.strip()}
    if names <= {"all"}:
        return frozenset(NAMES)
    if unknown := sorted(names - set(NAMES) - {"none"}):
        raise FilmError(f'There is no mark "{unknown[0][:40]}".', f"Use all, none, or some of {', '.join(NAMES)}.")
    return frozenset(names - {"none"})
