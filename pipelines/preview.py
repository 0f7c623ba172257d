"""What a page shows and plays before anything is made: small pictures, one frame of the film, a voice, a mood, a move.

Everything is made as the film makes it, only smaller or shorter, and is a part: asked twice, made once. A clip engine
that takes long is stood in for by the camera. Knows no page.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ffmpeg, film, moves, shots, sound
from .album import DENSE, styled
from .captions import captions, cells
from .cast import speakers
from .darkroom import Darkroom, Negative, expected, negative
from .footage import is_video, poster
from .loudness import tamed
from .narrate import Mute, spoken, spread
from .plan import Cue, Frame, Section, Shot, lengths
from .presets import CaptionStyle, Presets
from .render import frame_of
from .score import composed
from .stage import Studio
from .story import Story, schema_of, sound_file
from .story_cells import point
from .story_moods import mood_for
from .subtitles import ass, room
from .timeline import Spoken, Take
from .titles import ENGINE, card
from .vault import Notes, Part, Vault, linked
from .work import FilmError, idle

if TYPE_CHECKING:
    from numpy import float32, float64, uint8
    from numpy.typing import NDArray

VERSION = 2
NARROWEST, WIDEST = 32, 1920  # pixels
TALLEST = 3  # times its width: a thumbnail of something longer is narrower
GREY = (90, 128, 128)
JPEG = 85
# BT.709 Y'CbCr, limited range, to B'G'R', as cv2 has it
LUMA, CHROMA = 255 / 219, 255 / 224
TO_BGR = np.array([[LUMA, 1.8556 * CHROMA, 0], [LUMA, -0.187324 * CHROMA, -0.468124 * CHROMA], [LUMA, 0, 1.5748 * CHROMA]])
STAND_IN = "This is how the words of your story will look."
PACE = 150  # tenths of a narrow character that are said in a second, where nobody speaks yet
WELL_IN = 0.9  # the moment shown: so far into a word, when it has sprung up
MOST_SAID = 200  # characters
SHORTEST, LONGEST = 2.0, 10.0  # seconds of music; longer would be more than 2 MB
FADE = 0.6  # seconds


@dataclass(frozen=True, slots=True)
class Motion:
    """A camera move for a page to play, its moments evenly spaced from the first frame to the last.

    Lay the whole picture into the frame's box at its top left corner, as wide as the box and as high as its own shape
    makes it, with the origin of its transform in that corner. At each moment it is transformed by CSS
    ``matrix(a, b, c, d, e * W, f * W)``, W being the box's width in CSS pixels. What sticks out of the box is hidden;
    where "contain" leaves it open, there is black (or, with "contain-blur", a blurred copy).
    """

    matrices: tuple[tuple[float, float, float, float, float, float], ...]
    words_unknown: tuple[str, ...]
    left_out: tuple[str, ...]  # moves for which there is no time


def thumb(picture: Path, darkroom: Darkroom, vault: Vault, wide: int = 480) -> Part:
    """A JPEG of somebody's picture, upright, at most `wide` pixels wide; of a video its first picture.

    -> notes: "width" and "height" of the picture itself; `aim` reads where in it people look. FilmError if it is no picture; no `where`.
    """
    _wide(wide)
    developed = darkroom.develop(poster(picture, 0.0, vault) if is_video(picture) else picture, (wide // 2 * 2, 1), vault)
    seen = negative(developed)

    def build(out: Path) -> Notes:
        less = min(1.0, TALLEST * wide / seen.height)
        _jpeg(seen.planes(), (max(1, round(seen.width * less)), max(1, round(seen.height * less))), out)
        kept = {name: developed.notes[name] for name in ("focus_x", "focus_y", "faces") if name in developed.notes}
        return {"width": seen.size[0], "height": seen.size[1]} | kept

    return vault.make("thumb", ".jpg", [VERSION, developed.key, wide], build)


def aim(thumb: Part, frame: Frame) -> tuple[float, float]:
    """Where in the picture of that thumb the middle of a film's frame should be."""
    size = {f"{name}{side}": thumb.notes[side] for name in ("", "original_") for side in ("width", "height")}
    return negative(replace(thumb, notes=dict(thumb.notes) | size)).aim(frame.width / frame.height)


