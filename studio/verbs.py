"""What the commands do: each turns its arguments into a call of pipelines and tells how it went."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from dataclasses import fields
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from pipelines import presets as kinds
from pipelines import roster
from pipelines.cards import cards
from pipelines.events import Stopped, Warned
from pipelines.loras import Lora
from pipelines.moves import said_in
from pipelines.policy import check_texts
from pipelines.presets import Model
from pipelines.render import Studio, frame_of
from pipelines.render import render as make_film
from pipelines.shots import timed
from pipelines.story import Story, pixels, plain
from pipelines.story import read as read_story
from pipelines.story_cells import fold, is_sound
from pipelines.work import FilmError

from . import settings
from .terminal import Watcher, watching

AREA = 1280 * 720


def render(args: argparse.Namespace) -> int:
    """Every story becomes a film; one that fails does not stop the others."""
    from pipelines.story_files import load

    own = settings.read()
    studio = settings.studio(own)
    given = {name: getattr(args, name) for name in args.story_options if getattr(args, name) is not None}
    for name in ("music", "voice"):
        if is_sound(given.get(name)):
            given[name] = str(Path(given[name]).resolve())
    if "logo" in given:
        given["logo"] = str(Path(given["logo"]).resolve())
    films = _films(args)
    many = len(films) > 1
    failed = 0
    try:
        for k, (path, fields, out) in enumerate(films, 1):
            with watching(args.json, (path.name if not args.fields else f"{k} of {len(films)}") if many else "") as watcher:
                try:
                    story = _with(load(path, studio.presets, args.pictures, fields), given, studio)
                    make_film(story, studio, watcher.hear, out)
                except FilmError as error:
                    if args.json or many:
                        watcher.failed(error)
                    if not many:
                        raise
                    failed += 1
                except KeyboardInterrupt:
                    watcher.hear(Stopped())
                    raise
        settings.sweep(own, studio.vault)
    finally:
        studio.crew.close()
    return 1 if failed else 0


def _films(args: argparse.Namespace) -> list[tuple[Path, dict[str, object], Path]]:
    """Every film that is asked for: its story, what fills the gaps in it, and where it goes."""
    from pipelines.story_formats import table
    from pipelines.template import named

    said: dict[str, object] = {}
    for one in args.field:
        name, equals, value = one.partition("=")
        if not equals or not name.strip():
            raise FilmError(f'--field: "{one[:60]}" does not fit.', "Write --field name=value.")
        said[name] = value
    if not args.fields:
        return [(path, said, out) for path, out in zip(args.stories, _outputs(args.stories, args.output), strict=True)]
    if len(args.stories) > 1:
        raise FilmError("A table of fields fills one story.", "Give one STORY with --fields.")
    if args.output is not None and args.output.suffix and not os.path.isdir(args.output):
        raise FilmError("Several films need a folder.", "Give -o a folder's name.")
    path = args.stories[0]
    try:
        rows = table(args.fields)
    except FilmError as error:
        raise FilmError(f"{args.fields.name}: {error.message}", error.hint, args.fields.name) from error
    outs = [(args.output or Path()) / f"{name}.mp4" for name in named(rows, path.stem)]
    return [(path, row | said, out) for row, out in zip(rows, outs, strict=True)]


def _with(story: Story, given: dict[str, Any], studio: Studio) -> Story:
    """The story with what the command line says instead, checked in the same way."""
    return read_story(plain(story) | given, studio.presets, Path(Path.cwd().anchor), table=True) if given else story


def _outputs(stories: Sequence[Path], given: Path | None) -> list[Path]:
    """Where each story's film goes. No two films have one name, or the later would replace the earlier."""
    if len(stories) == 1 and given is not None and not os.path.isdir(given):
        return [given if given.suffix else given.with_suffix(".mp4")]
    if given is not None and given.suffix and not os.path.isdir(given):
        raise FilmError("Several stories need a folder for their films.", "Give -o a folder's name.")
    outs = [(given or Path()) / f"{story.stem}.mp4" for story in stories]
    for i, out in enumerate(outs):
        if out in outs[:i]:
            told = f"{stories[outs.index(out)]} and {stories[i]} would both become {out}."
            raise FilmError(told, "Render them one by one, or rename one of them.")
    return outs


