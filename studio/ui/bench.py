"""What happens in the workshop and with papers: a video made over, a file looked into, gaps filled, words added.

Each is from values to values, as in handlers.py. Places nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines import helper, template
from pipelines.work import FilmError

from .. import workshop
from ..project import Change, both, edited, set_to, told
from ..settings import identity
from . import acts, opening
from .acts import document_of, uploaded
from .panels import VERBS
from .rooms import Rooms
from .showing import everything, lacks, video_parts
from .views import dock, look, patch

Plain = dict[str, Any]
Outputs = list[Any]
OWN = "own"


@dataclass(frozen=True)
class Bench:
    """One page's workshop. `options`: the names of every verb's options, in the order in which the page gives them."""

    rooms: Rooms
    options: dict[str, tuple[str, ...]]

    def which(self, identity: str, selected: str, chosen: str, own: str | None) -> Any:
        """The best of the project's own videos, unless another is chosen already."""
        found = workshop.sources(self.rooms.desk, document_of(self.rooms, identity), selected)
        return gr.skip() if own or chosen in found else gr.update(value=next(iter(found), OWN))

    def verb(self, verb: str) -> Outputs:
        """Only that verb's options are seen."""
        return [gr.update(visible=name == verb) for name in VERBS]

    def begin(self, identity: str, selected: str, which: str, own: str | None, verb: str, *values: Any) -> Outputs:
        document = document_of(self.rooms, identity)
        how, at = dict[str, Any](), 0
        for name in VERBS:
            given = dict(zip(self.options[name], values[at:], strict=False))
            at += len(self.options[name])
            if name == verb:
                how = {key: value for key, value in given.items() if value not in ("", None, False)}
        videos = [self._video(document, selected, which, own)]
        if second := how.pop("second", None):
            videos.append(uploaded(second))
        workshop.begin(self.rooms.desk, document, verb, videos, how)
        view = look(self.rooms, document)
        return [dock(view), *video_parts(view)]

    def _video(self, document: Any, selected: str, which: str, own: str | None) -> Path:
        if which == OWN:
            if not own:
                raise FilmError("There is no video yet.", "Choose one first.")
            return uploaded(own)
        found = workshop.sources(self.rooms.desk, document, selected).get(which)
        if found is None:
            raise FilmError("That video is not there yet.", "Make it first, or choose another.")
        return found

    def halt(self, identity: str) -> Outputs:
        document = document_of(self.rooms, identity)
        workshop.stop(self.rooms.desk, document)
        view = look(self.rooms, document)
        return [dock(view), *video_parts(view)]

    def add(self, identity: str, selected: str, saved: Plain) -> Outputs:
        """The video that was made over becomes a scene."""
        document = document_of(self.rooms, identity)
        row = workshop.taken(self.rooms.desk, document)
        kept = next(str(each.cells["image"]) for each in document.project.rows if each.id == row)
        self.rooms.samples.thumb(document, kept)
        return everything(self.rooms, document, str(saved.get("visitor", "")), row)

    def paper(self, identity: str) -> str:
        """The storyboard as a PDF."""
        from pipelines.board import sheet

        document = document_of(self.rooms, identity)
        view = look(self.rooms, document)
        if view.film is None:
            raise FilmError("The storyboard cannot be drawn yet.", "Add a scene, and mend what is marked.")
        out = opening.handed_out(document, ".pdf")
        sheet(view.film, self.rooms.desk.studio, out)
        return str(out)

    def check(self, path: str | None) -> Plain:
        """What a file says of itself."""
        if not path:
            return {"lines": []}
        from pipelines.verify import verified

        found = verified(uploaded(path), identity(self.rooms.desk.settings))
        first = "fault" if found.tampered else "title" if found.ours else "warn"
        return {"lines": [{"kind": first if i == 0 else "hint", "text": said} for i, said in enumerate(found.said)]}

    def lacks(self, identity: str, selected: str) -> Any:
        """What could be added to the prompt."""
        return lacks(self.rooms, look(self.rooms, document_of(self.rooms, identity)), selected)

    def add_words(self, identity: str, selected: str, phrase: str | None) -> Outputs:
        """A phrase comes into the prompt."""
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        row = document.project.row(selected)
        prompt = str(row.cells.get("prompt", "")) if row else ""
        said = helper.added(prompt, phrase) if phrase else prompt
        document.change(edited(selected, "prompt", said))
        after = look(self.rooms, document)
        return [patch(before, after, selected), dock(after), said, lacks(self.rooms, after, selected)]

    def gaps(self, identity: str) -> Any:
        """The story's gaps, to be filled."""
        found = template.gaps(told(document_of(self.rooms, identity).project))
        return [[name, usual or ""] for name, usual in found.items()] or [["", ""]]

    def fill(self, identity: str, selected: str, saved: Plain, values: Any) -> Outputs:
        """The gaps are filled with what was written beside them."""
        document = document_of(self.rooms, identity)
        rows = values.astype(object).where(values.notna(), "").values.tolist()
        given = {str(name): value for name, value, *_ in rows if str(name).strip()}
        story = template.filled(told(document.project), given)
        changes: list[Change] = [set_to(name, value) for name, value in story.items() if name != "scenes"]
        for row, scene in zip(document.project.rows, story["scenes"], strict=True):
            changes += [edited(row.id, name, value) for name, value in scene.items() if name != "scene_number" and row.cells.get(name) != value]
        document.change(both(changes))
        return everything(self.rooms, document, str(saved.get("visitor", "")), selected)

    def logo(self, identity: str, selected: str, path: str | None) -> Outputs:
        """A logo comes into the film's corner, or goes."""
        document = document_of(self.rooms, identity)
        before = look(self.rooms, document)
        kept = acts.picture(self.rooms, document, uploaded(path), Path(path).name) if path else ""
        document.change(set_to("logo", kept))
        after = look(self.rooms, document)
        return [patch(before, after, selected), dock(after)]

    def no_logo(self, identity: str, selected: str) -> Outputs:
        return self.logo(identity, selected, None)
