"""When everything happens: from lengths wished for and takes spoken to a Timeline. Makes nothing and reads no file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from .captions import captions
from .cast import Cast
from .events import Warned
from .plan import Cue, Frame, Section, lengths
from .shots import group, lasting
from .story import MOST_SECONDS, Story
from .timeline import Banner, Placed, Spoken, Take, Timeline, lay, overlaps
from .titles import shortest

BREATH = 0.4  # s before and after every narration
CLOSING = 1.2  # s more at the end of a film that may be as long as it needs
SIGNED, GLANCE = 5.0, 1.5  # s that a lower third is shown, and that it needs
LAST_SHOT = 2.0  # s at least of a scene's last shot, where it has no length of its own
LEAST = 0.5  # s of a video that is shown once, not held
SHORTEST = 3.0  # s of a scene without a length of its own


def room(story: Story, i: int, frame: Frame) -> float | None:
    """Seconds that scene i has for its narration; None: as many as it takes."""
    duration = lasting(story, i)
    return None if duration is None else duration - _shared(story, i, frame) - 2 * BREATH


def timeline(
    story: Story, takes: Mapping[int, Take], frame: Frame, line: int, warn: Callable[[Warned], None],
    videos: Mapping[int, float] = MappingProxyType({}),
) -> Timeline:  # fmt: skip
    """Every scene in whole frames, every take and caption in seconds. Speech stays clear of transitions.

    `line` is how many characters fit a line of the captions. `videos`: seconds that scenes' own videos last.
    """
    wanted: list[tuple[float, bool]] = []
    last = len(story.scenes) - 1
    for i, scene in enumerate(story.scenes):
        together, duration = group(story, i), lasting(story, i)
        if i != together.start:
            continue  # a further shot of a scene
        before = [story.scenes[k].duration or 0.0 for k in together[:-1]]
        needs = takes[i].seconds + 2 * BREATH + _shared(story, i, frame) if i in takes else 0.0
        if duration is None:
            closing = CLOSING if i > 0 and together[-1] == last and i in takes else 0.0
            own = _whole(videos[i], frame) if i in videos and i not in takes else shortest(scene, SHORTEST)
            whole = max(own, sum(before) + LAST_SHOT if before else 0.0, needs + closing), False
        elif needs > duration + 1e-6:
            text = f"scene {scene.scene_number} lasts {needs:.1f} s, not {duration:g} s: its narration needs them."
            warn(Warned(text, "Give it more time, or fewer words.", f"scenes[{i}].duration"))
            whole = needs, False
        else:
            whole = duration, True
        wanted += [*((one, True) for one in before), (whole[0] - sum(before), whole[1])]
    frames = lengths(wanted, frame)
    shared = overlaps(frames, [_wanted(story, i, frame) for i in range(len(frames) - 1)])
    placed: list[Placed] = []
    spoken: list[Spoken] = []
    first = 0
    for i, (length, overlap) in enumerate(zip(frames, shared, strict=True)):
        placed.append(Placed(i, first, length, overlap, story.transition_of(i) if overlap else "none"))
        if i in takes:
            head = shared[i - 1] if i else 0
            spoken.append(Spoken(i, frame.seconds(first + head) + BREATH, takes[i]))
        first += length - overlap
    ends = [_end(placed[group(story, one.scene)[-1]], frame) for one in spoken]
    shown = captions(spoken, ends, line) if story.captions != "none" else ()
    return Timeline(story.title, frame, tuple(placed), lay(placed), tuple(spoken), shown, tuple(_banners(story, placed, frame)))


def _whole(seconds: float, frame: Frame) -> float:
    """How long a video is shown that nobody speaks over: its own length, in whole frames, within a scene's limits."""
    shown = min(seconds, float(MOST_SECONDS))
    return frame.seconds(int(Fraction(shown).limit_denominator(100_000) * frame.rate)) if shown >= LEAST else SHORTEST


def cue(roles: Cast, plan: Timeline, seconds: float, seed: int) -> Cue:
    """The film's moods in time; neighbours of one mood are one section."""
    sections: list[Section] = []
    for role, place in zip(roles.roles, plan.scenes, strict=True):
        if not sections or sections[-1].mood != role.mood:
            sections.append(Section(role.mood, plan.frame.seconds(place.first)))
    return Cue(tuple(sections), seconds, seed)


def _end(place: Placed, frame: Frame) -> float:
    return frame.seconds(place.first + place.frames)


def _banners(story: Story, placed: Sequence[Placed], frame: Frame) -> Iterator[Banner]:
    """Every lower third, in its scene's first seconds, clear of transitions where there is time."""
    head = 0
    for place in placed:
        last = placed[group(story, place.scene)[-1]]
        lines = tuple(part for each in story.scenes[place.scene].lower_third.split("|") if (part := each.strip()))
        start, end = frame.seconds(place.first + head) + BREATH, frame.seconds(last.first + last.frames - last.overlap)
        if end - start < GLANCE:
            start, end = frame.seconds(place.first), _end(last, frame)
        if lines:
            yield Banner(start, min(end, start + SIGNED), lines, place.scene)
        head = place.overlap


def _wanted(story: Story, i: int, frame: Frame) -> int:
    """Frames that scene i would share with the next."""
    if not 0 <= i < len(story.scenes) - 1 or story.transition_of(i) == "none":
        return 0
    return round(story.transition_seconds * frame.rate)


def _shared(story: Story, i: int, frame: Frame) -> float:
    """Seconds of the scene at i in which it turns from or into another."""
    together = group(story, i)
    return frame.seconds(_wanted(story, together[0] - 1, frame) + _wanted(story, together[-1], frame))
