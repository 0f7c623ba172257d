"""The same scene from several seeds, to choose from: their stories and names, and one picture of all. Renders nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import frames
from .story import SEEDS, Story
from .vault import Vault, disk
from .video import place
from .work import FilmError

MOST = 8
SHARES = (0.0, 0.35, 0.7, 1.0)  # of each one's time: what is seen of it
TILE, GAP = 320, 6  # pixels


def within(count: int) -> None:
    """FilmError if there are none, or too many to look at."""
    if not 1 <= count <= MOST:
        raise FilmError(f"variations: {count} does not fit.", f"Give 1 to {MOST}.", "variations")


def seeded(story: Story, count: int, out: Path) -> list[tuple[Story, Path]]:
    """(story, where it goes) of each: film-1.mp4, film-2.mp4, ...; one alone keeps its name."""
    if count == 1:
        return [(story, out)]
    return [(replace(story, seed=(story.seed + i) % SEEDS), out.with_stem(f"{out.stem}-{i + 1}")) for i in range(count)]


def contact(videos: Sequence[Path], out: Path, vault: Vault) -> Path:
    """A picture of all, each a row from its beginning to its end, as JPEG beside `out`. -> where it is."""
    from PIL import Image, ImageDraw, ImageFont

    where = out.with_name(f"{out.stem}-variations.jpg")
    with disk(), vault.scratch() as folder:
        rows = []
        for i, video in enumerate(videos):
            tiles = []
            for k, share in enumerate(SHARES):
                tile = folder / f"{i}-{k}.png"
                frames.still(video, share, tile, vault)
                with Image.open(tile, formats=("PNG",)) as picture:
                    tiles.append(picture.convert("RGB").resize((TILE, max(1, round(TILE * picture.height / picture.width)))))
            rows.append(tiles)
        height = rows[0][0].height
        sheet = Image.new("RGB", ((TILE + GAP) * len(SHARES) + GAP, (height + GAP) * len(rows) + GAP), (24, 24, 24))
        draw = ImageDraw.Draw(sheet)
        for i, tiles in enumerate(rows):
            for k, picture in enumerate(tiles):
                sheet.paste(picture, (GAP + k * (TILE + GAP), GAP + i * (height + GAP)))
            draw.text((GAP + 10, GAP + i * (height + GAP) + 6), str(i + 1), (255, 255, 255), ImageFont.load_default(28), stroke_width=3, stroke_fill=(0, 0, 0))
        made = folder / "sheet.jpg"
        sheet.save(made, quality=88)
        place(made, where)
    return where
