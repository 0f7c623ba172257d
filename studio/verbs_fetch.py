"""What `reelwright fetch` does: tells what would come, on what terms and how much it is, asks, and has it brought."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pipelines.gear import fetching
from pipelines.gear.weights import Source
from pipelines.stock import Wish, wish
from pipelines.work import FilmError

from . import settings
from .settings import GIGA
from .terminal import watching

SPARE = 0.5 * GIGA  # room on the disk that stays


def fetch(args: argparse.Namespace) -> None:
    """Several at once are asked for once; what is here already is not fetched again."""
    studio = settings.studio(settings.read())
    try:
        wishes = [wish(name, studio.presets, studio.crew) for name in dict.fromkeys(args.names)]
    finally:
        studio.crew.close()
    orders = [(one, [fetching.order(source, one.home) for source in one.sources]) for one in wishes]
    told = sys.stderr if args.json else sys.stdout
    for one, own in orders:
        print(_said(one, own), file=told)
    every = _once([order for _, own in orders for order in own])
    whole = sum(order.bytes for order in every)
    room = {_disk(order.home): 0 for order in every}
    for order in every:
        room[_disk(order.home)] += order.bytes
    for folder, needs in room.items():
        _room(folder, needs, told)
    if any(order.lacking for order in every) and not (args.yes or _agreed()):
        raise FilmError("Nothing was fetched.", "Run it again and answer y, or with --yes where nobody can answer.")
    with watching(args.json) as watcher:
        came = [0]

        def moved(count: int) -> None:
            came[0] += count
            watcher.tick(min(1.0, came[0] / max(1, whole)), "Fetching")

        for order in every:
            fetching.fetch(order, moved)
        for one, own in orders:
            watcher.done(Path(own[0].home or _cache()), None, f"{one.label} is here")


def _said(one: Wish, own: Sequence[fetching.Order]) -> str:
    comes, all_of_it = sum(order.bytes for order in own), sum(sum(order.files.values()) for order in own)
    count = sum(len(order.lacking) for order in own)
    from_ = ", ".join(f"{order.source.repo} at {order.commit[:12]}" for order in own)
    how_much = f"{_size(comes)} to fetch in {count} file{'s' if count > 1 else ''}, of {_size(all_of_it)}" if count else f"all of it is here, {_size(all_of_it)}"
    return f"{one.name}: {one.label}\n  licence: {one.terms}\n  from: {from_}\n  {how_much}"


def _size(count: float) -> str:
    return f"{count / GIGA:.1f} GB" if count >= GIGA / 10 else f"{count / 1e6:.1f} MB"


def _once(orders: Sequence[fetching.Order]) -> list[fetching.Order]:
    """What two models share is fetched once."""
    found: dict[tuple[Source, str, tuple[str, ...]], fetching.Order] = {}
    for order in orders:
        found.setdefault((order.source, order.commit, order.lacking), order)
    return list(found.values())


def _cache() -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _disk(home: Path | None) -> Path:
    """The nearest folder that is there already."""
    folder = home or _cache()
    return next((each for each in (folder, *folder.parents) if each.is_dir()), Path())


def _room(folder: Path, needs: int, told: TextIO) -> None:
    free = shutil.disk_usage(folder).free
    if needs:
        print(f"disk: {_size(needs)} needed in {folder}, {_size(free)} free", file=told)
    if free < needs + SPARE * bool(needs):
        setting = "HF_HOME" if folder in (_cache(), *_cache().parents) else "REELWRIGHT_VOICES"
        raise FilmError(f"There is no room: {_size(needs)} are needed in {folder}, {_size(free)} are free.", f"Free some, or set {setting} to a folder on another disk.")


def _agreed() -> bool:
    """Whether somebody who can answer says yes."""
    if not sys.stdin.isatty():
        return False
    print("Fetch this, on these terms? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "j", "ja")

