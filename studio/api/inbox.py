"""What callers send: pictures in folders of their own, and single pictures and videos by content. Makes no film.

No name that somebody sent is ever used as it came, and a file's kind is what its first bytes say.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import unicodedata
from pathlib import Path
from typing import BinaryIO

from pipelines.story_cells import PICTURE_BYTES
from pipelines.story_pictures import natural, picture_names
from pipelines.vault import disk, replacing
from pipelines.video import demuxer
from pipelines.work import FilmError

from ..settings import DAY
from .refusals import Refusal, absent, bad

FOLDERS = re.compile(r"[A-Za-z0-9_-]{1,64}")
PICTURE_IDS = re.compile(r"[0-9a-f]{40}\.(?:jpg|png|webp|gif|bmp|tif|avif)")
MOST_PICTURES = 500
MOST_FOLDERS = 1000
MOST_BYTES = 4 << 30  # of one owner's folders and single files
SWEPT = 3600.0  # seconds between two sweeps
VIDEOS = {"mov": ".mp4", "matroska": ".mkv", "avi": ".avi", "mpegts": ".ts"}


class Inbox:
    """One data folder's."""

    def __init__(self, data: Path, media_root: Path | None, days: float = 60.0) -> None:
        self._folders, self._files = data / "folders", data / "inbox"
        self._media = media_root
        self._days, self._swept = days, 0.0

    def folder(self, owner: str, name: str, trusted: bool) -> Path:
        """A folder of pictures: the owner's own, else one of the media root; the same refusal for every other."""
        checked(name)
        own = self._folders / _short(owner) / name
        if own.is_dir():
            return own
        if trusted and self._media is not None:
            root = os.path.realpath(self._media)
            found = os.path.realpath(os.path.join(root, name))
            if os.path.isdir(found) and os.path.commonpath((root, found)) == root:
                return Path(found)
        raise absent("folder")

    def put(self, owner: str, name: str, file: BinaryIO, given: str) -> str:
        """Keep a picture in the owner's folder, which is made if it is not there. -> the name it has there."""
        own = self._folders / _short(owner)
        folder = own / checked(name)
        suffix = _picture_suffix(file, given)
        if not folder.is_dir() and own.is_dir() and sum(1 for _ in own.iterdir()) >= MOST_FOLDERS:
            raise bad(f"There are {MOST_FOLDERS} folders already.", "folder_id")
        kept = _name(given) + suffix
        if folder.is_dir() and not (folder / kept).exists() and len(picture_names(folder)) >= MOST_PICTURES:
            raise bad(f"The folder has {MOST_PICTURES} pictures already.", "files")
        self._room(owner)
        _copy(file, folder / kept, PICTURE_BYTES)
        return kept

    def names(self, folder: Path) -> list[str]:
        return sorted(picture_names(folder), key=natural)

    def keep_picture(self, owner: str, file: BinaryIO, given: str = "picture") -> Path:
        """A single picture, under the name that its content gives it."""
        return self._keep(owner, file, _picture_suffix(file, given), PICTURE_BYTES)

    def picture(self, owner: str, name: str) -> Path:
        """A single picture that the owner sent before, by that name."""
        path = self._files / _short(owner) / name
        if not PICTURE_IDS.fullmatch(name) or not path.is_file():
            raise absent("picture")
        os.utime(path)
        return path

    def keep_video(self, owner: str, file: BinaryIO, most: int) -> Path:
        """A single video."""
        kept = self._keep(owner, file, ".video", most)
        try:
            suffix = VIDEOS[demuxer(kept)]
        except FilmError as error:
            kept.unlink(missing_ok=True)
            raise Refusal(400, "invalid_video", "That is not a video that can be read.", error.hint, "video") from error
        named = kept.with_suffix(suffix)
        os.replace(kept, named)
        return named

    def shelf(self, owner: str, name: str) -> Path:
        """A folder of the owner for things of one kind; `name` is ours."""
        folder = self._files / _short(owner) / name
        with disk():
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sweep(self, older_than: float) -> None:
        """Let go of what nobody touched for so many seconds."""
        end = time.time() - older_than
        for path in [*self._files.glob("*/*"), *self._folders.glob("*/*/*")]:
            if path.is_file() and path.stat().st_mtime < end:
                path.unlink(missing_ok=True)

    def _keep(self, owner: str, file: BinaryIO, suffix: str, most: int) -> Path:
        file.seek(0)
        told = hashlib.sha256()
        while block := file.read(1 << 20):
            told.update(block)
        name = told.hexdigest()[:40] + suffix
        path = self._files / _short(owner) / name
        if path.is_file():
            os.utime(path)
            return path
        self._room(owner)
        _copy(file, path, most)
        return path

    def _room(self, owner: str) -> None:
        if time.monotonic() - self._swept > SWEPT or not self._swept:
            self._swept = time.monotonic()
            self.sweep(self._days * DAY)
        used = sum(path.stat().st_size for root in (self._folders, self._files) for path in (root / _short(owner)).rglob("*") if path.is_file())
        if used > MOST_BYTES:
            raise Refusal(413, "too_large", f"{MOST_BYTES >> 30} GB are kept already.", "Wait until old files are cleared away.")


def checked(name: str) -> str:
    """A folder's name as it may be used; refused before any path is made of it."""
    if not FOLDERS.fullmatch(name):
        raise bad("That is not the name of a folder.", "folder_id", "Use 1 to 64 letters, digits, _ and -.")
    return name


def _short(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()[:32]


def _name(given: str) -> str:
    """A stem of our own that keeps the letters and numbers that were given."""
    stem = os.path.splitext(os.path.basename(given.replace("\\", "/")))[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:80] or hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:12]


def _picture_suffix(file: BinaryIO, given: str) -> str:
    file.seek(0)
    head = file.read(32)
    file.seek(0)
    if not head:
        raise Refusal(400, "invalid_image", f'"{_shown(given)}" is empty.', "Send it again.", "files")
    if head.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return ".gif"
    if head[:2] == b"BM":
        return ".bmp"
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        return ".tif"
    if head[4:8] == b"ftyp" and b"avi" in head[8:32]:
        return ".avif"
    raise Refusal(400, "invalid_image", f'"{_shown(given)}" is not a picture that can be read.', "Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.", "files")


def _shown(given: str) -> str:
    return re.sub(r"[^\w. -]", "", given)[-60:] or "The file"


def _copy(file: BinaryIO, path: Path, most: int) -> None:
    """Whole or not at all."""
    file.seek(0, os.SEEK_END)
    if file.tell() > most:
        raise Refusal(413, "too_large", f"A file has more than {most // 2**20} MB.", "Send a smaller one.", "files")
    file.seek(0)
    with disk():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside, beside.open("wb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
