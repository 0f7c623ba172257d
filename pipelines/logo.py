"""The story's logo: opened safely once, laid over every stretch of film in its corner, below the captions.

Knows the frame and the story; ffmpeg gets bytes of ours alone.
"""

from __future__ import annotations

from .darkroom import Darkroom
from .film import Badge
from .plan import Frame
from .stage import Studio
from .story import Story
from .work import FilmError

WIDEST, HIGHEST = 0.22, 0.13  # of the frame, or of what of it is not much longer than its other side
LONGER = 1.6
MARGIN = 0.045  # of the shorter side


def badge(story: Story, frame: Frame, studio: Studio) -> Badge | None:
    """The logo as it is laid over; None for none. FilmError if it is no picture."""
    if story.logo is None or not story.logo_opacity:
        return None
    short = min(frame.width, frame.height)
    box = round(min(frame.width, LONGER * short) * WIDEST), round(min(frame.height, LONGER * short) * HIGHEST)
    darkroom = Darkroom()
    try:
        cut = darkroom.cut(story.logo, (max(2, box[0]), max(2, box[1])), studio.vault)
    except FilmError as error:
        raise FilmError(f"logo: {error.message}", error.hint, "logo") from error
    finally:
        darkroom.close()
    wide, high = int(str(cut.notes["width"])), int(str(cut.notes["height"]))
    margin = round(short * MARGIN / 2) * 2
    x = margin if story.logo_place.endswith("left") else frame.width - wide - margin
    y = margin if story.logo_place.startswith("top") else frame.height - high - margin
    return Badge(cut.path, wide, high, max(0, x), max(0, y), story.logo_opacity)
