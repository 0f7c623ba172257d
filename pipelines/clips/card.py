"""Title cards and credits: words in our fonts on a ground of one colour, or over the scene's picture, live.

Knows its shot and nothing of the film. What stands where is in _letterpress.py.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ..plan import Card, Shot
from ..work import FilmError
from ._letterpress import LONGEST_SHEET, OPEN, Sheet, listed, pressed, titled

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray

    from ..darkroom import Negative
    from ..film import Footage

    Bytes = NDArray[uint8]

REMEMBERED = 6  # sheets: a transition needs two, and neighbours come again
RISES = 0.7  # seconds in which the words come up
INK, PAPER = 232, 128  # of the letters: luma, both chromas
RULED = (178, 96, 150)  # of the rule between heading and lines
DARK, PALE = 0.4, 0.8  # what is left of a picture's luma and chroma behind words
EDGE = 0.1  # of the open part of the frame, in which rolling credits come and go
MIDDLE = 0.47  # of the frame's height: where the eye takes the middle to be
# The ground's colours, R'G'B' 0..1 at its lightest.
TONES = ((0.13, 0.17, 0.25), (0.17, 0.16, 0.17), (0.11, 0.2, 0.2), (0.22, 0.14, 0.17), (0.2, 0.16, 0.12), (0.16, 0.14, 0.24))


@dataclass(frozen=True, slots=True)
class _Words:
    """The set sheet as light, (rows, width); where its first row is at the beginning and the end, in rows of the frame."""

    light: Bytes
    start: float
    end: float
    rule: tuple[int, int, int] | None  # middle row, half its width, half its height


class Engine:
    """See crew.LiveEngine."""

    label = "Cards in letters"
    version = 2
    rank = -1  # nobody's choice but a card's
    online = False
    source = ""  # it only sets the words that it is given
    live = True
    wants_picture = False

    def __init__(self) -> None:
        self._set: OrderedDict[object, _Words] = OrderedDict()
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """It needs nothing but the base set."""
        return None

    def recipe(self, shot: Shot) -> object:
        """What it says, the frame, how long, and the camera's numbers for the picture behind."""
        said = _card(shot)
        moves = [shot.camera.numbers, shot.fit, shot.seed if shot.camera.shakes else None]
        return [self.version, said.kind, said.heading, said.lines, said.tone, shot.frames, shot.frame, moves]

    def footage(self, shot: Shot, negative: Negative | None) -> Footage:
        """The shot ready to be drawn."""
        words = self._words(_card(shot), shot)
        return _Footage(shot, words, _picture(shot, negative) if negative else None, _card(shot).tone)

    def _words(self, card: Card, shot: Shot) -> _Words:
        """Set once: body and transitions show the same."""
        wanted = (card, shot.frame.width, shot.frame.height)
        with self._lock:
            if wanted not in self._set:
                self._set[wanted] = _printed(card, shot.frame.width, shot.frame.height)
                while len(self._set) > REMEMBERED:
                    self._set.popitem(last=False)
            self._set.move_to_end(wanted)
            return self._set[wanted]


def _card(shot: Shot) -> Card:
    """What is written; of a shot that is not said to be a card, its prompt."""
    return shot.card or Card("title", " ".join(shot.prompt.split()), ())


def _printed(card: Card, wide: int, high: int) -> _Words:
    sheet: Sheet = listed(card, wide, high) if card.kind == "credits" else titled(card, wide, high)
    tall = ceil(sheet.height)
    if tall > LONGEST_SHEET:
        raise FilmError("The credits are too long for one card.", "Make two of them.")
    if tall <= OPEN * high:
        top = max((high - tall) / 2 - (0.5 - MIDDLE) * high, (1 - OPEN) / 2 * high)
        light = pressed(sheet, wide, high, top)
        half = max(1, round(min(wide, high) * 0.0015))
        rule = None if sheet.rule is None else (round(top + sheet.rule), round(min(wide, high) * 0.07), half)
        return _Words(light, 0.0, 0.0, rule)
    margin = round(min(wide, high) * 0.02)
    light = pressed(sheet, wide, tall + 2 * margin, margin)
    return _Words(light, high * 0.62, high * 0.5 - tall, None)


def _picture(shot: Shot, negative: Negative) -> Footage:
    """The camera over the scene's picture."""

    from ._canvas import Footage, composed, paths, placed
    from ._lens import Lens, stands

    path, moves = paths(shot, negative)
    first, steps = stands(moves)
    size = (shot.frame.width, shot.frame.height)
    lens = Lens.ground(composed(shot, negative), placed(shot, negative)[0], size, first, steps, None)
    return Footage(lens, path, moves)


