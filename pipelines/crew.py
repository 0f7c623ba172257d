"""The people who make a film: painters, clip engines, narrators, composers. One file each, found by its name.

An engine is imported when first asked for. Knows what each can be asked, not what a film is.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from .plan import Brief, Cue, Line, Reach, Shot, Slate
from .presets import Model, Presets, Voice, choose
from .turns import Seat, Turns
from .vault import Notes
from .work import FilmError, Tick, idle

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from .darkroom import Negative
    from .film import Footage
    from .units import Units

ROLES: Mapping[str, str] = {"pictures": "painter", "clips": "clip engine", "voices": "narrator", "music": "composer"}


class Engine(Protocol):
    """What all have. One that runs models may offer `sources(model)`: every gear.weights.Source that one is read from; a narrator `sources()`. `rank`: "auto" takes the highest that is not missing; a plain number, read without the rest. `version`: goes up when results change.
    It may offer `source`: what comes from it, as an IPTC term (marks.py); one that does not counts as a trained model.

    One that keeps a model in memory offers `seat()`, the name of the device that it lies on ("" for none), and `close()`,
    which lets it go. Whoever has it work does so in `Crew.turn`: then one model at a time lies on each device."""

    label: str
    version: int
    rank: int
    online: bool

    def missing(self) -> str | None:
        """None, or what is lacking and the exact remedy."""
        ...


class Painter(Engine, Protocol):
    """Prompt to picture. Like a clip engine it may offer `remarks(prompt, pictured)`: sentences that people should read
    before it draws; `pictured` where the scene has a picture of its own. It may offer `recipe(brief)`: everything in the brief that changes the picture, as plain data.
    It may offer `redraws(model)`: None, or what is lacking for drawing anew a picture that a brief brings, and the remedy.
    It may offer `adapts(loras)`: None, or what is lacking for painting with those LoRA files (`Brief.loras`), and the
    remedy; one that does not offer it loads none.
    One that runs models of the presets offers `uses(named, anew=False)`: the one that would paint now (draw anew), or None."""

    def paint(self, brief: Brief, out: Path, tick: Tick) -> Notes:
        """Write a PNG that covers the brief's frame."""
        ...


class ClipEngine(Engine, Protocol):
    """Picture and/or prompt to moving frames, as a file. One shot at a time, in the film's order.

    One that heeds a negative prompt says `negates = True`; so does a painter.

    `wants_picture`: it cannot do without; `wants_model`, if it has it: nor without a model of the presets. An engine that runs several models may offer `lacks(model)`: None, or what
    is lacking for that one and the remedy. FilmError from any method is that scene's fault; other scenes go on.

    It may offer `shoot_all(slates)`, which makes several shots in one go, stage by stage: each is told by its slate as
    soon as it is whole, or what is wrong with it; only what stops all of them is raised. With `spreads = True` and a
    keyword argument `device` it can be had once on each GPU of a machine, in a process each.

    Where several devices can make one shot together it offers `joins(shot)`: how many may, 1 for none. A film with fewer
    shots than devices then calls `shoot_all(slates, meeting)` in one process, which leads (gear.meeting), and
    `join(meeting)` in each of the others, until the leader says no more.

    It may offer `effort(model)`: pixels that its network goes over, row by row and step by step, for one second of a clip;
    0 where nobody can tell.
    It may offer `adapts(model, loras)`: None, or what is lacking for shooting with those LoRA files on that model
    (`Shot.loras`), and the remedy; one that does not offer it loads none.

    It may offer `reach(model)`: a plan.Reach, what moving pictures a shot may bring for it (`Shot.given`). Such a clip
    keeps the time: what is seen at a moment of it belongs to that moment of what was given.
    """

    wants_picture: bool

    def recipe(self, shot: Shot) -> object:
        """Everything in the shot that changes the clip, but for pictures and model, as plain data.

        It should leave the length out where the clip does not depend on it: the film trims or slows the clip to fit.
        """
        ...

    def shoot(self, shot: Shot, out: Path, tick: Tick) -> Notes:
        """Write an MP4 (BT.709, limited range) at whatever size, rate and length suit the model.

        The film wants `shot.frames` at `shot.frame`. -> notes; if they hold "frames", the file must have as many.
        """
        ...


