"""One picture in a style, by rule or by a painter's model, as a file; a model's work is marked as such. Knows no film."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from . import terms
from .account import put_together
from .album import styled
from .darkroom import Darkroom, negative
from .events import strained
from .presets import Model, choose
from .redraw import STRENGTHS, Redraw, drawn_by, redrawn
from .seal import pictured
from .stage import Studio
from .vault import disk, replacing
from .work import FilmError, Tick, idle

PICTURES: Mapping[str, str] = MappingProxyType({".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"})
LARGEST = (8192, 8192)  # pixels: no picture is larger than it was given
MOST_WORDS = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Restyle:
    """`style`: one of the picture styles. With a `model`, a painter's name or auto, that one draws the picture anew in
    this style: `prompt` says what is to be seen, `strength` how far it goes (subtle, mild, strong; "": as the style
    has it)."""

    style: str
    model: str = ""
    prompt: str = ""
    strength: str = ""
    seed: int = 0


def models(how: Restyle, studio: Studio) -> dict[str, Model]:
    """The model that would draw it anew, as terms.news takes it; none where none is asked for, or none is here."""
    style = studio.presets.styles.get(_named(how))
    if not how.model and (style is None or style.how != "model"):
        return {}
    named = "" if how.model == "auto" else how.model
    try:
        found = terms.of_painter(studio.crew, studio.crew.redrawer(named), named, anew=True)
    except FilmError:
        return {}
    return {"model": found} if found else {}


def _named(how: Restyle) -> str:
    return how.style.strip().lower().replace(" ", "_").replace("-", "_")


def restyle(picture: Path, how: Restyle, studio: Studio, out: Path, tick: Tick = idle) -> tuple[str, ...]:
    """The picture in that style at `out`, as large as it is. -> what people should know. FilmError with the remedy where
    a model is wanted and none is here."""
    from PIL import Image

    if (suffix := out.suffix.lower()) not in PICTURES:
        raise FilmError(f'A picture cannot be saved as "{suffix}".', f"Use {' or '.join(PICTURES)}.", out.name)
    name = _named(how)
    style = studio.presets.pick("styles", name)
    if how.strength and how.strength not in STRENGTHS:
        raise FilmError(f'There is no strength called "{how.strength}".', choose(how.strength, STRENGTHS), "strength")
    if len(how.prompt) > MOST_WORDS:
        raise FilmError(f"prompt: {len(how.prompt):,} characters are too many.", f"Use at most {MOST_WORDS:,}.", "prompt")
    model = "" if how.model == "auto" else how.model
    by = drawn_by(studio, model) if how.model or style.how == "model" else None
    with closing(Darkroom()) as darkroom:
        developed = darkroom.develop(picture, LARGEST, studio.vault)
        if by:
            made = redrawn(developed, Redraw.of(style, how.prompt, how.seed, model, how.strength), studio, tick)
        else:
            made = styled(developed, name, studio.presets, studio.vault)
        drawn = Image.fromarray(negative(made).rgb(max(LARGEST)))
    tick(1.0)
    with disk():
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as fresh:
            if not by:
                drawn.save(fresh, PICTURES[suffix], quality=93)
                return ()
            account = put_together("A picture made of another", [picture], f"{style.label}, drawn anew by {by[0]}", by=by, kind="Picture")
            warned = pictured(drawn, PICTURES[suffix], fresh, account, studio.marks)
            warned = (*([] if made.reused else strained(made.notes, picture.name, "the picture", "")), *warned)
    return tuple(f"{one.message} {one.hint}" for one in warned)