@dataclass(frozen=True, slots=True)
class _Footage:
    """See film.Footage."""

    shot: Shot
    words: _Words
    behind: Footage | None
    tone: int

    def frames(self, start: int, count: int) -> Iterator[NDArray[uint8]]:
        """I420, shape (height * 3 / 2, width); each is valid until the next is asked for."""
        import cv2
        import numpy as np

        wide, high = self.shot.frame.width, self.shot.frame.height
        grounds = self.behind.frames(start, count) if self.behind else None
        plain = None if grounds else _ground(self.tone, wide, high)
        darker = np.clip(16 + (np.arange(256) - 16) * DARK, 16, 235).astype(np.uint8)
        paler = np.clip(128 + (np.arange(256) - 128) * PALE, 16, 240).astype(np.uint8)
        out = np.empty((high * 3 // 2, wide), np.uint8)
        drawn: object = None
        for k in range(start, start + count):
            there = min(1.0, self.shot.frame.seconds(k + 1) / RISES)
            top = self.words.start + (self.words.end - self.words.start) * k / max(1, self.shot.frames - 1)
            if grounds is not None:
                seen = next(grounds)
                cv2.LUT(seen[:high], darker, out[:high])
                cv2.LUT(seen[high:], paler, out[high:])
            elif plain is not None and drawn != (there, top):
                out[:] = plain
            if grounds is not None or drawn != (there, top):
                self._ink(out, there, top)
            drawn = (there, top)
            yield out

    def _ink(self, out: Bytes, there: float, top: float) -> None:
        """The words over the frame: `there` of them, the sheet's first row at `top`."""
        import cv2
        import numpy as np

        wide, high = self.shot.frame.width, self.shot.frame.height
        words = self.words
        rolls = words.start != words.end
        eased = 1.0 if rolls else there * there * (3 - 2 * there)
        light = words.light.astype(np.float32) * np.float32(eased / 255) if not rolls else _window(words.light, top, high)
        rows = np.flatnonzero(light.max(axis=1) > 0)
        if rows.size:
            first, last = int(rows[0]) // 2 * 2, min(high, (int(rows[-1]) + 2) // 2 * 2)
            _laid(out[first:last], light[first:last], INK)
            quarter = np.asarray(cv2.resize(light[first:last], (wide // 2, (last - first) // 2), interpolation=cv2.INTER_AREA), np.float32)
            for plane in _chroma(out, wide, high):
                _laid(plane[first // 2 : last // 2], quarter, PAPER)
        if words.rule:
            row, half, thick = words.rule
            grown = round(half * eased)
            across = slice((wide // 2 - grown) // 2 * 2, (wide // 2 + grown) // 2 * 2)
            out[row - thick : row + thick, across] = RULED[0]
            for plane, value in zip(_chroma(out, wide, high), RULED[1:], strict=True):
                plane[(row - thick) // 2 : (row + thick + 1) // 2, across.start // 2 : across.stop // 2] = value


def _chroma(out: Bytes, wide: int, high: int) -> tuple[Bytes, Bytes]:
    """U and V of an I420 frame, as views."""
    flat = out.reshape(-1)
    size, quarter = wide * high, wide * high // 4
    u, v = flat[size : size + quarter], flat[size + quarter : size + 2 * quarter]
    return u.reshape(high // 2, wide // 2), v.reshape(high // 2, wide // 2)


def _laid(plane: Bytes, light: NDArray[float32], value: int) -> None:
    """A colour over a plane, as much of it as the light says."""
    plane[:] = (plane + (value - plane.astype("f4")) * light + 0.5).astype("u1")


def _window(light: Bytes, top: float, high: int) -> NDArray[float32]:
    """The rows of a rolling sheet that the frame shows, between two rows where it stands between them; soft at its edges."""
    import numpy as np

    rows, wide = light.shape
    shown = np.zeros((high, wide), np.float32)
    low, high_row = round(high * (1 - OPEN) / 2), round(high * (1 + OPEN) / 2)
    at = np.arange(low, high_row) - top
    keep = (at >= 0) & (at < rows - 1)
    if keep.any():
        whole = int(np.floor(at[keep][0]))
        rest = np.float32(at[keep][0] - whole)
        n = int(keep.sum())
        n = min(n, rows - 1 - whole)
        begin = low + int(np.flatnonzero(keep)[0])
        part = light[whole : whole + n + 1].astype(np.float32)
        shown[begin : begin + n] = (part[:-1] * (1 - rest) + part[1:] * rest) / np.float32(255)
    span = high_row - low
    ramp = np.clip(np.minimum(np.arange(span), np.arange(span)[::-1]) / (EDGE * span), 0, 1).astype(np.float32)
    shown[low:high_row] *= ramp[:, None]
    return shown


def _ground(tone: int, wide: int, high: int) -> Bytes:
    """One colour, lighter in the middle, with so little noise that no steps are seen."""
    import numpy as np

    red, green, blue = TONES[tone % len(TONES)]
    drawn = np.random.default_rng(7)
    planes = []
    for part, (w, h) in enumerate(((wide, high), (wide // 2, high // 2), (wide // 2, high // 2))):
        y, x = np.mgrid[0:h, 0:w].astype(np.float32)
        far = ((x / w - 0.5) ** 2 + ((y / h - 0.44) * 0.9) ** 2) * 2.6
        light = np.clip(1.0 - far, 0.25, 1.0)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        value = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)[part]
        base = 16 if part == 0 else 128
        noise = drawn.random((h, w), np.float32)
        planes.append(np.floor(base + (value - base) * light + noise).clip(16, 235).astype(np.uint8).reshape(-1))
    return np.concatenate(planes).reshape(high * 3 // 2, wide)
