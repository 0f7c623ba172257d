"""A picture drawn anew by a painter's model, as large as it was. Knows one picture and no film."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from .account import source_of
from .darkroom import Darkroom, Negative, negative
from .darkroom_child import TO_YUV
from .loras import Lora
from .plan import Brief, Frame
from .policy import check_texts
from .presets import Style
from .stage import Studio
from .vault import Notes, Part
from .work import Tick, idle

if TYPE_CHECKING:
    from pathlib import Path

    from numpy import uint8
    from numpy.typing import NDArray

STRENGTHS = ("subtle", "mild", "strong")


@dataclass(frozen=True, slots=True)
class Redraw:
    """What a picture becomes. `prompt`: what is to be seen; `style`, `negative`: how, and what not; `model`: one of the
    painters, "" for the first that is here and can; `loras`: as in a Brief."""

    prompt: str = ""
    style: str = ""
    negative: str = ""
    strength: str = "mild"
    model: str = ""
    seed: int = 0
    loras: tuple[Lora, ...] = ()

    @classmethod
    def of(cls, style: Style, prompt: str, seed: int, model: str = "", strength: str = "") -> Redraw:
        """In a picture style."""
        return cls(prompt, style.prompt, style.negative, strength or style.strength, model, seed)


def redrawn(developed: Part, how: Redraw, studio: Studio, tick: Tick = idle) -> Part:
    """A developed picture, drawn anew and developed. FilmError with the remedy where no painter can."""
    check_texts({"prompt": how.prompt}, studio.policy)
    who = studio.crew.redrawer(how.model)
    engine = studio.crew.get("pictures", who)
    seen = negative(developed)
    brief = Brief(how.prompt, Frame(seen.width, seen.height, Fraction(1)), how.seed, how.style, how.negative, strength=how.strength, model=how.model, loras=how.loras)

    def given(out: Path) -> Notes:
        seen.save(out)
        return {}

    def build(out: Path) -> Notes:
        made = out.with_suffix(".png")
        with studio.crew.turn(engine, tick):
            told = engine.paint(asked, made, tick)
        with Darkroom() as darkroom:
            drawn = negative(darkroom.develop(made, (seen.width, seen.height), studio.vault))
        made.unlink()
        out.write_bytes(sized(drawn, seen.width, seen.height))
        return {**developed.notes, **{name: told[name] for name in ("memory", "retried") if name in told}}

    asked = replace(brief, picture=studio.vault.make("still", ".png", [developed.key], given).path)
    return studio.vault.make("redrawn", ".yuv", [who, engine.version, engine.recipe(asked), developed.key], build)


def sized(drawn: Negative, wide: int, high: int) -> bytes:
    """A negative's planes at that size, both even."""
    import cv2
    import numpy as np

    parts = [cv2.resize(plane, (wide // half, high // half), interpolation=cv2.INTER_AREA) for plane, half in zip(drawn.planes(), (1, 2, 2), strict=True)]
    return b"".join(np.ascontiguousarray(plane).tobytes() for plane in parts)


def planes(drawn: NDArray[uint8]) -> bytes:
    """A BGR picture (height, width, 3), both even, as the darkroom keeps one."""
    import cv2
    import numpy as np

    high, wide = drawn.shape[:2]
    whole = cv2.split(cv2.transform(drawn, np.array(TO_YUV).reshape(3, 4)[:, [2, 1, 0, 3]]))
    parts = [whole[0], *(cv2.resize(plane, (wide // 2, high // 2), interpolation=cv2.INTER_AREA) for plane in whole[1:])]
    return b"".join(np.ascontiguousarray(plane).tobytes() for plane in parts)


def drawn_by(studio: Studio, named: str) -> tuple[str, str]:
    """Who draws it, and the IPTC term for what comes from that one: for an account."""
    who = studio.crew.redrawer(named)
    model = studio.presets.painters.get(named)
    return model.label if model else studio.crew.get("pictures", who).label, source_of(studio.crew, "pictures", who)
