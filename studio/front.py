"""For scripts: `from studio.front import generate, extend, restyle, upscale`, and the film they return; no server is needed.

Settings are those of the command line (REELWRIGHT_..., .env). FilmError says what is wrong, and the remedy.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from pipelines.events import Event, Warned
from pipelines.moves import said_in
from pipelines.presets import Model
from pipelines.render import Studio, render
from pipelines.story import read as read_story
from pipelines.terms import news
from pipelines.vault import disk
from pipelines.verbs.cutting import Cut
from pipelines.verbs.edit import Edit, edit
from pipelines.verbs.extend import Extend
from pipelines.verbs.extend import extend as go_on
from pipelines.verbs.table import VERBS, models
from pipelines.video import demuxer, place
from pipelines.work import FilmError

from . import settings
from .verbs import paced

Given = str | PathLike[str] | BinaryIO
ANY_MODEL = re.compile(r"(|auto|sora\b.*)", re.I)  # names that mean: whatever is best here
LINES = {"4k": 2160, "2k": 1440, "hd": 720, "full hd": 1080, "sd": 480}
LEAST, MOST = 64, 4320  # lines


@dataclass(frozen=True)
class Film:
    """A finished film: its file at `path` for as long as this value is kept, or for good after `save`."""

    path: Path
    seconds: float
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        weakref.finalize(self, shutil.rmtree, self.path.parent, True)

    @property
    def video(self) -> bytes:
        """The MP4's bytes."""
        return self.path.read_bytes()

    def save(self, path: str | PathLike[str]) -> Path:
        """The film under another name, whole or not at all. -> where it is."""
        with disk():
            place(self.path, Path(path))
        return Path(path)


def generate(
    model: str = "auto",
    prompt: str = "",
    duration: float = 8.0,
    resolution: str = "720p",
    aspect_ratio: str = "16:9",
    style: str = "",
    input_file: Given | None = None,
    motion_intensity: float = 0.5,
    seed: int = 0,
    strength: str = "",
) -> Film:
    """A film of `duration` seconds from a prompt, and a picture to begin with if `input_file` is one.

    A video as `input_file` is made over instead, as prompt and style say, by the model if one is named, as far as
    `strength` says (subtle, mild, strong); its length and size stay. `model`: a clip engine or a model by name; "auto" or
    "sora": the best there is. `style`: a look. `motion_intensity`: 0 to 1.
    """
    own = settings.studio(settings.read())
    notes: list[str] = []
    out = Path(tempfile.mkdtemp(prefix="reelwright-")) / "film.mp4"
    look = style.strip().lower().replace(" ", "_")
    if look and look not in own.presets.looks:
        notes.append(f'There is no look called "{style}": it is only told to a model.')
        prompt, look = f"{prompt}, {style}".strip(", "), ""
    try:
        with _file(input_file) as given:
            if given and _is_video(given):
                asked = _engine(model)
                how = Edit(prompt, look=look, strength=strength, engine="" if asked == "auto" else asked, seed=seed)
                notes += _terms(models(VERBS["edit"], how, own), own)
                cut = edit([given], how, own, out)
                return Film(cut.path, cut.seconds, (*notes, *cut.notes))
            action = paced(said_in(prompt) or "auto", motion_intensity, "motion_intensity")
            scene = {"prompt": prompt, "duration": duration, "engine": _engine(model), "clip_action": action, "image": given}
            told = {"title": prompt[:100] or "Untitled", "scenes": [scene], "size": _size(resolution, aspect_ratio), "seed": seed}
            story = read_story(told | {"look": look or "none", "music": "none", "captions": "none"}, own.presets)

            def heard(event: Event) -> None:
                if isinstance(event, Warned):
                    notes.append(event.message)

            made = render(story, own, heard, out)
            return Film(made.path, made.timeline.seconds, tuple(notes))
    except BaseException:
        shutil.rmtree(out.parent, ignore_errors=True)
        raise
    finally:
        own.crew.close()


def extend(
    model: str = "auto",
    input_file: Given | None = None,
    duration_extension: float = 4.0,
    prompt_continuation: str = "",
    backward: bool = False,
    seed: int = 0,
) -> Film:
    """The video and `duration_extension` seconds more, from its exact last picture (`backward`: before its first)."""
    if input_file is None:
        raise FilmError("input_file is missing.", "Give a video: its path, or an open file.", "input_file")
    engine = _engine(model)
    how = Extend(duration_extension, prompt_continuation, backward, "" if engine == "auto" else engine, seed)
    return _cut(input_file, lambda given, own, out: go_on([given], how, own, out), lambda own: models(VERBS["extend"], how, own))


