"""Narrates offline with Kokoro, 82 M, from one's own files: a model as ONNX and its voices. Knows nothing of stories.

espeak-ng tells how a text is pronounced, in signs that are turned into the model's; how long the model holds each, where
its file tells so, is when each word is said. Japanese and Chinese need another reader and are left out.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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

RATE = 24_000
MOST = 500  # signs that are spoken at once; a voice has 510 rows, one for each count of them
WIDTH = 256  # numbers in a row
MODELS = ("kokoro*.onnx", "kokoro*/onnx/model.onnx", "onnx/model.onnx")
FETCH = "reelwright fetch kokoro"
REPO, FILES = "onnx-community/Kokoro-82M-v1.0-ONNX", ("onnx/model.onnx", "voices/*.bin")
# The model's signs and their numbers (hexgrad/Kokoro-82M, Apache-2.0): each run counts up from its first.
SIGNS = {
    1: ";:,.!?", 9: "—…\"()“” \u0303ʣʥʦʨᵝꭧAI", 31: "O", 33: "Q", 35: "ST", 39: "W", 41: "Yᵊabcdef", 50: "hijklmnopqrstuvwxyzɑɐɒæ",
    75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ", 90: "ɟ", 92: "ɡ", 99: "ɥ", 101: "ɨɪʝ", 110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ",
    128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ", 142: "χʎ", 147: "ʒʔ", 156: "ˈˌː", 162: "ʰ", 164: "ʲ", 169: "↓", 171: "→↗↘", 177: "ᵻ",
}  # fmt: skip
IDS = {sign: first + i for first, run in SIGNS.items() for i, sign in enumerate(run)}
# The first letter of a voice's name: its language, and espeak-ng's name for it.
SPOKEN = {
    "a": ("en-US", "en-us"), "b": ("en-GB", "en-gb"), "e": ("es-ES", "es"), "f": ("fr-FR", "fr-fr"), "h": ("hi-IN", "hi"),
    "i": ("it-IT", "it"), "p": ("pt-BR", "pt-br"),
}  # fmt: skip
# espeak-ng's sounds as the model learnt them, longest first.
EVERYWHERE = (("a^ɪ", "I"), ("a^ʊ", "W"), ("d^z", "ʣ"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^s", "ʦ"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"))
ENGLISH = (
    ("ʔˌn\u0329", "tᵊn"), ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"), ("ə^l", "ᵊl"), ("ʔn", "tᵊn"),
    ("e^ə", "ɛː"), ("e", "A"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɐ", "ə"), ("ɚ", "əɹ"), ("ɬ", "l"), ("ʔ", "t"), ("ʲ", ""), ("\u0303", ""),
)  # fmt: skip
AMERICAN = (("o^ʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪə", "iə"), ("ː", ""))
BRITISH = (("ə^ʊ", "Q"), ("iə", "ɪə"))
OTHERS = (("o^ʊ", "O"), ("ə^ʊ", "Q"), ("s^s", "S"))


@dataclass(frozen=True, slots=True)
class Own:
    """Where the files are: the model, and each voice's file; `names` of all in one file are kept apart by their names."""

    model: Path
    voices: Mapping[str, Path]


