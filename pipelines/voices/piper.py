"""Narrates offline with Piper's voices, one's own files: NAME.onnx and NAME.onnx.json. Knows nothing of stories.

Each sentence is pronounced by espeak-ng, as it was when the voices learnt, and spoken by the model; how long it holds
each sound tells when each word is said. The same line sounds a little different each time that it is made anew.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..gear import onnx
from ..gear.weights import Source
from ..language import near
from ..plan import Line
from ..presets import Voice, choose
from ..vault import Notes
from ..work import FilmError, Tick, part
from . import _espeak, _phonemes
from ._words import Unit, aloud, clean, speakable

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

PAUSE = 0.25  # seconds between sentences
BEGIN, END, FILL = "^", "$", "_"  # signs of every voice
MOST = 400  # phonemes that are spoken at once
KEPT = 3  # voices in memory
FETCH = "reelwright fetch piper"
REPO, FILES = "rhasspy/piper-voices", ("en/en_US/lessac/medium/*.onnx", "en/en_US/lessac/medium/*.json")


@dataclass(frozen=True, slots=True)
class Own:
    """A voice's file and what its JSON says. ids: of each phoneme; speakers: their names and numbers; scales: how
    varied it is in sound, how slow, how varied in its pace."""

    path: Path
    rate: int
    language: str
    spoken: str
    ids: Mapping[str, tuple[int, ...]]
    speakers: Mapping[str, int]
    scales: tuple[float, float, float]


class Engine:
    """See crew.Narrator. folder: where the voices lie, or in folders of it."""

    label = "Piper (offline, your own voice files)"
    version = 1
    rank = 24
    online = False

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder
        self._espeak = _espeak.Espeak()
        self._loaded: dict[Path, onnx.Network] = {}
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, or a voice."""
        if not self._folder:
            return "It has no folder of voices: set REELWRIGHT_VOICES."
        if lack := onnx.lack() or _espeak.missing():
            return lack
        if not self._voices():
            return f"There is no voice of Piper's in {self._folder}: put NAME.onnx and NAME.onnx.json there, or {FETCH}"
        return None

    @property
    def home(self) -> Path | None:
        """Where what is fetched goes."""
        return self._folder / "piper" if self._folder else None

    def sources(self) -> tuple[Source, ...]:
        """See crew.Engine. They go into `home`."""
        return (Source(REPO, "", FILES, "piper"),)

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """Those in the folder; each speaker of a file that has several."""
        return tuple((name, Voice(name.replace("_", " ")[:60], own.language, "neutral", {"piper": name})) for name, own in self._voices().items())

    def voice_for(self, language: str) -> str:
        """The first voice for a BCP-47 language, or for its base; "" if there is none."""
        return next(iter(near(((name, own.language) for name, own in self._voices().items()), language)), "")

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Speak `line` into a 48 kHz mono 16-bit WAV. FilmError for a voice that is not there, or no voice."""
        import numpy as np

        from . import _take

        tick(0.0)
        text, own, speaker = clean(line.text), *self._voice(line.voice)
        if not speakable(text):
            return _take.silent(text, out)
        clauses = self._espeak.pronounced(aloud(text), self._spoken(own, tick), part(tick, 0.0, 0.1))
        said = [piece for sentence in _phonemes.sentences(text, clauses) for piece in _phonemes.pieces([sentence], MOST)]
        network, heard, units = self._network(own.path), list[Any](), list[Unit]()
        for i, piece in enumerate(said):
            tick(0.1 + 0.7 * i / len(said))
            signs = _signs(piece, own)
            sound, lasts = _sung(network, own, speaker, signs, line.speed)
            start = sum(one.size for one in heard) / own.rate
            units += _phonemes.units(signs, lasts, start, sound.size / own.rate)
            heard += [sound, np.zeros(round(PAUSE * own.rate), np.float32)]
        if not heard:
            return _take.silent(text, out)
        tick(0.8)
        notes = _take.sung(heard[:-1], own.rate, text, units, out, own.path.name)
        tick(1.0)
        return notes

    def close(self) -> None:
        """Let the voices go, and end the child."""
        self._espeak.close()
        with self._lock:
            self._loaded.clear()

    def _voices(self) -> dict[str, Own]:
        found: dict[str, Own] = {}
        for path in sorted(self._folder.rglob("*.onnx")) if self._folder and self._folder.is_dir() else ():
            if own := _own(path):
                names = [path.stem] if len(own.speakers) < 2 else [f"{path.stem}#{name}" for name in own.speakers]
                found |= dict.fromkeys(names, own)
        return found

    def _voice(self, name: str) -> tuple[Own, int | None]:
        known = self._voices()
        if name not in known:
            raise FilmError(f'Piper has no voice called "{name[:60]}" here.', choose(name[:60], known))
        own = known[name]
        return own, own.speakers[name.partition("#")[2]] if "#" in name else next(iter(own.speakers.values()), None)

    def _spoken(self, own: Own, tick: Tick) -> str:
        names = self._espeak.known(tick).names
        if own.spoken.lower() not in names:
            raise FilmError(f'{own.path.name} is pronounced as "{own.spoken[:40]}", which espeak-ng does not know.', "Choose another voice.")
        return names[own.spoken.lower()]

    def _network(self, path: Path) -> onnx.Network:
        with self._lock:
            if path not in self._loaded:
                while len(self._loaded) >= KEPT:
                    self._loaded.pop(next(iter(self._loaded)))
                self._loaded[path] = onnx.Network(path, told="Ceil")  # in whole frames: how long each sound is held
            return self._loaded[path]


def _own(path: Path) -> Own | None:
    """What a voice's JSON says; None if there is none, or it is no voice that espeak-ng can pronounce for."""
    beside = path.with_name(path.name + ".json")
    try:
        told = json.loads(beside.read_text("utf-8"))
        if told.get("phoneme_type", "espeak") != "espeak":
            return None
        spoken = str(told["espeak"]["voice"])
        language = str(told.get("language", {}).get("code") or spoken).replace("_", "-")
        set_ = told.get("inference", {})
        scales = float(set_.get("noise_scale", 0.667)), float(set_.get("length_scale", 1.0)), float(set_.get("noise_w", 0.8))
        ids = {unicodedata.normalize("NFD", str(sign)): tuple(int(one) for one in many) for sign, many in told["phoneme_id_map"].items()}
        speakers = {str(name): int(one) for name, one in (told.get("speaker_id_map") or {}).items()}
        speakers = speakers or ({str(i): i for i in range(n)} if (n := int(told.get("num_speakers", 1))) > 1 else {})
        return Own(path, int(told["audio"]["sample_rate"]), language, spoken, ids, speakers, scales) if {BEGIN, END, FILL} <= ids.keys() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _signs(piece: list[_phonemes.Sounds], own: Own) -> list[_phonemes.Sounds]:
    """The piece in signs that the voice has, from its beginning to its end."""

    def known(said: str) -> str:
        return "".join(one for one in unicodedata.normalize("NFD", said) if one in own.ids and one not in (BEGIN, END, FILL))

    return [_phonemes.Sounds(BEGIN), *_phonemes.turned(piece, known), _phonemes.Sounds(END)]


def _sung(network: onnx.Network, own: Own, speaker: int | None, piece: list[_phonemes.Sounds], speed: float) -> tuple[NDArray[float32], list[float]]:
    """The sound of a piece, and how long each of its signs is held beside the others."""
    import numpy as np

    signs = "".join(one.said for one in piece)
    groups = [own.ids[sign] + (own.ids[FILL] if sign != END else ()) for sign in signs]
    ids = np.array([[one for group in groups for one in group]], np.int64)
    varied, slow, paced = own.scales
    given: dict[str, NDArray[Any]] = {"input": ids, "input_lengths": np.array([ids.shape[1]], np.int64)}
    given["scales"] = np.array([varied, slow / speed, paced], np.float32)
    if "sid" in network.inputs:
        given["sid"] = np.array([speaker or 0], np.int64)
    sound, *told = network.run(given)
    held = np.asarray(told[0], np.float64).ravel() if told else np.zeros(0)
    if held.size == ids.shape[1]:
        ends = np.cumsum([len(group) for group in groups])
        each = np.add.reduceat(held, np.concatenate([[0], ends[:-1]]))
    else:
        each = np.array(_phonemes.untold(signs))
    return np.asarray(sound, np.float32).ravel(), each.tolist()