def still(story: Story, i: int, studio: Studio, darkroom: Darkroom, wide: int = 640) -> Part:
    """A JPEG of one frame from the middle of scene i (from 0): its fit, camera, look, and captions if they are burned.

    At most `wide` pixels wide, and never larger than the film. A card is shown with its words; else, without a picture, the frame is plain grey.
    -> notes: "width", "height", and whether there is a "picture".
    """
    _wide(wide)
    if not 0 <= i < len(story.scenes):
        raise FilmError("There is no such scene.", f"The story has {len(story.scenes)}.", "scenes")
    frame = _smaller(frame_of(story, studio.presets), wide)
    shot = _shot(story, i, frame, studio.presets)
    middle = shot.frames // 2
    live = studio.crew.get("clips", ENGINE if shot.card else "camera")
    seen = developed(story, i, frame, studio, darkroom)
    script = _script(story, i, frame, studio.presets)
    look = studio.presets.pick("looks", story.look)
    graph = film.picture_filter(frame, "", 1, look, bool(script))
    raw: list[str | int] = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
    size = f"{frame.width}x{frame.height}"
    told = [*raw, "-s", size, "-r", str(frame.rate), *film.TAGS, "-i", "pipe:0", "-filter_complex", graph, "-map", "[film]", "-frames:v", 1, *raw]
    drawn = [seen.path.stem if seen else "", live.recipe(shot), middle] if seen or shot.card else []

    def build(out: Path) -> Notes:
        frames = live.footage(shot, seen).frames(middle, 1) if seen or shot.card else _grey(frame)
        if script:
            out.with_name("captions.ass").write_text(script, "utf-8")
            linked(studio.fonts, out.with_name("fonts"))
        ffmpeg.write([*told, "graded.yuv"], (one.reshape(-1).data for one in frames), cwd=out.parent)
        graded = Negative(out.with_name("graded.yuv"), (frame.width, frame.height), frame.width, frame.height)
        _jpeg(graded.planes(), (frame.width, frame.height), out)
        return {"width": frame.width, "height": frame.height, "picture": seen is not None or shot.card is not None}

    return studio.vault.make("still", ".jpg", [VERSION, told, script, drawn, ffmpeg.version()], build)


def voice_sample(voice: str, language_text: str, studio: Studio) -> Part:
    """A WAV of the text, spoken as a story's `voice` would speak it; "auto" suits the text's language.

    Where a narrator fails the next best speaks. -> notes: the take's, and "narrator", "voice", "online" (the text went
    to a service).
    """
    if sound_file(voice) or voice == "none":
        raise FilmError("There is nothing to try: nobody speaks here.", "Choose a voice.", "voice")
    text = language_text.strip()
    if not text or len(text) > MOST_SAID:
        raise FilmError(f"A sample has 1 to {MOST_SAID} characters, not {len(text)}.", "Give a short sentence.", "narration")
    failed: FilmError | None = None
    for one in speakers(voice, text, "en", studio.crew, studio.presets):
        try:
            part = spoken(text, one, 1.0, studio.crew, studio.vault, idle)
        except Mute as mute:
            failed = failed or mute.said
            continue
        online = bool(studio.crew.get("voices", one.narrator).online)
        return replace(part, notes=part.notes | {"narrator": one.narrator, "voice": one.voice, "online": online})
    assert failed is not None  # there is a speaker, or `speakers` says why not
    raise failed


