"""A story's storyboard: what its panels show and say, then pages of them as PDF or PNG.

Pictures are people's own, or the sketch painter's where a scene has none; nothing is spoken or shot for it, so a length
that follows a narration is a guess, and says so. One panel is held at a time. Knows no page and no command line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from . import moves, shots
from .captions import cells
from .darkroom import Darkroom, Negative, negative
from .footage import is_video
from .paper import LEAST_WORDS, PAPERS, Page, Panel, Plan, Point, needed, page
from .plan import Brief, Frame, Shot
from .presets import choose
from .preview import PACE, TO_BGR, developed
from .printer import pdf, pngs
from .render import frame_of
from .schedule import BREATH, SHORTEST
from .stage import Studio
from .story import Story
from .story_cells import point
from .story_moods import mood_for
from .titles import ENGINE as CARD
from .titles import card, shortest
from .vault import Notes, replacing
from .work import FilmError, Tick, idle

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray

WIDE = {1: 760, 2: 640, 3: 520}  # pixels of a picture, by columns
JPEG = 82
MOST_WHOLE = 0.8  # of the scenes: so many have room for all their words
STILL = 0.004  # of the picture: a camera that moves less stands
DRAWER = "sketch"  # the painter for scenes without a picture


@dataclass(frozen=True, slots=True)
class Seen:
    """A scene's picture and how the camera goes over it: (frames, 2, 3), the picture's pixels -> the film's."""

    negative: Negative
    path: NDArray[float64]


def sheet(
    story: Story, studio: Studio, out: Path, *, columns: int = 2, paper: str = "a4", tick: Tick = idle
) -> list[Path]:
    """Write the storyboard: a PDF, or for a name that ends in .png a picture of each page. -> the files.

    paper: a4 or letter; it lies on its side for three columns of a wide film. FilmError tells what is wrong with a scene.
    """
    suffix = out.suffix.lower()
    if suffix not in (".pdf", ".png"):
        raise FilmError(f"A storyboard cannot be written as {suffix or 'that'}.", "Give a name that ends in .pdf or .png.", "output")
    if columns not in WIDE:
        raise FilmError(f"A storyboard has 1, 2 or 3 columns, not {columns}.", "", "columns")
    if paper not in PAPERS:
        raise FilmError(f'There is no paper called "{paper[:40]}".', choose(paper[:40], PAPERS), "paper")
    if not out.parent.is_dir():
        raise FilmError(f"There is no folder {out.parent.name}.", "Make it, or give another place.", "output")
    plan = planned(story, studio, columns, paper)
    with studio.vault.scratch() as room, closing(Darkroom()) as darkroom:
        made = room / "sheet.pdf"
        pdf(pages(story, plan, studio, darkroom, tick), plan.paper, story.title, made)
        if suffix == ".pdf":
            with replacing(out) as fresh:
                shutil.copyfile(made, fresh)
            return [out]
        return list(_pictures(made, plan.pages, out))


def _pictures(made: Path, count: int, out: Path) -> Iterator[Path]:
    wide = len(str(count))
    for k, png in enumerate(pngs(made), 1):
        path = out if count == 1 else out.with_name(f"{out.stem}-{k:0{wide}}{out.suffix}")
        with replacing(path) as fresh:
            fresh.write_bytes(png)
        yield path


def planned(story: Story, studio: Studio, columns: int, paper: str) -> Plan:
    """How the story's storyboard is laid."""
    frame = frame_of(story, studio.presets)
    aspect = frame.width / frame.height
    size = PAPERS[paper].turned if columns == 3 and aspect > 1 else PAPERS[paper]
    total = sum(seconds(story, i)[0] for i in range(len(story.scenes)))
    total -= sum(story.transition_seconds for i in range(len(story.scenes) - 1) if story.transition_of(i) != "none")
    plan = Plan(story.title, size, columns, aspect, len(story.scenes), max(0.0, total))
    words = sorted(needed(plan, (one.clip_action, one.narration, one.prompt)) for one in story.scenes)
    return replace(plan, words=max(LEAST_WORDS, words[round(MOST_WHOLE * (len(words) - 1))]))