def generate(args: argparse.Namespace) -> None:
    """One clip: a story of one scene; or several, each from another seed; or a given video, made over."""
    if args.input_video:
        _made_over(args)
        return
    from pipelines.variations import contact, seeded, within

    within(args.variations)
    studio = settings.studio(settings.read())
    story = _one_scene(args, studio, args.seconds)
    try:
        outs = seeded(story, args.variations, args.output)
        for k, (one, out) in enumerate(outs, 1):
            with watching(args.json, f"{k} of {len(outs)}" if len(outs) > 1 else "") as watcher:
                make_film(one, studio, watcher.hear, out)
        if len(outs) > 1:
            sheet = contact([out for _, out in outs], args.output, studio.vault)
            with watching(args.json) as watcher:
                watcher.done(sheet, None, f"{len(outs)} variations side by side")
    finally:
        studio.crew.close()


def _made_over(args: argparse.Namespace) -> None:
    """A given video as the prompt and the style say; by a model, if one is named."""
    from pipelines.terms import news
    from pipelines.verbs.edit import Edit, edit
    from pipelines.verbs.table import VERBS, models

    if args.input_image or args.variations != 1:
        raise FilmError("--input-video makes one video over.", "Leave --input-image and --variations out.")
    studio = settings.studio(settings.read())
    try:
        with watching(args.json) as watcher:
            engine = "" if args.engine == "auto" else args.engine
            how = Edit(args.prompt, look=args.style, narration=args.narration, engine=engine, seed=args.seed)
            for one in news(models(VERBS["edit"], how, studio), studio.vault):
                watcher.hear(one)
            cut = edit([args.input_video], how, studio, args.output, watcher.tick)
            for note in cut.notes:
                watcher.hear(Warned(note))
            watcher.done(cut.path, round(cut.seconds, 3), cut.how)
    finally:
        studio.crew.close()


def chain(args: argparse.Namespace) -> None:
    """Segments on one camera path."""
    from pipelines.chain import LONGEST, segments
    from pipelines.chain import chain as make_chain
    from pipelines.terms import news
    from pipelines.verbs.table import EVERY, models

    for name, value in (("total-duration", args.total_duration), ("segment", args.segment)):
        if not (isfinite(value) and 0.5 <= value <= LONGEST):
            raise FilmError(f"--{name}: {value:g} does not fit.", f"Give 0.5 to {LONGEST:g} seconds.")
    studio = settings.studio(settings.read())
    seconds = segments(args.total_duration, args.segment)
    prompts = [args.prompt]
    if args.prompts:
        try:
            prompts = [line.strip() for line in args.prompts.read_text("utf-8").splitlines() if line.strip()] or prompts
        except (OSError, UnicodeDecodeError) as error:
            raise FilmError(f"{args.prompts.name} cannot be read.", "Give a text file in UTF-8.") from error
    check_texts({f"prompt {i}": prompt for i, prompt in enumerate([args.prompt, *prompts])}, studio.policy)
    story = _one_scene(args, studio, 6.0)
    image = story.scenes[0].image
    moves = [_action(prompt, args) for prompt in prompts]
    try:
        with watching(args.json) as watcher:
            for one in news(models(EVERY["chain"], args, studio), studio.vault):
                watcher.hear(one)
            make_chain(
                prompts, image, seconds, frame_of(story, studio.presets), args.engine, args.seed, story.look, studio,
                args.output, watcher.tick, moves,
            )
            watcher.done(args.output, sum(seconds))
    finally:
        studio.crew.close()


