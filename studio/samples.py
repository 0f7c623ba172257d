"""What a page shows and plays before a film is made: thumbnails, stills, moves, voices, moods. Knows no page.

Each is a part of the vault, so it is made once; all of them together hold one child that opens pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines import preview
from pipelines.darkroom import Darkroom
from pipelines.moves import MAX_DURATION
from pipelines.people import People
from pipelines.plan import Frame
from pipelines.render import Studio
from pipelines.story import Story
from pipelines.vault import Part
from pipelines.work import FilmError

from . import consent
from .shelf import Document

THUMB, STILL = 480, 720  # pixels wide


class Samples:
    """Safe to use from any thread."""

    def __init__(self, studio: Studio, people: People) -> None:
        self.studio, self._people = studio, people
        self._darkroom = Darkroom()

    def thumb(self, document: Document, kept: str) -> str:
        """The shown name of a small version of one of the project's pictures; FilmError if it is none."""
        return document.show(self._small(document, kept).path, f"{Path(kept).stem}.jpg")

    def look(self, document: Document, kept: Iterable[str]) -> bool:
        """Notes which of these pictures and videos of the project show a face. -> whether any was found that was not known."""
        return consent.look(document, kept, self._people, self._darkroom)

    def still(self, story: Story, i: int) -> Path:
        """A JPEG of scene i as the film will show it."""
        return preview.still(story, i, self.studio, self._darkroom, STILL).path

    def voice(self, voice: str, text: str) -> Path:
        """That voice, speaking; a file that a browser plays."""
        return preview.voice_sample(voice, text, self.studio).path

    def mood(self, mood: str, composer: str = "auto") -> Path:
        """Some seconds of that mood; a file that a browser plays."""
        return preview.music_sample(mood, composer, self.studio).path

    def motion(self, document: Document, kept: str, action: str, seconds: float | None, shape: Frame, fit: str, seed: int) -> preview.Motion:
        """How a picture of the project moves under those words: see preview.motion."""
        part = self._small(document, kept)
        size = (int(str(part.notes["width"])), int(str(part.notes["height"])))
        return preview.motion(action, seconds or MAX_DURATION, size, shape, fit, seed, self.studio.presets, focus=preview.aim(part, shape))

    def close(self) -> None:
        self._darkroom.close()

    def _small(self, document: Document, kept: str) -> Part:
        picture = document.kept(kept)
        if picture is None:
            raise FilmError("The picture is not there any more.", "Put it back, or choose another.")
        return preview.thumb(picture, self._darkroom, self.studio.vault, THUMB)

