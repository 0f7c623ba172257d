"""What happens on the page when somebody does something: each event's work, from values to values. Places nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic_core import PydanticCustomError

from pipelines.render import frame_of
from pipelines.story_cells import is_sound, number
from pipelines.story_moods import mood_for
from pipelines.work import FilmError

from ..consent import agree, pictures
from ..production import start
from ..production import stop as stop_job
from ..project import Change, edited, set_to
from ..shelf import Document
from ..takes import pick, vary
from . import acts, making, opening, sheet
from .acts import document_of, uploaded
from .rooms import Rooms
from .showing import (
    USUAL,
    Heard,
    consent,
    crew_parts,
    everything,
    film_parts,
    newest,
    scene_notes,
    scene_parts,
    video_parts,
)
from .views import FACE, board, dock, look, patch, takes

Plain = dict[str, Any]
Outputs = list[Any]


@dataclass(frozen=True)
class Handlers:
    """One page's events. `followers`: which follower is the current one of a browser's session."""

    rooms: Rooms
    followers: dict[str, object] = field(default_factory=dict)

    def act(self, identity: str, selected: str, event: gr.EventData) -> Outputs:
        """One operation of the storyboard."""
        before, after, chosen = acts.act(self.rooms, identity, selected, event._data)
        what = event._data.get("what")
        drawn = board(after, chosen) if what == "refresh" else patch(before, after, chosen)
        drawn["show"] = what in ("add", "duplicate", "move")
        touched = chosen != selected or event._data.get("id") == selected or what in ("delete", "refresh")
        inspector = scene_parts(self.rooms, after, chosen, skip=not touched)
        tab = gr.update(selected="scene") if what in ("select", "add", "duplicate") and not after.state.busy else gr.skip()
        return [drawn, chosen, dock(after), tab, *inspector]

    def begin(self, identity: str, selected: str, saved: Plain, event: gr.EventData) -> Outputs:
        """A story comes in: pasted, dropped, the sample, or one of the visitor's own projects."""
        told = event._data
        if told.get("what") == "open":
            return everything(self.rooms, opening.mine(self.rooms, saved.get("visitor", ""), told.get("project")), saved.get("visitor", ""))
        if told.get("what") == "sample":
            document = opening.sample(self.rooms, identity)
        else:
            _, _, selected = acts.act(self.rooms, identity, selected, told)
            document = document_of(self.rooms, identity)
        return everything(self.rooms, document, saved.get("visitor", ""), selected)

    def type_in(self, name: str) -> Callable[[str, str, Any], Outputs]:
        """Somebody types into the inspector."""

        def typed(identity: str, selected: str, value: Any) -> Outputs:
            return self._change(identity, selected, edited(selected, name, value), f"{selected}.{name}")

        return typed

    def choose_picture(self, identity: str, selected: str, path: str | None) -> Outputs:
        """A picture is put on the chosen scene, or taken away."""
        document = document_of(self.rooms, identity)
        value = acts.picture(self.rooms, document, uploaded(path), Path(path).name) if path else ""
        drawn = self._change(identity, selected, edited(selected, "image", value))
        view = look(self.rooms, document)
        return [*drawn, scene_notes(self.rooms, view, selected), *consent(view, selected)]

    def agree(self, identity: str, selected: str, agreed: bool) -> Outputs:
        """Whoever the chosen scene's picture shows agrees, or not."""
        row = document_of(self.rooms, identity).project.row(selected)
        return self._agree(identity, selected, [str(row.cells.get("image", ""))] if row else [], bool(agreed))

    def agree_all(self, identity: str, selected: str) -> Outputs:
        """Everybody in every picture agrees."""
        return self._agree(identity, selected, pictures(document_of(self.rooms, identity)), True)

    def _agree(self, identity: str, selected: str, kept: list[str], agreed: bool) -> Outputs:
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        agree(document, kept, agreed)
        after = look(self.rooms, document)
        return [patch(before, after, selected), dock(after), scene_notes(self.rooms, after, selected), *consent(after, selected)]

    def take(self, identity: str, selected: str, event: gr.EventData) -> Outputs:
        """The scene is made from several seeds, or one of its takes is chosen: then its seed is the scene's."""
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        told: Plain = event._data
        row = str(told.get("row"))
        if document.project.row(row) is not None:
            if told.get("what") == "vary":
                self.rooms.samples.look(document, pictures(document))
                vary(self.rooms.desk, document, row, acts.whole(told.get("count")))
            else:
                pick(document, row, acts.whole(told.get("seed")))
        after = look(self.rooms, document)
        return [patch(before, after, selected), dock(after), *scene_parts(self.rooms, after, selected)]

    def set_story(self, name: str) -> Callable[[str, str, Any], Outputs]:
        """Somebody changes how the film looks or sounds."""

        def changed(identity: str, selected: str, value: Any) -> Outputs:
            usual = str(value) == str(getattr(USUAL, name)) and name != "title"
            return self._change(identity, selected, set_to(name, "" if usual else value), f"story.{name}")

        return changed

    def own_music(self, identity: str, selected: str, path: str) -> Outputs:
        document = document_of(self.rooms, identity)
        if not is_sound(path):
            raise FilmError("This is not a sound file.", "Choose an MP3, WAV, M4A, FLAC or OGG file.")
        kept = document.keep(uploaded(path), Path(path).name)
        return [*self._change(identity, selected, set_to("music", kept)), kept]

    def _change(self, identity: str, selected: str, change: Change, group: str = "") -> Outputs:
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        document.change(change, group)
        after = look(self.rooms, document)
        return [patch(before, after, selected), dock(after)]

    def step(self, back: bool) -> Callable[[str, str, Plain], Outputs]:
        """Undo or redo."""

        def stepped(identity: str, selected: str, saved: Plain) -> Outputs:
            document = document_of(self.rooms, identity)
            if back:
                document.undo()
            else:
                document.redo()
            return everything(self.rooms, document, saved.get("visitor", ""), selected)

        return stepped

    def start(self, identity: str, selected: str) -> Outputs:
        """The film is made; unless a face is seen now in a picture that came without anybody looking."""
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        if self.rooms.samples.look(document, pictures(document)):
            after = look(self.rooms, document)
            gr.Warning(f"{FACE.message} {FACE.hint}", duration=12)
            return [patch(before, after, selected), dock(after)]
        start(self.rooms.desk, document)
        return [gr.skip(), dock(look(self.rooms, document))]

    def only(self, again: bool) -> Callable[[str, str], Outputs]:
        """Make only the chosen scene; `again`: with another seed."""

        def made(identity: str, selected: str) -> Outputs:
            asked = {"what": "reroll" if again else "only", "id": selected}
            before, after, _ = acts.act(self.rooms, identity, selected, asked)
            return [patch(before, after, selected), dock(after)]

        return made

    def stop(self, identity: str) -> Plain:
        document = document_of(self.rooms, identity)
        stop_job(self.rooms.desk, document)
        return dock(look(self.rooms, document))

    async def follow(self, identity: str, request: gr.Request) -> AsyncIterator[Plain]:
        """Pushes of everything new; another follower of the same browser tab ends this one."""
        me = object()
        session = str(request.session_hash)
        self.followers[session] = me
        try:
            async for value in making.follow(self.rooms, identity):
                if self.followers.get(session) is not me:
                    return
                yield value
        finally:
            if self.followers.get(session) is me:
                del self.followers[session]

    def news(self, identity: str, selected: str, heard: Heard) -> Outputs:
        """A clip or the film is there: what shows them is filled anew. `heard`: the job and its state that the page knew
        of; a film that began shows the clips, one that is done shows itself."""
        view = look(self.rooms, document_of(self.rooms, identity))
        now, tab = newest(view), gr.skip()
        if now != heard and view.state.state == "done":
            tab = gr.update(selected="film" if view.state.kind == "film" else "scene")
        elif now[0] != heard[0] and view.state.busy and view.state.kind == "film":
            tab = gr.update(selected="clips")
        elif now != heard and view.state.state == "failed":
            tab = gr.update(selected="scene")
        parts = [*film_parts(self.rooms, view), *video_parts(view)]
        return [*parts, scene_notes(self.rooms, view, selected), takes(view, selected), tab, now]

    def stays(self, identity: str) -> None:
        """Whoever waits for what is made is there still."""
        works = document_of(self.rooms, identity).works
        for job in (works.job, *works.cuts[-1:]):
            self.rooms.desk.stays(job)

    def fill_sheet(self, identity: str) -> Outputs:
        return list(sheet.filled(look(self.rooms, document_of(self.rooms, identity))))

    def read_sheet(self, identity: str, selected: str, table: Any, shown: sheet.Shown | None) -> Outputs:
        document = document_of(self.rooms, identity)
        try:
            drawn = self._change(identity, selected, sheet.changes(table, shown or sheet.Shown()))
        except FilmError as error:
            raise acts.sorry(error) from error
        view = look(self.rooms, document)
        filled, now = sheet.filled(view)
        new_rows = len(now.ids) != len(table) or list(now.ids) != list((shown or sheet.Shown()).ids)
        return [*drawn, filled if new_rows else gr.skip(), now]

    def bulk(self, identity: str, selected: str, name: str, value: str, which: str) -> Outputs:
        document = document_of(self.rooms, identity)
        drawn = self._change(identity, selected, sheet.at_once(document.project, name, value, which))
        return [*drawn, *self.fill_sheet(identity)]

    def swap(self, identity: str, selected: str, find: str, by: str) -> Outputs:
        document = document_of(self.rooms, identity)
        change, count = sheet.replaced(document.project, find, by)
        drawn = self._change(identity, selected, change)
        gr.Info(f"{count} cells changed.", duration=4)
        return [*drawn, *self.fill_sheet(identity)]

    def csv(self, identity: str) -> str:
        return str(opening.table(self.rooms, identity))

    def still(self, identity: str, selected: str) -> Any:
        """How the chosen scene, or the first with a picture, looks in the film."""
        view = look(self.rooms, document_of(self.rooms, identity))
        if view.film is None:
            return gr.update(visible=False)
        at = max(view.project.at(selected), 0)
        if view.film.scenes[at].image is None:
            at = next((i for i, scene in enumerate(view.film.scenes) if scene.image), at)
        return gr.update(value=self._shown(view.document, self.rooms.samples.still(view.film, at)), visible=True)

    def hear_voice(self, identity: str, selected: str, voice: str) -> Any:
        document = document_of(self.rooms, identity)
        if is_sound(voice) and (own := document.kept(voice)):
            return gr.update(value=self._shown(document, own), visible=True)
        heard = self.rooms.samples.voice("auto" if voice in ("", "none") else voice, opening.spoken(document, selected))
        return gr.update(value=self._shown(document, heard), visible=True)

    def hear_music(self, identity: str, selected: str, composer: str) -> Any:
        view = look(self.rooms, document_of(self.rooms, identity))
        at = max(view.project.at(selected), 0)
        mood, _ = mood_for(view.film.mood_of(at) if view.film else "", self.rooms.desk.presets)
        if is_sound(composer) and (own := view.document.kept(composer)):
            return gr.update(value=self._shown(view.document, own), visible=True)
        return gr.update(value=self._shown(view.document, self.rooms.samples.mood(mood, "auto" if composer in ("", "none") else composer)), visible=True)

    def motion(self, asked: Plain) -> Plain:
        """A move, for the storyboard's instant preview."""
        document = document_of(self.rooms, asked.get("project"))
        row = document.project.row(str(asked.get("row")))
        if row is None or not row.cells.get("image"):
            return {}
        view = look(self.rooms, document)
        story = view.film or USUAL
        action = asked.get("action")
        words = str(row.cells.get("clip_action", "auto") if action is None else action or "auto")[:500]
        try:
            shape = frame_of(story, self.rooms.desk.presets)
            seed = story.seed_of(view.project.at(row.id)) if view.film else 0
            moved = self.rooms.samples.motion(document, str(row.cells["image"]), words, _length(row.cells.get("duration")), shape, story.fit, seed)
        except FilmError:
            return {}
        return {"frames": [[round(each, 5) for each in matrix] for matrix in moved.matrices], "shape": shape.width / shape.height}

    def mood(self, asked: Plain) -> Plain:
        """A mood to listen to; its file lies where the browser may fetch it."""
        document = document_of(self.rooms, asked.get("project"))
        return {"path": self._shown(document, self.rooms.samples.mood(str(asked.get("mood"))))}

    def _shown(self, document: Document, file: Path) -> str:
        return str(document.shown / document.show(file, file.name))

    def crew(self) -> Plain:
        return crew_parts(self.rooms)

    def add(self, identity: str, selected: str) -> Outputs:
        """A new scene behind the chosen one."""
        before, after, chosen = acts.act(self.rooms, identity, selected, {"what": "add", "after": selected})
        return [patch(before, after, chosen) | {"show": True}, chosen, dock(after), gr.update(selected="scene"), *scene_parts(self.rooms, after, chosen)]

    def no_picture(self, identity: str, selected: str) -> Outputs:
        return self.choose_picture(identity, selected, None)

    def new(self, saved: Plain) -> Outputs:
        visitor = str(saved.get("visitor", ""))
        return everything(self.rooms, opening.new(self.rooms, visitor), visitor)

    def open(self, saved: Plain, path: str) -> Outputs:
        visitor = str(saved.get("visitor", ""))
        return everything(self.rooms, opening.opened(self.rooms, visitor, uploaded(path)), visitor)

    def save(self, identity: str) -> str:
        return str(opening.saved(self.rooms, identity))

    def keep_settings(self, identity: str, name: str) -> str:
        return str(opening.settings_file(self.rooms, identity, name))

    def use_settings(self, identity: str, selected: str, saved: Plain, path: str) -> Outputs:
        opening.use_settings(self.rooms, identity, uploaded(path))
        return everything(self.rooms, document_of(self.rooms, identity), str(saved.get("visitor", "")), selected)

    def boot(self, saved: Any) -> Outputs:
        """The page opens: what this browser worked on is there again."""
        document, visitor = opening.at_start(self.rooms, saved)
        # What is hidden was laid out so; told once more, Gradio would keep a component of its own for each visitor.
        return [gr.skip() if isinstance(one, dict) and one.get("visible") is False else one for one in everything(self.rooms, document, visitor)]


def _length(value: Any) -> float | None:
    try:
        seconds = number(value, True) if value not in (None, "") else None
    except PydanticCustomError:
        return None
    return min(60.0, max(0.5, seconds)) if seconds is not None else None