class LiveEngine(Engine, Protocol):
    """Picture and/or prompt to moving frames that go straight to the encoder."""

    wants_picture: bool
    live: bool

    def recipe(self, shot: Shot) -> object:
        """Everything in the shot that changes a frame, but for picture and model, as plain data."""
        ...

    def path(self, shot: Shot, negative: Negative) -> NDArray[float64]:
        """(frames, 2, 3): one affine matrix a frame, pixels of the given picture to pixels of the film.

        Only asked for where there is a picture; an engine without it draws in no such way.
        """
        ...

    def footage(self, shot: Shot, negative: Negative | None) -> Footage:
        """The shot, ready to be drawn; None where the scene has no picture."""
        ...


class Narrator(Engine, Protocol):
    """Text to speech."""

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """Every voice: the narrator's own name for it, and what it is."""
        ...

    def voice_for(self, language: str) -> str:
        """Its own name for the voice that suits a BCP-47 language best; "" if it speaks no such language."""
        ...

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Write a 48 kHz mono WAV. -> {"words": [[text, start, end], ...], "seconds": s}"""
        ...


class Composer(Engine, Protocol):
    """A cue to music. It may offer `recipe(cue)`: what changes the music beside the cue, as plain data. One that runs
    models of the presets offers `uses()`: the one that would play now, or None."""

    def compose(self, cue: Cue, out: Path, tick: Tick) -> Notes:
        """Write a 48 kHz stereo WAV exactly as long as the cue."""
        ...


def names(role: str) -> tuple[str, ...]:
    """The engines of a role, by name; files that begin with an underscore are none."""
    package = import_module(f"pipelines.{role}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


@dataclass(frozen=True)
class Crew:
    """The engines of one render or one server. `options` are keyword arguments by engine name, or by role and name:
    "pictures.diffusers" for one of several engines of that name. devices: over which a film's shots are spread."""

    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    devices: Sequence[str] = ()
    _units: list[Units] = field(default_factory=list)
    _turns: Turns = field(default_factory=Turns)
    _hired: dict[tuple[str, str], Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, role: str, name: str) -> Any:
        """The engine of that name, missing or not; FilmError if there is none."""
        with self._lock:
            if (role, name) not in self._hired and name not in names(role):
                raise FilmError(f'There is no {ROLES[role]} called "{name}".', choose(name, names(role)))
            if (role, name) not in self._hired:
                module = import_module(f"pipelines.{role}.{name}")
                self._hired[role, name] = module.Engine(**self.options.get(name, {}), **self.options.get(f"{role}.{name}", {}))
            return self._hired[role, name]

    def at_hand(self, role: str) -> Iterator[str]:
        """Engines that are not missing anything, best first; whoever takes the first does not wait for the others."""
        for name in sorted(names(role), key=lambda name: (-self._rank(role, name), name)):
            if self.get(role, name).missing() is None:
                yield name

    def present(self, role: str) -> list[str]:
        """All of them."""
        return list(self.at_hand(role))

    def _rank(self, role: str, name: str) -> int:
        """As its file says: most are never needed, and importing them all takes longer than anything before the first
        frame."""
        spec = None if (role, name) in self._hired else find_spec(f"pipelines.{role}.{name}")
        said = re.search(r"^    rank = (-?\d+)$", Path(spec.origin).read_text("utf-8"), re.M) if spec and spec.origin else None
        return int(said[1]) if said else int(self.get(role, name).rank)

    def best(self, role: str) -> str:
        """What "auto" means; FilmError if there is nobody."""
        for name in self.at_hand(role):
            return name
        lacks = "; ".join(f"{name}: {self.get(role, name).missing()}" for name in names(role))
        raise FilmError(f"There is no {ROLES[role]} at hand.", lacks or "None is installed.")

    def ready(self, role: str, name: str) -> Any:
        """The engine of that name ("auto": the best); FilmError with the remedy if it lacks something."""
        engine = self.get(role, self.best(role) if name == "auto" else name)
        if lack := engine.missing():
            raise FilmError(f"{engine.label} cannot be used here.", lack)
        return engine

    def together(self, name: str) -> Callable[[Sequence[Slate]], None] | None:
        """How that clip engine makes several shots in one go; None if it makes one at a time. One that can be had once
        on each of several devices is spread over them."""
        engine = self.get("clips", name)
        shoot_all: Callable[[Sequence[Slate]], None] | None = getattr(engine, "shoot_all", None)
        if not self._spreads(engine):
            return shoot_all
        options = {**self.options.get(name, {}), **self.options.get(f"clips.{name}", {})}
        return partial(self._spread().shoot_all, name, options, joins=getattr(engine, "joins", None))

    def turn(self, engine: Any, tick: Tick = idle, *, together: bool = False, patient: bool = True) -> AbstractContextManager[None]:
        """Within it that engine works: nobody else's model lies on its device, and nobody else works there. One without a
        seat waits for nobody.

        together: for what `together` gives, which may be on every device. While it waits, the tick is asked whether the
        work is still wanted. Not patient: FilmError at once where it would have to wait.
        """
        if together and self._spreads(engine):
            seat = Seat(self.devices, self._spread(), self._spread().leave)
        elif device := engine.seat() if hasattr(engine, "seat") else "":
            seat = Seat((device,), engine, lambda _device: engine.close())
        else:
            return nullcontext()
        return self._turns.taken(engine, seat, tick, patient=patient)

    def _spreads(self, engine: Any) -> bool:
        return len(self.devices) > 1 and hasattr(engine, "shoot_all") and bool(getattr(engine, "spreads", False))

    def _spread(self) -> Units:
        from .units import Units

        with self._lock:
            if not self._units:
                self._units.append(Units(self.devices))
        return self._units[0]

    def upscaler(self, model: Model) -> Any:
        """Who makes pictures larger with that model of the presets; the same one each time."""
        from .gear.enlarger import Enlarger

        known = "upscalers", repr(model.content)
        with self._lock:
            if known not in self._hired:
                self._hired[known] = Enlarger(model, **self.options.get("upscalers", {}))
            return self._hired[known]

    def redrawer(self, model: str = "") -> str:
        """The painter that draws given pictures anew, with that model ("": any); FilmError with the remedy if none does."""
        lacks: list[str] = []
        for name in sorted(names("pictures")):
            asked = getattr(self.get("pictures", name), "redraws", None)
            lack: str | None = asked(model) if asked else ""
            if lack is None:
                return name
            lacks += [lack] if lack else []
        raise FilmError("No model that draws pictures anew is at hand.", lacks[0] if lacks else "No painter here does.")

    def lack(self, role: str, name: str, model: Model | None = None) -> str | None:
        """None, or what that engine lacks (for that model) and the remedy."""
        engine = self.get(role, name)
        asked = getattr(engine, "lacks", None)
        lack: str | None = engine.missing()
        return lack or (asked(model) if asked and model else None)

    def reach(self, model: Model) -> Reach:
        """What moving pictures that model can go by."""
        asked = getattr(self.get("clips", model.engine), "reach", None) if model.engine in names("clips") else None
        try:
            return asked(model) if asked else Reach()
        except FilmError:
            return Reach()  # options that cannot be are said when the model is used

    def everybody(self) -> Iterator[tuple[str, str, Any]]:
        """(role, name, engine) of all there are."""
        for role in ROLES:
            for name in names(role):
                yield role, name, self.get(role, name)

    def models(self, presets: Presets) -> Iterator[tuple[str, Model, str | None]]:
        """(name, model, None or what is lacking for it) of all in the presets."""
        for name, model in presets.models.items():
            if model.engine not in names("clips"):
                yield name, model, f"There is no clip engine {model.engine} here."
                continue
            yield name, model, self.lack("clips", model.engine, model)

    def close(self) -> None:
        """End what the engines have started."""
        for engine in [*self._hired.values(), *self._units]:
            if hasattr(engine, "close"):
                engine.close()
