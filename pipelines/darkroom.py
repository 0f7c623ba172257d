"""Opens people's pictures safely and turns them into planes of our own. Knows no film and no camera.

A picture is opened by Pillow (named formats, a pixel limit) in a child process with limits of its own, and only plain
Y, U and V planes come back: what somebody sent never reaches ffmpeg, and a file made to crash or fill a decoder takes
the child with it, not the studio.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .faces import Face, Finder, towards
from .vault import Notes, Part, Vault, digest
from .work import Cancelled, DiskFull, FilmError

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

VERSION = 6  # of opening a picture, and of finding where in it people look (faces.py, focus.py)
ALIKE = 0.02  # a picture whose shape differs less from the frame's is not cut: it is all the same where people look
# BT.709 Y'CbCr, limited range, to R'G'B'
LUMA, CHROMA = 255 / 219, 255 / 224
TO_RGB = (
    *(LUMA, 0.0, 1.5748 * CHROMA, -16 * LUMA - 128 * 1.5748 * CHROMA),
    *(LUMA, -0.187324 * CHROMA, -0.468124 * CHROMA, -16 * LUMA + 128 * (0.187324 + 0.468124) * CHROMA),
    *(LUMA, 1.8556 * CHROMA, 0.0, -16 * LUMA - 128 * 1.8556 * CHROMA),
)
# Memory that a picture leaves is used for the next one, not given back and asked for anew: each new page costs
THRIFT = "glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=268435456"
PATIENCE = 30.0  # seconds for one picture


@dataclass(frozen=True, slots=True)
class Negative:
    """A picture as planes: `size` is the upright original's, `width` and `height` are those of the Y plane.

    Y, then U and V at half the size; BT.709, limited range, chroma sited in the middle. `focus`: where in it people
    look, x and y from 0 to 1, where there are no `faces`.
    """

    path: Path
    size: tuple[int, int]
    width: int
    height: int
    focus: tuple[float, float] = (0.5, 0.5)
    faces: tuple[Face, ...] = ()

    def aim(self, frame: float) -> tuple[float, float]:
        """Where in it the middle of a frame of that shape (width by height) should be."""
        shape = frame / (self.size[0] / self.size[1])
        return towards(self.faces, (min(1.0, shape), min(1.0, 1 / shape))) if self.faces else self.focus

    def planes(self) -> tuple[NDArray[uint8], NDArray[uint8], NDArray[uint8]]:
        """Y (height, width), U and V (height / 2, width / 2), read as they are needed."""
        import numpy as np

        whole = np.memmap(self.path, np.uint8, "r")
        w, h = self.width, self.height
        edge, half = w * h, w * h // 4
        y, u, v = whole[:edge], whole[edge : edge + half], whole[edge + half : edge + 2 * half]
        return y.reshape(h, w), u.reshape(h // 2, w // 2), v.reshape(h // 2, w // 2)

    def rgb(self, most: int) -> NDArray[uint8]:
        """The picture as RGB bytes (height, width, 3), its longer side at most so many pixels."""
        import cv2
        import numpy as np

        scale = min(1.0, most / max(self.width, self.height))
        size = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        small = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in self.planes()]
        return np.asarray(cv2.transform(cv2.merge(small), np.array(TO_RGB).reshape(3, 4)), np.uint8)

    def save(self, out: Path) -> None:
        """The picture as an RGB PNG, for those who cannot use planes."""
        from PIL import Image

        planes = [Image.fromarray(plane) for plane in self.planes()]
        whole = [plane.resize((self.width, self.height), Image.Resampling.BILINEAR) for plane in planes]
        Image.merge("RGB", whole).convert("RGB", TO_RGB).save(out, "PNG", compress_level=1)


def negative(part: Part) -> Negative:
    """The negative that a finished part holds."""
    numbers = [int(str(part.notes[name])) for name in ("original_width", "original_height", "width", "height")]
    focus = float(str(part.notes["focus_x"])), float(str(part.notes["focus_y"]))
    faces = part.notes.get("faces", [])
    assert isinstance(faces, list)
    seen = tuple(Face(*(float(str(edge)) for edge in one)) for one in faces if isinstance(one, list))
    return Negative(part.path, (numbers[0], numbers[1]), numbers[2], numbers[3], focus, seen)


def expected(size: tuple[int, int], cover: tuple[int, int]) -> Negative:
    """What developing an upright picture of that size would give, but for its planes: there is no file."""
    from .darkroom_child import kept

    used, (width, height) = kept(size, cover)
    return Negative(Path(), used, width, height)


class Darkroom:
    """One child that develops pictures, started when first needed. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._begun: dict[tuple[Path, tuple[int, int]], Future[Part]] = {}
        self._pool = ThreadPoolExecutor(1)
        self._finder = Finder()
        self._reading = threading.Thread(target=self._finder.ready, name="faces")

    def __enter__(self) -> Darkroom:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ahead(self, pictures: Sequence[Path], cover: tuple[int, int], vault: Vault) -> None:
        """Begin with those pictures: whoever wants one developed later finds it, or waits for it."""
        if pictures and not self._reading.ident:  # while the child starts
            self._reading.start()
        for picture in dict.fromkeys(pictures):
            self._begun[picture, cover] = self._pool.submit(self._developed, picture, cover, vault)

    def develop(self, picture: Path, cover: tuple[int, int], vault: Vault) -> Part:
        """The picture's negative, at most large enough to cover `cover` (width, height) pixels.

        FilmError if it is no picture, damaged, too large or of a kind that is not read; no `where`.
        """
        begun = self._begun.get((picture, cover))
        return begun.result() if begun else self._developed(picture, cover, vault)

    def _developed(self, picture: Path, cover: tuple[int, int], vault: Vault) -> Part:
        def build(out: Path) -> Notes:
            notes = {"focus_x": 0.5, "focus_y": 0.5} | self._ask(picture, cover, out)
            return notes | self._looked(negative(Part(out, notes, False)), cover)

        return vault.make("negative", ".yuv", {"file": _content(picture), "cover": cover, "version": VERSION}, build)

    def _looked(self, seen: Negative, cover: tuple[int, int]) -> Notes:
        """Where people look: at faces, else at what stands out."""
        if abs(cover[0] / cover[1] / (seen.size[0] / seen.size[1]) - 1) < ALIKE:
            return {}
        from . import focus  # brings OpenCV: the child has the first picture meanwhile

        rgb = seen.rgb(focus.LOOKED)
        if faces := self._finder.faces(rgb[..., ::-1]):
            return {"faces": [[round(edge, 4) for edge in (one.left, one.top, one.right, one.bottom, one.sure)] for one in faces]}
        x, y = focus.focus(rgb)
        return {"focus_x": x, "focus_y": y}

    def cut(self, picture: Path, box: tuple[int, int], vault: Vault) -> Part:
        """The picture with its transparency, as large as fits `box` (width, height) pixels: rows of R, G, B, A, a byte each.

        -> notes: "width" and "height", both even. FilmError as from `develop`.
        """
        recipe = {"file": _content(picture), "box": box, "version": VERSION}
        return vault.make("cutting", ".rgba", recipe, lambda out: self._asked({"path": str(picture), "box": box, "out": str(out)}))

    def close(self) -> None:
        """End the child; no other is started."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        child = self._child
        if child:
            child.kill()  # whoever waits for its answer is let go
        with self._lock:
            self._end()
        self._pool.shutdown()
        if self._reading.ident:
            self._reading.join()

    def _ask(self, picture: Path, cover: tuple[int, int], out: Path) -> Notes:
        return self._asked({"path": str(picture), "cover": cover, "out": str(out)})

    def _asked(self, order: Mapping[str, object]) -> Notes:
        asked = json.dumps(order).encode() + b"\n"
        with self._lock:
            worn = self._child is not None
            answer = self._answer(asked)
            if not answer and worn:  # what ended the child may have been there before this picture
                answer = self._answer(asked)
        if not answer:
            raise FilmError("The picture could not be opened: it asks for too much memory or time.", "Save it anew as JPEG or PNG.")
        notes = json.loads(answer)
        if "full" in notes:
            raise DiskFull
        if "error" in notes:
            raise FilmError(notes["error"], notes["hint"])
        return dict(notes)

    def _answer(self, asked: bytes) -> bytes:
        """The child's line; empty if it ended instead."""
        if self._closed:
            raise Cancelled
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = _start()
        child = self._child
        assert child.stdin and child.stdout
        watch = threading.Timer(PATIENCE, child.kill)
        watch.start()
        answer = b""
        try:
            child.stdin.write(asked)
            child.stdin.flush()
            answer = child.stdout.readline()
        except BrokenPipeError:
            pass
        finally:
            watch.cancel()
            if not answer:  # also when we were interrupted: its answer must not be taken for that to the next picture
                self._end()
        return answer

    def _end(self) -> None:
        if self._child:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    with suppress(BrokenPipeError):
                        pipe.close()
            self._child = None


def _content(picture: Path) -> str:
    """The digest of the picture's file; FilmError if there is none that can be read."""
    if picture.exists() and not picture.is_file():  # a pipe would be waited for without end
        raise FilmError("That is not a file.", "Choose a picture.")
    try:
        return digest(picture)
    except FileNotFoundError as error:
        raise FilmError("The picture is not there any more.", "Put it back, or choose another.") from error
    except OSError as error:
        raise FilmError(f"The picture cannot be read: {error.strerror}.", "Allow reading it, or choose another.") from error


def _start() -> subprocess.Popen[bytes]:
    child = Path(__file__).with_name("darkroom_child.py")
    # -P: what lies beside that file must not shadow a module of Python's
    command = [sys.executable, "-P", str(child)]
    env = {"GLIBC_TUNABLES": THRIFT} | os.environ
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, process_group=0
    )
