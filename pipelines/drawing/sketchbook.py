"""The sketch engines' common ground: a vocabulary, read when first needed, and scenes described with it.

Draws nothing and brings no heavy library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock

from ..presets import SHIPPED, vocabulary
from .reading import Lexicon
from .scene import Scene, describe
from .vocabulary import Word

LABEL = "Sketch, drawn by rule (no model)"
VERSION = 2
LISTED = 8  # words that a remark names


class Sketchbook:
    """Prompts to scenes. `words`: entries by name; those that ship with us if none are given."""

    def __init__(self, words: Mapping[str, Word] | None = None) -> None:
        self._given, self._lock = words, Lock()
        self._words: dict[str, Word] = {}
        self._lexicon: Lexicon | None = None

    def scene(self, prompt: str, seed: int) -> Scene:
        """The scene of a prompt; FilmError if the vocabulary cannot be read."""
        with self._lock:
            if self._lexicon is None:
                self._words = dict(self._given) if self._given is not None else vocabulary(SHIPPED)
                self._lexicon = Lexicon.of(self._words)
            lexicon = self._lexicon
        return describe(prompt, seed, self._words, lexicon)

    def recipe(self, prompt: str, seed: int) -> object:
        """Everything of a prompt that changes what is drawn: what its words mean, not how they are written."""
        return [VERSION, replace(self.scene(prompt, seed), unknown=())]

    def remarks(self, prompt: str) -> tuple[str, ...]:
        """What people should know of a prompt before it is drawn."""
        unknown = self.scene(prompt, 0).unknown
        said = ", ".join(f'"{word}"' for word in unknown[:LISTED]) + (" ..." if len(unknown) > LISTED else "")
        return (f"the sketch does not know {said}.",) if unknown else ()
