"""Whether a picture or a video that somebody gave shows a face: looked at once for each content, whoever asks.

Knows no project and no door, and nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .darkroom import Darkroom, negative
from .faces import MODEL, SURE, Finder
from .footage import poster, survey
from .gate import is_video
from .vault import Notes, Vault

VERSION = 2
WIDE = 480  # pixels of what is looked at
SURER = 0.75  # enough where only one of a video's pictures shows one: a drawn lighthouse reached 0.68 in one of five
LOOKS = (0.0, 0.25, 0.5, 0.75, 0.95)  # shares of a video's time


class People:
    """Safe to use from any thread."""

    def __init__(self, vault: Vault) -> None:
        self._finder, self._vault = Finder(MODEL), vault

    def shown(self, file: Path, darkroom: Darkroom) -> bool:
        """Whether it shows a face; of a video a few pictures are looked at. FilmError if it is neither picture nor video."""
        sure = [each for picture in self._stills(file) if (each := self._likeness(picture, darkroom)) >= SURE]
        return len(sure) > 1 or (bool(sure) and (sure[0] >= SURER or not is_video(file)))

    def _stills(self, file: Path) -> Iterator[Path]:
        if not is_video(file):
            yield file
            return
        seconds = survey(file, 0.0, self._vault).left
        for share in LOOKS:
            yield poster(file, seconds * share, self._vault)

    def _likeness(self, picture: Path, darkroom: Darkroom) -> float:
        small = darkroom.develop(picture, (WIDE, 2), self._vault)

        def build(out: Path) -> Notes:
            out.write_text("looked", "utf-8")
            return {"likeness": round(self._finder.likeness(negative(small).rgb(WIDE)[..., ::-1]), 3)}

        told = self._vault.make("likeness", ".txt", [VERSION, small.key], build).notes
        return float(str(told["likeness"]))