def _one_scene(args: argparse.Namespace, studio: Studio, seconds: float) -> Story:
    """The story behind `generate` and `chain`; its faults are told by the options' names."""
    if args.input_image and not os.path.isfile(args.input_image):
        raise FilmError(f"There is no picture {args.input_image.name}.", "Check --input-image.")
    style = args.style.strip().lower().replace(" ", "_")
    if style and style not in studio.presets.looks:
        raise FilmError(f'There is no look called "{args.style}".', kinds.choose(style, studio.presets.looks))
    scene = {"prompt": args.prompt, "duration": seconds, "engine": args.engine}
    scene |= {"image": args.input_image.resolve()} if args.input_image else {}
    _check_motion(args)
    said = "" if timed(args.prompt) else said_in(args.prompt)
    scene |= {"clip_action": args.camera or said or "auto", "narration": getattr(args, "narration", "")}
    mood = getattr(args, "music_mood", "")
    told = {
        "title": args.prompt[:100],
        "scenes": [scene | {"music_mood": mood}],
        "size": args.size or _size(args.aspect_ratio),
        "fps": args.fps,
        "seed": args.seed,
        "look": style or "none",
        "motion_intensity": args.motion,
        "negative_prompt": args.negative_prompt,
        "loras": getattr(args, "loras", ""),
        "music": "auto" if mood else "none",
        "captions": "both" if getattr(args, "narration", "") else "none",
    }
    return read_story(told, studio.presets)


def _size(aspect: str) -> str:
    found = re.fullmatch(r"(\d{1,4}(?:\.\d+)?)[:x/](\d{1,4}(?:\.\d+)?)", aspect.strip())
    if not found or not 0.1 <= (ratio := float(found[1]) / max(1e-9, float(found[2]))) <= 10:
        raise FilmError(f'--aspect-ratio: "{aspect}" does not fit.', "Give two numbers such as 16:9.")
    width = round(sqrt(AREA * ratio) / 16) * 16
    return f"{width}x{round(width / ratio / 2) * 2}"


def _check_motion(args: argparse.Namespace) -> None:
    paced("", args.motion, "--motion")


def _action(prompt: str, args: argparse.Namespace) -> str:
    """The camera's words: those given, else the prompt's own, at the pace asked for."""
    return paced(args.camera or said_in(prompt) or "auto", args.motion, "--motion")


def paced(words: str, motion: float, name: str) -> str:
    """Camera words at a pace from 0 (still) to 1 (much); FilmError by the option's name for another."""
    if not 0 <= motion <= 1:
        raise FilmError(f"{name}: {motion:g} does not fit.", "Give a number from 0 (still) to 1 (much).", name)
    if motion == 0:
        return "static"
    paces = ((0.2, "very slow"), (0.4, "slow"), (0.6, ""), (0.8, "fast"), (1.0, "very fast"))
    pace = next(word for most, word in paces if motion <= most)
    return f"{pace} {words}".strip()


def last_frame(args: argparse.Namespace) -> None:
    from pipelines.video import last_frame as save

    save(args.video, args.output, settings.studio(settings.read()).vault)


def combine(args: argparse.Namespace) -> None:
    from pipelines.deliver import check_place
    from pipelines.video import combine as join

    studio = settings.studio(settings.read())
    name = args.transition.strip().lower().replace(" ", "_").replace("-", "_")
    if not (isfinite(args.transition_seconds) and 0 < args.transition_seconds <= 3):
        raise FilmError(f"--transition-seconds: {args.transition_seconds:g} does not fit.", "Give a number up to 3.")
    check_place(args.output)
    with watching(args.json) as watcher, studio.vault.scratch() as folder:
        how = join(args.videos, made := folder / "film.mp4", name, args.transition_seconds, studio.presets, studio.vault, watcher.tick)
        _placed(made, args.output, args.videos, "Joined", studio, watcher)
        watcher.done(args.output, None, how)


def upscale(args: argparse.Namespace) -> None:
    from pipelines.deliver import check_place
    from pipelines.upscale import upscale as enlarge

    studio = settings.studio(settings.read())
    check_place(args.output)
    box = pixels(fold(args.size), studio.presets)
    if args.model:
        _redrawn(args, box, studio)
        return
    with watching(args.json) as watcher, studio.vault.scratch() as folder:
        width, height = enlarge(args.video, box, made := folder / "film.mp4", studio.presets, studio.vault, watcher.tick)
        _placed(made, args.output, [args.video], "Enlarged", studio, watcher)
        watcher.done(args.output, None, f"{width}x{height}")