def music_sample(mood: str, composer: str, studio: Studio, seconds: float = 8.0) -> Part:
    """A WAV of a mood, in a story's words, played by that composer ("auto": the best): as loud as a voice, with a soft end.

    -> notes: the "mood" that is played, whether the words for it are "known", and the "composer".
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise FilmError(f"A sample of music lasts {SHORTEST:g} to {LONGEST:g} seconds, not {seconds:g}.", "", "music")
    if sound_file(composer) or composer == "none":
        raise FilmError("There is nothing to try: nobody plays here.", "Choose a composer.", "music")
    played, known = mood_for(mood, studio.presets)
    name = studio.crew.best("music") if composer == "auto" else composer
    cue = Cue((Section(studio.presets.moods[played], 0.0),), seconds, 0)
    music = composed(cue, name, studio.crew, studio.vault, idle, patient=False)

    def build(out: Path) -> Notes:
        _softened(music.path, out)
        return {}

    part = studio.vault.make("sample", ".wav", [VERSION, music.key], build)
    return replace(part, notes={"mood": played, "known": known, "composer": name})


def motion(
    action: str, seconds: float, picture_size: tuple[int, int], frame: Frame, fit: str, seed: int, presets: Presets, steps: int = 24,
    focus: tuple[float, float] = (0.5, 0.5),
) -> Motion:  # fmt: skip
    """What the camera does with a picture of that size, as the film would show it, in `steps` moments. Reads no file.

    focus: where in the picture people look, as `aim` tells it.
    """
    from .clips.camera import Engine

    limits = schema_of("Scene")["duration"]
    if not limits["minimum"] <= seconds <= limits["maximum"]:
        raise FilmError(f"A scene lasts {limits['minimum']:g} to {limits['maximum']:g} seconds, not {seconds:g}.", "", "duration")
    if fit not in (known := schema_of("Story")["fit"]["enum"]):
        raise FilmError(f'A picture cannot be fitted as "{fit[:40]}".', f"Known: {', '.join(known)}.", "fit")
    if min(picture_size) < 1 or steps < 2:
        raise FilmError("A move needs a picture and at least two moments.", "", "clip_action")
    reading = moves.read(action, seconds, presets.moves, seed)
    frames = lengths([(seconds, True)], frame)[0]
    shot = Shot("", None, reading.camera, frames, frame, fit, seed, focus=focus)
    path = Engine().path(shot, expected(picture_size, _cover(frame)))
    at = np.linspace(0, frames - 1, steps)
    low = np.minimum(at.astype(int), max(0, frames - 2))
    share = (at - low)[:, None, None]
    here = path[low] * (1 - share) + path[np.minimum(low + 1, frames - 1)] * share
    here[:, :, :2] *= picture_size[0] / frame.width
    here[:, :, 2] /= frame.width
    return Motion(tuple(_css(one) for one in here), reading.unknown, reading.dropped)


def _css(m: NDArray[float64]) -> tuple[float, float, float, float, float, float]:
    a, c, e, b, d, f = (round(float(number), 9) + 0.0 for number in m.reshape(-1))  # never "-0.0"
    return a, b, c, d, e, f


def _wide(wide: int) -> None:
    if not NARROWEST <= wide <= WIDEST:
        raise FilmError(f"A preview is {NARROWEST} to {WIDEST} pixels wide, not {wide}.")


def _smaller(frame: Frame, wide: int) -> Frame:
    width = min(wide, frame.width) // 2 * 2
    return Frame(width, max(2, round(frame.height * width / frame.width / 2) * 2), frame.rate)


def _cover(frame: Frame) -> tuple[int, int]:
    return frame.width * DENSE, frame.height * DENSE


def _shot(story: Story, i: int, frame: Frame, presets: Presets) -> Shot:
    scene, seed = story.scenes[i], story.seed_of(i)
    seconds = scene.duration or moves.MAX_DURATION
    by_itself = scene.clip_action == "auto" and scene.image is not None and is_video(scene.image)
    said = moves.Camera(()) if by_itself else shots.read(scene.clip_action, scene.duration, presets.moves, seed).camera
    camera = moves.livelier(said, story.motion_of(i))
    frames = lengths([(seconds, True)], frame)[0]
    return Shot(scene.prompt, None, camera, frames, frame, story.fit, seed, card=card(story, i, {}), focus=point(scene.focus))


def developed(story: Story, i: int, frame: Frame, studio: Studio, darkroom: Darkroom) -> Negative | None:
    """The scene's own picture as the film has it; None where it has none."""
    scene = story.scenes[i]
    if scene.image is None:
        return None
    try:
        seen = poster(scene.image, scene.clip_start, studio.vault) if is_video(scene.image) else scene.image
        return negative(styled(darkroom.develop(seen, _cover(frame), studio.vault), scene.picture_style, studio.presets, studio.vault))
    except FilmError as error:
        raise FilmError(f"scene {scene.scene_number}, image: {error.message}", error.hint, f"scenes[{i}].image") from error


def _grey(frame: Frame) -> Iterator[NDArray[uint8]]:
    pixels = frame.width * frame.height
    yield np.concatenate([np.full(size, value, np.uint8) for size, value in zip((pixels, pixels // 4, pixels // 4), GREY, strict=True)])


def _script(story: Story, i: int, frame: Frame, presets: Presets) -> str:
    """The scene's first caption in the middle of being said; empty if the film's picture has none."""
    if story.captions not in ("burned", "both"):
        return ""
    style: CaptionStyle = presets.pick("captions", story.caption_style)
    text = story.scenes[i].narration.strip() or STAND_IN
    seconds = max(1.0, cells(text) / PACE)
    take = Take(Path(), seconds, spread(text, seconds), "")
    found = captions([Spoken(i, 0.0, take)], [seconds + 1], room(style, frame.width, frame.height))
    if not found:
        return ""
    words = [word for line in found[0].lines for word in line]
    now = max(words[len(words) // 2 :], key=lambda word: len(word.text))  # styles that light a word have one worth lighting
    moment = min(now.start + WELL_IN * (now.end - now.start), found[0].end - 0.02)
    return ass(found[:1], style, frame.width, frame.height, moment, moment + float(1 / frame.rate))


def _jpeg(planes: tuple[NDArray[uint8], NDArray[uint8], NDArray[uint8]], size: tuple[int, int], out: Path) -> None:
    """Planes of ours as a JPEG of `size` (width, height)."""
    import cv2

    y, u, v = planes
    chroma = [cv2.resize(plane, y.shape[::-1], interpolation=cv2.INTER_LINEAR) for plane in (u, v)]
    offset = TO_BGR @ (-16, -128, -128)
    picture: Any = cv2.transform(cv2.merge([y, *chroma]), np.column_stack([TO_BGR, offset]))
    if size != y.shape[::-1]:
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    out.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG])[1].tobytes())


def _softened(music: Path, out: Path) -> None:
    """A short WAV of a composer's as loud as a voice, faded out."""
    with wave.open(str(music), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    heard: NDArray[float32] = samples.astype(np.float32) / np.float32(32768)
    fade = round(FADE * sound.RATE)
    heard[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    levelled = np.concatenate(tamed([heard], sound.loudness(music)))
    with wave.open(str(out), "wb") as file:
        file.setparams((2, 2, sound.RATE, 0, "NONE", ""))
        file.writeframes((levelled * 32767).round().astype("<i2").tobytes())