class Engine:
    """See crew.Narrator. folder: where the files lie, or in folders of it."""

    label = "Kokoro (offline, your own files)"
    version = 1
    rank = 26
    online = False

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder
        self._espeak = _espeak.Espeak()
        self._loaded: tuple[Path, onnx.Network] | None = None
        self._lock = threading.Lock()

    def missing(self) -> str | None:
        """Packages, the model, or its voices."""
        if not self._folder:
            return "It has no folder of voices: set REELWRIGHT_VOICES."
        if lack := onnx.lack() or _espeak.missing():
            return lack
        found = self._own()
        if found and found.voices:
            return None
        lacks = "Kokoro's voices are" if found else "Kokoro's model is"
        return f"{lacks} not in {self._folder}: put kokoro-v1.0.onnx and voices-v1.0.bin there, or {FETCH}"

    @property
    def home(self) -> Path | None:
        """Where what is fetched goes."""
        return self._folder / "kokoro" if self._folder else None

    def sources(self) -> tuple[Source, ...]:
        """See crew.Engine. They go into `home`."""
        return (Source(REPO, "", FILES, "kokoro"),)

    def voices(self) -> tuple[tuple[str, Voice], ...]:
        """Those in the folder, but for languages that need another reader."""
        found = self._own()
        return tuple((name, _voice(name)) for name in sorted(found.voices)) if found else ()

    def voice_for(self, language: str) -> str:
        """The voice for a BCP-47 language, or for its base; "" if there is none."""
        found = near(((name, voice.language) for name, voice in self.voices()), language)
        return next((name for name in found if name.endswith("_heart")), found[0] if found else "")

    def speak(self, line: Line, out: Path, tick: Tick) -> Notes:
        """Speak `line` into a 48 kHz mono 16-bit WAV. FilmError for a voice that is not there, or no voice."""
        from . import _take

        tick(0.0)
        text, rows = clean(line.text), self._rows(line.voice)
        if not speakable(text):
            return _take.silent(text, out)
        clauses = self._espeak.pronounced(aloud(text), self._reader(line.voice, tick), part(tick, 0.0, 0.1))
        own = [_phonemes.turned(sentence, lambda said: signs(said, line.voice[0])) for sentence in _phonemes.sentences(text, clauses)]
        said = [piece for piece in _phonemes.pieces(own, MOST) if any(one.said.strip() for one in piece)]
        network, heard, units = self._network(), list[Any](), list[Unit]()
        for i, piece in enumerate(said):
            tick(0.1 + 0.7 * i / len(said))
            whole = [_phonemes.Sounds("$"), *piece, _phonemes.Sounds("$")]
            sound, lasts = _sung(network, rows, "".join(one.said for one in piece), line.speed)
            units += _phonemes.units(whole, lasts, sum(one.size for one in heard) / RATE, sound.size / RATE)
            heard.append(sound)
        if not heard:
            return _take.silent(text, out)
        tick(0.8)
        notes = _take.sung(heard, RATE, text, units, out, "Kokoro")
        tick(1.0)
        return notes

    def close(self) -> None:
        """Let the model go, and end the child."""
        self._espeak.close()
        with self._lock:
            self._loaded = None

    def _own(self) -> Own | None:
        if not self._folder or not self._folder.is_dir():
            return None
        found = [path for pattern in MODELS for path in sorted(self._folder.rglob(pattern)) if not path.with_name(path.name + ".json").exists()]
        if not found:
            return None
        model = found[0]
        home = model.parent.parent if model.parent.name == "onnx" else model.parent
        apart = {path.stem: path for path in sorted((home / "voices").glob("*.bin"))}
        whole = sorted(home.glob("voices*.bin"))
        every = apart or ({name: whole[0] for name in _names(whole[0])} if whole else {})
        return Own(model, {name: path for name, path in every.items() if name[:1] in SPOKEN and name[1:3] in ("f_", "m_")})

    def _rows(self, name: str) -> NDArray[float32]:
        """A voice, (rows, 256): which row, depends on how much is said."""
        import numpy as np

        found = self._own()
        known = found.voices if found else {}
        if name not in known:
            raise FilmError(f'Kokoro has no voice called "{name[:60]}" here.', choose(name[:60], known))
        path = known[name]
        try:
            if path.stem == name:
                rows = np.frombuffer(path.read_bytes(), "<f4")
            else:
                with np.load(path, allow_pickle=False) as file:
                    rows = np.asarray(file[name], np.float32)
            return np.ascontiguousarray(rows.reshape(-1, WIDTH), np.float32)
        except (OSError, ValueError, KeyError) as error:
            raise FilmError(f"{path.name} cannot be read as Kokoro's voices.", "Delete it and fetch it anew.", path.name) from error

    def _reader(self, name: str, tick: Tick) -> str:
        names, wanted = self._espeak.known(tick).names, SPOKEN[name[0]][1]
        return names.get(wanted) or names[wanted.split("-")[0]]

    def _network(self) -> onnx.Network:
        found = self._own()
        with self._lock:
            if found is None:
                raise FilmError("Kokoro's model is not there any more.", str(self.missing()))
            if self._loaded is None or self._loaded[0] != found.model:
                self._loaded = found.model, onnx.Network(found.model)
            return self._loaded[1]


def signs(said: str, letter: str) -> str:
    """espeak-ng's sounds of a word, tied with ^, as the model's signs. letter: that of the voice's language."""
    english = letter in "ab"
    changes = (*ENGLISH, *(AMERICAN if letter == "a" else BRITISH)) if english else (*EVERYWHERE, *OTHERS)
    for old, new in changes:
        said = said.replace(old, new)
    return "".join(one for one in said.replace("^", "") if one in IDS)


def _voice(name: str) -> Voice:
    gender: Literal["female", "male"] = "female" if name[1] == "f" else "male"
    return Voice(f"{name[3:].replace('_', ' ').title()[:40]} (Kokoro)", SPOKEN[name[0]][0], gender, {"kokoro": name})


def _names(path: Path) -> list[str]:
    """The voices in one file of many; none if it is no such file."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(path) as file:
            return sorted(name.removesuffix(".npy") for name in file.namelist() if name.endswith(".npy"))
    except (OSError, BadZipFile):
        return []


def _sung(network: onnx.Network, rows: NDArray[float32], said: str, speed: float) -> tuple[NDArray[float32], list[float]]:
    """The sound of those signs, and how long each is held beside the others, with what is before and after them."""
    import numpy as np

    ids = [IDS[sign] for sign in said]
    tokens = "input_ids" if "input_ids" in network.inputs else "tokens"
    whole = "int" in network.inputs.get("speed", "")
    given: dict[str, NDArray[Any]] = {tokens: np.array([[0, *ids, 0]], np.int64), "style": rows[min(len(ids), len(rows)) - 1][None]}
    given["speed"] = np.array([max(1, round(speed))], np.int32) if whole else np.array([speed], np.float32)
    made = network.run(given)
    held = made[network.outputs.index("duration")].ravel() if "duration" in network.outputs else np.zeros(0)
    lasts = held.tolist() if held.size == len(ids) + 2 else _phonemes.untold(f"${said}$")
    return np.asarray(made[0], np.float32).ravel(), [float(one) for one in lasts]