def _redrawn(args: argparse.Namespace, box: tuple[int, int], studio: Studio) -> None:
    from pipelines.terms import news
    from pipelines.verbs.enlarge import Enlarge, enlarge, enlarger

    try:
        with watching(args.json) as watcher:
            for one in news({"model": enlarger(studio, args.model).model}, studio.vault):
                watcher.hear(one)
            cut = enlarge(args.video, Enlarge(box, args.model, args.prompt, args.seed), studio, args.output, watcher.tick)
            for note in cut.notes:
                watcher.hear(Warned(note))
            watcher.done(cut.path, round(cut.seconds, 3), cut.how)
    finally:
        studio.crew.close()


def _placed(made: Path, out: Path, videos: Sequence[Path], said: str, studio: Studio, watcher: Watcher) -> None:
    """A video made of others, with an account of them, signed like a film: joining must not take credentials away."""
    from pipelines.account import put_together
    from pipelines.seal import placed

    _, warned = placed(made, out, put_together(out.stem, videos, said), studio.marks, drawn=False)
    for one in warned:
        watcher.hear(one)


def engines(args: argparse.Namespace) -> None:
    studio = settings.studio(settings.read())
    try:
        rows = [
            {"role": role, "name": name, "label": engine.label, "online": engine.online, "missing": engine.missing()}
            for role, name, engine in studio.crew.everybody()
        ]
        models = [_listed(one) for one in roster.roster(studio.crew, studio.presets)]
        models += [_lora(name, lora) for name, lora in studio.presets.loras.items()]
    finally:
        studio.crew.close()
    if args.json:
        print(json.dumps([*rows, *models], indent=1))
        return
    for row in rows:
        there = "there" if row["missing"] is None else f"missing: {row['missing']}"
        online = " (online)" if row["online"] else ""
        print(f"{row['role']:9} {row['name']:12} {row['label']}{online}: {there}")
    for kind in roster.KINDS:
        print(f"{kind}, with what runs them, and GB of a GPU for each way of keeping them in memory:")
        for one in (each for each in models if each["role"] == kind):
            there = "there" if one["missing"] is None else f"missing: {one['missing']}"
            needs = f"; {one['room']}" if one["room"] else ""
            print(f"  {one['name']:20} {one['label']} [{one['engine']}{needs}]. Licence: {one['terms']}. {there}")
    print("this machine's GPU: " + (", ".join(map(str, cards())) or "none that is known to us"))


def _listed(one: roster.Listed) -> dict[str, Any]:
    model, by = one.model, "upscale" if one.kind == "upscalers" else one.model.engine
    told = {"role": one.kind, "name": one.name, "label": model.label, "engine": by, "terms": model.terms, "vram": model.vram}
    return told | {"room": roster.room(model, cards()), "missing": one.lack}


def _lora(name: str, lora: Lora) -> dict[str, Any]:
    from pipelines.gear.loras import lacking

    return {"role": "loras", "name": name, "label": lora.label, "engine": "loras", "terms": lora.terms, "vram": {}, "missing": lacking((lora,))}


def presets(args: argparse.Namespace) -> None:
    every = settings.studio(settings.read()).presets
    if args.kind and args.kind not in kinds.KINDS:
        raise FilmError(f'There are no presets of the kind "{args.kind}".', kinds.choose(args.kind, kinds.KINDS))
    chosen = [args.kind] if args.kind else list(kinds.KINDS)
    if args.json:
        print(json.dumps({kind: {name: _row(one) for name, one in getattr(every, kind).items()} for kind in chosen}, indent=1))
        return
    for kind in chosen:
        print(f"{kind}:")
        for name, one in getattr(every, kind).items():
            print(f"  {name:16} {one.label}" + (f": {one.what}" if hasattr(one, "what") else "") + (f" Licence: {one.terms}." if isinstance(one, Model) else ""))


def _row(entry: Any) -> dict[str, Any]:
    return {field.name: getattr(entry, field.name) for field in fields(entry)}


def doctor(args: argparse.Namespace) -> int:
    from .checkup import findings

    found = findings(settings.read())
    if args.json:
        print(json.dumps([{"good": good, "what": what, "hint": hint} for good, what, hint in found], indent=1))
    else:
        for good, what, hint in found:
            print(f"{'ok ' if good else '!! '} {what}" + (f"  {hint}" if hint else ""))
    return 0 if all(good for good, _, _ in found) else 1