def pages(story: Story, plan: Plan, studio: Studio, darkroom: Darkroom, tick: Tick = idle) -> Iterator[Page]:
    """Page after page, its pictures made as it comes."""
    each = plan.rows * plan.columns
    for number, first in enumerate(range(0, len(story.scenes), each), 1):
        panels = []
        for i in range(first, min(first + each, len(story.scenes))):
            panels.append(panel(story, i, plan.columns, studio, darkroom))
            tick((i + 1) / len(story.scenes))
        yield page(plan, number, panels)


def panel(story: Story, i: int, columns: int, studio: Studio, darkroom: Darkroom) -> Panel:
    """What is shown and told of scene i, from 0."""
    scene = story.scenes[i]
    lasts, about = seconds(story, i)
    reading = _reading(story, i, lasts, studio)
    seen, drawn = _seen(story, i, lasts, reading.camera, studio, darkroom)
    jpeg, shape, frames = _framed(seen, frame_of(story, studio.presets), WIDE[columns])
    mood, _ = mood_for(story.mood_of(i), studio.presets)
    turn = story.transition_of(i) if i < len(story.scenes) - 1 else ""
    return Panel(
        scene.scene_number, jpeg, shape, frames, scene.narration, scene.prompt, _said(scene.clip_action, reading, studio),
        lasts, about, studio.presets.moods[mood].label, studio.presets.transitions[turn].label if turn in studio.presets.transitions else turn, drawn,
    )  # fmt: skip


def seconds(story: Story, i: int) -> tuple[float, bool]:
    """How long a scene lasts, and whether that is a guess at how fast its narration will be said."""
    scene = story.scenes[i]
    said = cells(scene.narration) / PACE + 2 * BREATH if scene.narration.strip() and story.voice_of(i) != "none" else 0.0
    if scene.duration is not None:
        return (scene.duration, False) if said <= scene.duration * 1.25 else (said, True)
    usual = shortest(scene, SHORTEST)
    return max(usual, said), said > usual


def _reading(story: Story, i: int, lasts: float, studio: Studio) -> moves.Reading:
    """What the camera does; nothing over a card, nor over a video of which no words say anything."""
    scene = story.scenes[i]
    by_itself = scene.clip_action == "auto" and scene.image is not None and is_video(scene.image)
    if scene.card or by_itself:
        return moves.Reading(moves.Camera(()))
    found = shots.read(scene.clip_action, lasts, studio.presets.moves, story.seed_of(i))
    return replace(found, camera=moves.livelier(found.camera, story.motion_of(i)))


def _said(action: str, reading: moves.Reading, studio: Studio) -> str:
    """The move in the story's own words; for "auto" in the presets'."""
    if action.strip().lower() not in ("", "auto"):
        return action
    aims = [aim.move.label for step in reading.camera.steps for aim in step.aims]
    return ", ".join(dict.fromkeys(aims))


def _seen(story: Story, i: int, lasts: float, camera: moves.Camera, studio: Studio, darkroom: Darkroom) -> tuple[Seen, str]:
    """The scene's picture, its own or drawn, and who drew it."""
    frame = _small(frame_of(story, studio.presets))
    scene, drawn = story.scenes[i], ""
    found = developed(story, i, frame, studio, darkroom)
    if scene.card:
        return Seen(_card(story, i, frame, found, studio), np.array([[[1.0, 0, 0], [0, 1, 0]]])), ""
    if found is None:
        found, drawn = _drawn(story, i, frame, studio, darkroom), DRAWER
    shot = Shot(scene.prompt, None, camera, frame.at_least(lasts), frame, story.fit, story.seed_of(i), focus=point(scene.focus))
    return Seen(found, studio.crew.get("clips", "camera").path(shot, found)), drawn


