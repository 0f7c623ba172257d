"""What happens while a film is made, as frozen values that turn into plain JSON. Knows nobody who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from .work import FilmError


@dataclass(frozen=True, slots=True)
class Began:
    """A stage starts. `total` counts its parts."""

    stage: str
    total: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The whole film is `done` (0..1) and `stage` is at work.

    `scene` is the scene_number that is worked on, 0 where none is, and `part` how much of that scene's stage is done.
    """

    stage: str
    done: float
    scene: int = 0
    part: float = 0.0


@dataclass(frozen=True, slots=True)
class Made:
    """One part is ready. `reused` tells that it was there already; `scene` is a scene_number, 0 for the whole film.

    `turning`: it is no scene's own stretch, but the one in which that scene turns into the next.
    """

    stage: str
    scene: int
    path: str
    reused: bool
    turning: bool = False


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a scene's clip is becoming, while it is computed: a small JPEG in base64, `width` x `height`. Only the newest
    of a scene is worth keeping."""

    scene: int
    picture: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Warned:
    """Something went otherwise than asked; the film goes on."""

    message: str
    hint: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One scene cannot be made as it is; the others are still made, then the film fails."""

    scene: int
    message: str
    hint: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The film is at `path`. `engines` tells what made the clips, the pictures, the voice and the music; `marks` how the
    film is marked, a sentence for each mark, and for each that it lacks why."""

    path: str
    seconds: float
    frames: int
    engines: dict[str, str]
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The film could not be made. `faults`: each by itself, as [message, hint, where], where there are several. `code`: a
    word for programs, where there is one."""

    message: str
    hint: str = ""
    where: str = ""
    faults: tuple[tuple[str, str, str], ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody stopped it; finished parts are kept."""


def strained(notes: Mapping[str, object], who: str, what: str, where: str) -> list[Warned]:
    """What went otherwise while a model made something, by an engine's notes. who: whose it is ("scene 3"); what: it, with
    its article ("the clip")."""
    said = []
    if "memory" in notes:
        hint = "It takes longer so. Close what else uses the GPU."
        said.append(Warned(f"{who}: the GPU's memory ran out once; {what} was made with less of it.", hint, where))
    if "alone" in notes:
        said.append(Warned(f"{who}: a GPU gave out while several made {what} together; one made it alone.", "It takes longer so. Look at the memory of the machine and its GPUs.", where))
    if "retried" in notes:
        said.append(Warned(f"{who}: the model's numbers ran out of range; {what} was made once more, in {notes['retried']}.", "", where))
    return said


Event = Began | Moved | Made | Glimpse | Warned | Fault | Done | Failed | Stopped
Emit = Callable[[Event], None]
"""Hears the events, and raises Cancelled when nobody wants the work any more. It may say so sooner, by `wanted()`."""


def wanted(emit: Emit) -> Callable[[], bool]:
    """Whether the work is wanted, by whoever hears its events: asked often, where events are rare."""
    said: Callable[[], bool] = getattr(emit, "wanted", lambda: True)
    return said


def plain(event: Event) -> dict[str, object]:
    """`{"event": "made", ...}`: what a log line, a stream or a store holds."""
    return {"event": type(event).__name__.lower(), **asdict(event)}


def failed(error: FilmError) -> Failed:
    """The event for an error; every fault is named, and its place is that of the first."""
    where = error.where or next((fault.where for fault in error.faults if fault.where), "")
    faults = tuple((fault.message, fault.hint, fault.where) for fault in error.faults)
    return Failed("\n".join([error.message, *(str(fault) for fault in error.faults)]), error.hint, where, faults, error.code)
