"""From a view of a project to the values of the page's components, in the order in which the page lists them."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pipelines import helper
from pipelines.roster import KINDS
from pipelines.story import Scene, Story
from pipelines.story_cells import figure
from pipelines.work import FilmError

from ..consent import awaited, pictures
from ..project import CELLS, SETTINGS
from ..shelf import Document
from . import opening
from .rooms import Rooms
from .views import View, board, clips, dock, look, recent, short, shown_thumb, takes, when

Plain = dict[str, Any]
Outputs = list[Any]
Heard = tuple[str, str]
FILM_FIELDS = tuple(name for name in SETTINGS if name != "title")
USUAL = Story(scenes=(Scene(1),))


def newest(view: View) -> Heard:
    """The newest job and how it stands."""
    return view.document.works.job, view.state.state


def scene_parts(rooms: Rooms, view: View, selected: str, skip: bool = False) -> Outputs:
    """The inspector: notes, the box, its fields, takes, words for the prompt, consent. `skip`: it stays as it is."""
    if skip:
        return [gr.skip()] * (len(CELLS) + 6)
    row = view.project.row(selected)
    if row is None:
        return [scene_notes(rooms, view, selected), gr.update(visible=False), *(gr.skip() for _ in CELLS), takes(view, selected), gr.skip(), *consent(view, selected)]
    cells: Plain = dict(row.cells)
    cells["image"] = shown_thumb(view.document, row.cells) or None
    values = [cells.get(name, "auto" if name in ("clip_action", "engine") else "") for name in CELLS]
    return [scene_notes(rooms, view, selected), gr.update(visible=True), *map(_text, values), takes(view, selected), lacks(rooms, view, selected), *consent(view, selected)]


def consent(view: View, selected: str) -> Outputs:
    """Where the picture shows a face: whether whoever it shows agrees; and whether others are to be asked about too."""
    row = view.project.row(selected)
    agreed = view.document.works.faces.get(str(row.cells.get("image", ""))) if row else None
    more = agreed is not None and bool(awaited(view.document, pictures(view.document)))
    several = sum(name in view.document.works.faces for name in pictures(view.document)) > 1
    return [gr.update(visible=agreed is not None, value=bool(agreed)), gr.update(visible=more and several)]


def lacks(rooms: Rooms, view: View, selected: str) -> Any:
    """One phrase for each thing that the prompt does not tell."""
    row = view.project.row(selected)
    prompt = str(row.cells.get("prompt", "")) if row and not row.cells.get("card") else ""
    found = [part.add[0] for part in helper.parts(prompt, rooms.desk.presets) if part.add] if prompt.strip() else []
    return gr.update(choices=[(f"+ {phrase}", phrase) for phrase in found], value=None, visible=bool(found))


def scene_notes(rooms: Rooms, view: View, selected: str) -> Plain:
    """Which scene is chosen, what is wrong with it, and on what terms the model comes that it names."""
    if view.project.row(selected) is None:
        return {"lines": [{"kind": "hint", "key": "pick_scene"}]} | when(view)
    notes: list[Plain] = [{"kind": "title", "key": "scene", "text": str(view.project.at(selected) + 1)}]
    notes += [{"kind": "fault", "text": f"{short(fault)} {fault.hint}"} for fault in view.faults if fault.row == selected]
    state = view.state.rows.get(selected)
    if state and state.status == "failed":
        notes.append({"kind": "fault", "text": f"{state.said} {state.hint}"})
    row = view.project.row(selected)
    if terms := rooms.desk.terms(str(row.cells.get("engine", "auto"))) if row else "":
        notes.append({"kind": "hint", "text": terms})
    return {"lines": notes} | when(view)


def story_parts(view: View) -> Outputs:
    """The film's settings."""
    said: dict[str, Any] = dict(view.project.settings)
    said["logo"] = shown_thumb(view.document, {"image": said.get("logo", "")}) or None
    return [said.get(name, figure(getattr(USUAL, name)) if name in ("fps", "seed") else getattr(USUAL, name)) for name in FILM_FIELDS]