def _card(story: Story, i: int, frame: Frame, behind: Negative | None, studio: Studio) -> Negative:
    """A card as the film shows it in its middle."""
    engine = studio.crew.get("clips", CARD)
    frames = frame.at_least(seconds(story, i)[0])
    shot = Shot(story.scenes[i].prompt, None, moves.Camera(()), frames, frame, story.fit, story.seed_of(i), card=card(story, i, {}))

    def build(out: Path) -> Notes:
        drawn = next(iter(engine.footage(shot, behind).frames(frames // 2, 1)))
        out.write_bytes(np.ascontiguousarray(drawn).tobytes())
        return {}

    recipe = [engine.version, engine.recipe(shot), behind.path.stem if behind else ""]
    made = studio.vault.make("card", ".yuv", recipe, build)
    return Negative(made.path, (frame.width, frame.height), frame.width, frame.height)


def _drawn(story: Story, i: int, frame: Frame, studio: Studio, darkroom: Darkroom) -> Negative:
    painter = studio.crew.get("pictures", DRAWER)
    brief = Brief(story.scenes[i].prompt, frame, story.seed_of(i))

    def build(out: Path) -> Notes:
        notes: Notes = painter.paint(brief, out, idle)
        return notes

    made = studio.vault.make("painting", ".png", [DRAWER, painter.version, painter.recipe(brief)], build)
    return negative(darkroom.develop(made.path, (frame.width, frame.height), studio.vault))


def _small(frame: Frame) -> Frame:
    """A frame of the same shape, about as large as the largest panel's picture."""
    scale = min(1.0, max(WIDE.values()) / max(frame.width, frame.height))
    return Frame(round(frame.width * scale / 2) * 2, round(frame.height * scale / 2) * 2, frame.rate)


def _framed(seen: Seen, frame: Frame, wide: int) -> tuple[bytes, tuple[int, int], tuple[tuple[Point, ...], tuple[Point, ...]] | None]:
    """All of the picture that the camera passes over, as a JPEG, its size, and what is seen first and last of it."""
    small = _small(frame)
    corners = np.array([[0, 0, 1], [small.width, 0, 1], [small.width, small.height, 1], [0, small.height, 1]], np.float64)
    few = np.unique(np.linspace(0, len(seen.path) - 1, 24).astype(int))
    quads = np.array([corners @ cv2.invertAffineTransform(seen.path[k]).T for k in few])
    width, height = seen.negative.size
    low, high = quads.min((0, 1)), quads.max((0, 1))
    low, high = _grown(low, high, small.width / small.height, (width, height))
    picture = _rgb(seen.negative, low, high)
    scale = min(1.0, wide / picture.shape[1], wide / picture.shape[0])
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    jpeg = cv2.imencode(".jpg", cv2.resize(picture, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, JPEG])[1].tobytes()
    first, last = ((quads[k] - low) / (high - low) for k in (0, -1))
    moved = float(np.abs(first - last).max())
    frames = (tuple(map(tuple, first.tolist())), tuple(map(tuple, last.tolist()))) if moved > STILL else None
    return jpeg, size, frames


def _grown(low: NDArray[float64], high: NDArray[float64], aspect: float, size: tuple[int, int]) -> tuple[NDArray[float64], NDArray[float64]]:
    """The part of the picture between two corners, grown toward the film's shape as far as the picture goes."""
    sides = high - low
    wanted = np.array([max(sides[0], sides[1] * aspect), max(sides[1], sides[0] / aspect)])
    middle, edge = (low + high) / 2, np.array(size, np.float64)
    wanted = np.minimum(wanted, edge)
    low = np.clip(middle - wanted / 2, 0, edge - wanted)
    return low, low + wanted


def _rgb(seen: Negative, low: NDArray[float64], high: NDArray[float64]) -> NDArray[uint8]:
    """A part of the picture, its corners in the given picture's pixels, as BGR bytes."""
    scale = np.array([seen.width / seen.size[0], seen.height / seen.size[1]])
    left, top = (int(v) // 2 * 2 for v in np.floor(low * scale + 1e-6))
    right, bottom = (int(v) for v in np.ceil(high * scale - 1e-6))
    right, bottom = min(seen.width, max(left + 2, (right + 1) // 2 * 2)), min(seen.height, max(top + 2, (bottom + 1) // 2 * 2))
    y, u, v = seen.planes()
    luma = np.ascontiguousarray(y[top:bottom, left:right])
    chroma = [cv2.resize(np.ascontiguousarray(plane[top // 2 : bottom // 2, left // 2 : right // 2]), luma.shape[::-1]) for plane in (u, v)]
    offset = TO_BGR @ (-16, -128, -128)
    return np.asarray(cv2.transform(cv2.merge([luma, *chroma]), np.column_stack([TO_BGR, offset])), np.uint8)
