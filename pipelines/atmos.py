"""The sound that people's videos bring along, for the mix: as long as the scene, repeated where its picture is.

`under`: beneath the voice, as loud as the music and making way with it. `full`: as loud as a voice, and the music makes
way for it. Knows when scenes are on, mixes nothing.
"""

from __future__ import annotations

import wave
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import ffmpeg, sound
from .faults import Faults
from .footage import NEARLY, PATIENCE, Source, lap, needed
from .gate import look
from .plan import Frame
from .story import Story
from .timeline import Placed, Timeline
from .vault import Notes, Part, Vault
from .work import DiskFull, FilmError

if TYPE_CHECKING:
    from numpy import int16
    from numpy.typing import NDArray

VERSION = 1
MOST_LIFT = 12.0  # dB: what is hardly to be heard in a video stays quiet
SOFT = 0.03  # seconds in which it begins and ends, so that nothing clicks


def heard(story: Story, sources: Mapping[int, Source | FilmError], plan: Timeline, vault: Vault, faults: Faults) -> tuple[sound.Own, ...]:
    """Every video's sound that is wanted, placed in the film. A sound that cannot be read is its scene's fault."""
    found = []
    for i, place in enumerate(plan.scenes):
        source, wanted = sources.get(i), story.scenes[i].clip_sound
        if not isinstance(source, Source) or not source.heard or wanted == "none":
            continue
        try:
            made = _made(source, place.frames, plan.frame, vault)
        except DiskFull:
            raise
        except FilmError as error:
            raise faults.of(i, "image", error) from error
        if made.notes["loudness"] is None:
            continue
        level = sound.VOICE - (story.music_level if wanted == "under" else 0.0)
        gain = round(min(MOST_LIFT, level - float(str(made.notes["loudness"]))), 3)
        found.append(_placed(made, place, plan, i, gain, wanted == "under"))
    return tuple(found)


def _placed(made: Part, place: Placed, plan: Timeline, i: int, gain: float, under: bool) -> sound.Own:
    before = plan.scenes[i - 1].overlap if i else 0
    first = round(place.first / plan.frame.rate * sound.RATE)
    samples = round(place.frames / plan.frame.rate * sound.RATE)
    head, tail = (max(round(SOFT * sound.RATE), round(frames / plan.frame.rate * sound.RATE)) for frames in (before, place.overlap))
    return sound.Own(made.path, first, samples, gain, under, (min(head, samples // 2), min(tail, samples // 2)))


def _made(source: Source, frames: int, frame: Frame, vault: Vault) -> Part:
    """The video's sound as a 48 kHz stereo WAV that lasts at least so many frames; "loudness" in its notes."""
    count = needed(frames, frame, source.left)
    short = frames > count + NEARLY * frame.rate
    samples = round(count / frame.rate * sound.RATE)
    whole = round(frames / frame.rate * sound.RATE) if short else samples

    def build(out: Path) -> Notes:
        plain = out.with_name("plain.wav")
        seen = look(source.path, out.parent, "given")
        length = samples / sound.RATE
        given: list[str | int | Path] = ["-ss", f"{source.start:.6f}", "-t", f"{length + 1:.6f}", *seen.args, "-map", "0:a:0"]
        shaped = f"aresample={sound.RATE}:async=1:first_pts=0,aformat=sample_fmts=s16:channel_layouts=stereo,apad,atrim=end_sample={samples}"
        wav: list[str | int | Path] = ["-c:a", "pcm_s16le", "-map_metadata", "-1", "-fflags", "+bitexact", "-f", "wav", plain]
        ffmpeg.run([*given, "-af", shaped, *wav], patience=PATIENCE)
        period, seam = (round(part / frame.rate * sound.RATE) for part in lap(count, frame.rate))
        _repeated(sound.samples(plain, 2), whole, period, seam, out)
        loud = sound.loudness(out)
        return {"loudness": round(loud, 3) if loud > sound.SILENCE else None}

    return vault.make("atmos", ".wav", [VERSION, source.content, round(source.start, 6), samples, whole, ffmpeg.version()], build)


def _repeated(given: NDArray[int16], whole: int, period: int, seam: int, out: Path) -> None:
    """Written over and over until there are `whole` samples, each end melting into the next beginning as the picture's."""
    import numpy as np

    with wave.open(str(out), "wb") as file:
        file.setparams((2, 2, sound.RATE, 0, "NONE", ""))
        if whole <= len(given):
            file.writeframes(given[:whole].tobytes())
            return
        done = 0
        while done < whole:
            lap_of = np.array(given[: min(period, whole - done)])
            if done and seam:
                share = (np.arange(min(seam, len(lap_of)))[:, None] + 1) / (seam + 1)
                tail = given[period : period + len(share)]
                melted = tail * (1 - share[: len(tail)]) + lap_of[: len(tail)] * share[: len(tail)]
                lap_of[: len(tail)] = melted.round().astype(np.int16)
            file.writeframes(lap_of.tobytes())
            done += len(lap_of)