def restyle(
    input_file: Given,
    output: str | PathLike[str],
    style: str,
    model: str = "",
    prompt: str = "",
    strength: str = "",
    seed: int = 0,
) -> tuple[str, ...]:
    """A picture in a picture style as a new PNG or JPEG at `output`. With a `model`, a painter's name or "auto", that one
    draws it anew, as `prompt` and style say and as far as `strength` does. -> what should be known of it."""
    from pipelines.restyle import Restyle
    from pipelines.restyle import models as used
    from pipelines.restyle import restyle as make

    own = settings.studio(settings.read())
    try:
        with _file(input_file) as given:
            assert given is not None
            how = Restyle(style, model, prompt, strength, seed)
            return (*_terms(used(how, own), own), *make(given, how, own, Path(output)))
    finally:
        own.crew.close()


def upscale(input_file: Given, size: str = "1920x1080", model: str = "auto", prompt: str = "", seed: int = 0) -> Film:
    """A video as large as fits into `size`, drawn anew by an upscaler model; its pace and its sound stay."""
    from pipelines.story import pixels
    from pipelines.verbs.enlarge import Enlarge, enlarge, enlarger

    def make(given: Path, own: Studio, out: Path) -> Cut:
        return enlarge(given, Enlarge(pixels(size, own.presets), model, prompt, seed), own, out)

    return _cut(input_file, make, lambda own: {"model": enlarger(own, model).model})


def _terms(used: Mapping[str, Model], own: Studio) -> list[str]:
    return [one.message for one in news(used, own.vault)]


def _cut(input_file: Given, make: Callable[[Path, Studio, Path], Cut], used: Callable[[Studio], Mapping[str, Model]]) -> Film:
    """What a verb makes of a given video; used: the model that it asks, as terms.news takes it."""
    own = settings.studio(settings.read())
    out = Path(tempfile.mkdtemp(prefix="reelwright-")) / "film.mp4"
    try:
        with _file(input_file) as given:
            assert given is not None
            said = _terms(used(own), own)
            cut = make(given, own, out)
            return Film(cut.path, cut.seconds, (*said, *cut.notes))
    except BaseException:
        shutil.rmtree(out.parent, ignore_errors=True)
        raise
    finally:
        own.crew.close()


@contextmanager
def _file(given: Given | None) -> Iterator[Path | None]:
    """What was given, as a file; what an open one holds from where it stands is copied."""
    if given is None or isinstance(given, str | PathLike):
        yield None if given is None else Path(given).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="reelwright-") as folder:
        path = Path(folder) / "given"
        with path.open("wb") as copy:
            shutil.copyfileobj(given, copy)
        yield path


def _is_video(path: Path) -> bool:
    try:
        return bool(demuxer(path))
    except FilmError:
        return False


def _engine(model: str) -> str:
    return "auto" if ANY_MODEL.fullmatch(model.strip()) else model.strip()


def _size(resolution: str, aspect_ratio: str) -> str:
    """The frame whose shorter side has the resolution's lines."""
    if re.fullmatch(r"\d{2,5}x\d{2,5}", resolution.strip()):
        return resolution.strip()
    found = re.fullmatch(r"(\d{2,4})p?", resolution.strip().lower())
    lines = int(found[1]) if found else LINES.get(resolution.strip().lower(), 0)
    if not LEAST <= lines <= MOST:
        raise FilmError(f'resolution: "{resolution[:40]}" is not known.', "Give 720p, 1080p, 4k, or 1280x720.", "resolution")
    sides = re.fullmatch(r"(\d{1,4}(?:\.\d+)?)[:x/](\d{1,4}(?:\.\d+)?)", aspect_ratio.strip())
    ratio = float(sides[1]) / max(1e-9, float(sides[2])) if sides else 0.0
    if not 0.1 <= ratio <= 10:
        raise FilmError(f'aspect_ratio: "{aspect_ratio[:40]}" does not fit.', "Give two numbers such as 16:9.", "aspect_ratio")
    longer = round(lines * max(ratio, 1 / ratio) / 2) * 2
    return f"{longer}x{lines // 2 * 2}" if ratio >= 1 else f"{lines // 2 * 2}x{longer}"