def film_parts(rooms: Rooms, view: View) -> Outputs:
    """Clips, player, links, and what made what."""
    made = clips(view)
    none: Plain = {"lines": [{"kind": "none", "key": "clips_none_title", "more": ""}, {"kind": "hint", "key": "clips_none"}] if not made else []}
    film, lines, notes = None, [], []
    works = view.document.works
    try:
        found = rooms.desk.result(works.film) if works.film else None
    except FilmError:
        found, notes = None, [{"kind": "hint", "key": "film_gone"}]
    subtitles = None
    if found:
        film = str(found.film)
        story = rooms.desk.story(works.film)
        subtitles = str(found.vtt) if found.vtt and story.get("captions") == "sidecar" else None
        name = opening.file_name(str(story.get("title", "")))
        links = (("film", found.film), ("srt", found.srt), ("vtt", found.vtt), ("timeline", found.timeline))
        lines = [
            {"kind": "link", "key": f"download_{kind}", "href": str(path), "name": name + path.name.removeprefix("film")}
            for kind, path in links
            if path
        ]
        notes = [{"kind": "warn", "key": "film_old"}] if dock(view)["film"] == "old" else []
        if engines := rooms.desk.credits(works.film):
            lines.append({"kind": "hint", "key": "made_by", "text": ", ".join(dict.fromkeys(engines.values()))})
        lines += [{"kind": "hint", "text": " ".join(rooms.desk.marks(works.film))}]
    elif not notes:
        notes = [{"kind": "none", "key": "film_none_title"}, {"kind": "hint", "key": "film_none"}]
    lines += [{"kind": "warn", "text": text} for text in view.state.warnings[:8]]
    player = gr.update(value=film, subtitles=subtitles, visible=bool(film))
    return [none, made, {"lines": notes}, player, {"lines": lines}]


def video_parts(view: View) -> Outputs:
    """The workshop: whether it can be stopped, what it says, the video, its link, whether it can be added."""
    made = view.cut
    lines: list[Plain] = [{"kind": "hint", "key": "video_busy"}] if made.busy else []
    lines += [{"kind": "fault", "text": f"{made.said} {made.hint}"}] if made.state == "failed" else []
    lines += [{"kind": "hint", "text": made.how}] if made.film and made.how else []
    lines += [{"kind": "warn", "text": note} for note in made.notes[:6]]
    name = f"{opening.file_name(view.project.title)}-{made.verb}.mp4"
    link: list[Plain] = [{"kind": "link", "key": "download_video", "href": made.film, "name": name}] if made.film else []
    player = gr.update(value=made.film or None, visible=bool(made.film))
    return [gr.update(visible=made.busy), {"lines": lines}, player, {"lines": link}, gr.update(visible=bool(made.film))]


def everything(rooms: Rooms, document: Document, visitor: str, selected: str = "") -> Outputs:
    """A whole page."""
    view = look(rooms, document)
    rows = view.project.rows
    selected = selected if view.project.row(selected) else rows[0].id if rows else ""
    kept = {"visitor": visitor, "project": document.id}
    going_on = recent(rooms.shelf.of(visitor), document.id) if not rows else []
    drawn = board(view, selected, going_on)
    return [document.id, selected, kept, newest(view), view.project.title, drawn, dock(view), *scene_parts(rooms, view, selected), *story_parts(view), *film_parts(rooms, view), *video_parts(view)]


def crew_parts(rooms: Rooms) -> Plain:
    """Who is here and who is missing, with the remedy; every model, with what it needs of a GPU, what is free of that, and
    its licence."""
    lines = []
    known = rooms.desk.catalog()
    for card in known["gpus"]:
        lines.append({"kind": "item", "state": "here", "key": card["name"], "text": f"({card['free']:.0f} / {card['gigabytes']:.0f} GB)", "more": ""})
    for engine in known["engines"]:
        lack = engine["missing"]
        state = "missing" if lack else "online" if engine["online"] else "here"
        lines.append({"kind": "item", "state": state, "key": engine["label"], "text": f"({engine['does']})", "more": lack or ""})
    for model in (model for kind in KINDS for model in known[kind].values()):
        state = "missing" if model["missing"] else "here"
        needs = f"({model['room']})" if model["room"] else ""
        lack = model["missing"] or ""
        more = lack if model["terms"] in lack else f"{lack} {model['terms']}".strip()
        lines.append({"kind": "item", "state": state, "key": model["label"], "text": needs, "more": more})
    return {"lines": lines}


def _text(value: Any) -> Any:
    """A cell as a field shows it."""
    return value if value is None or isinstance(value, str) else str(value)
