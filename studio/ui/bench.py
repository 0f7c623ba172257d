"""What happens in the workshop and with papers: a video made over, a file looked into, gaps filled, words added.

Each is from values to values, as in handlers.py. Places nothing.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines import helper, template
from pipelines.gate import is_video
from pipelines.vault import disk
from pipelines.work import FilmError

from .. import workshop
from ..consent import agree, awaited, pictures
from ..project import Change, both, edited, set_to, told
from ..settings import identity
from ..shelf import Document
from . import acts, opening
from .acts import document_of, thumbs, uploaded
from .panels import ENGINES, NEW, VERBS, Choices
from .rooms import Rooms
from .showing import everything, lacks, video_parts
from .views import dock, look, patch

Plain = dict[str, Any]
Outputs = list[Any]
OWN = "own"


@dataclass(frozen=True)
class Bench:
    """One page's workshop. `options`: the names of every verb's options, in the order in which the page gives them;
    `makers`: whom it lets choose for a verb."""

    rooms: Rooms
    options: dict[str, tuple[str, ...]]
    makers: dict[str, Choices]

    def which(self, identity: str, selected: str, chosen: str, own: str | None) -> Any:
        """The best of the project's own videos, unless another is chosen already."""
        found = workshop.sources(self.rooms.desk, document_of(self.rooms, identity), selected)
        return gr.skip() if own or chosen in found else gr.update(value=next(iter(found), OWN))

    def verb(self, verb: str) -> Outputs:
        """Only that verb's options are seen."""
        groups = [gr.update(visible=name == verb) for name in VERBS]
        able = self.makers.get(verb, [])
        maker = gr.update(visible=len(able) > 1, choices=able, value="")
        return [*groups, gr.update(visible=verb not in NEW), maker, gr.update(visible=verb != "split")]

    def start(self, start: str) -> Any:
        """A picture is asked for where one is wanted."""
        return gr.update(visible=start == OWN)

    def came(self, identity: str, *files: str | None) -> Any:
        """A video or picture came in, or went: whoever those show is asked."""
        document = document_of(self.rooms, identity)
        kept = [document.keep(uploaded(path), Path(path).name) for path in files if path]
        self.rooms.samples.look(document, kept)
        asked = [name for name in kept if name in document.works.faces]
        return gr.update(visible=bool(asked), value=bool(asked) and not awaited(document, asked))

    def agree(self, identity: str, agreed: bool, *files: str | None) -> None:
        """Whoever those files show agrees, or not."""
        document = document_of(self.rooms, identity)
        agree(document, [document.keep(uploaded(path), Path(path).name) for path in files if path], bool(agreed))

    def begin(self, identity: str, selected: str, which: str, own: str | None, verb: str, engine: str, *values: Any) -> Outputs:
        """A video is made over, or a new one is made."""
        document = document_of(self.rooms, identity)
        how, at = dict[str, Any](), 0
        for name in VERBS:
            given = dict(zip(self.options[name], values[at:], strict=False))
            at += len(self.options[name])
            if name == verb:
                how = {key: value for key, value in given.items() if value not in ("", None, False)}
        if verb in ENGINES and engine:
            how["engine"] = engine
        if verb == "chain":
            videos = self._first(document, selected, str(how.pop("start", "words")), how.pop("picture", None))
            how = {name: str(document.project.settings[name]) for name in ("size", "fps", "look") if name in document.project.settings} | how
        else:
            videos = [self._video(document, selected, which, own)]
        brought = list(videos) if verb == "chain" or which == OWN else []  # whoever is in the project's own videos was asked about
        if second := how.pop("second", None):
            videos.append(uploaded(second))
            brought.append(videos[-1])
        kept = [document.keep(file, file.name) for file in brought]
        self.rooms.samples.look(document, kept)
        if awaited(document, kept):
            raise FilmError("What you gave shows a face.", "Say below it that whoever it shows agrees.")
        workshop.begin(self.rooms.desk, document, verb, videos, how)
        view = look(self.rooms, document)
        return [dock(view), *video_parts(view)]

    def split(self, identity: str, selected: str, saved: Plain, which: str, own: str | None, at: str) -> Outputs:
        """The parts of a video become scenes; nothing is made for that."""
        document = document_of(self.rooms, identity)
        row = workshop.split(self.rooms.desk, document, self._video(document, selected, which, own), at)
        thumbs(self.rooms, document, pictures(document))
        return [*everything(self.rooms, document, str(saved.get("visitor", "")), row), gr.update(selected="scene")]

    def _first(self, document: Document, selected: str, start: str, own: str | None) -> list[Path]:
        """The picture that a long clip begins with, if it begins with one."""
        if start == "words":
            return []
        if start == OWN:
            if not own:
                raise FilmError("There is no picture yet.", "Choose one first, or begin with words alone.")
            return [uploaded(own)]
        row = document.project.row(selected)
        kept = document.kept(str(row.cells.get("image", ""))) if row else None
        if kept is None or is_video(kept):
            raise FilmError("The chosen scene has no picture of its own.", "Give it one, choose another scene, or begin with words alone.")
        return [kept]

    def _video(self, document: Document, selected: str, which: str, own: str | None) -> Path:
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
        thumbs(self.rooms, document, [kept])
        agree(document, [kept], True)  # what it was made of was asked about
        return everything(self.rooms, document, str(saved.get("visitor", "")), row)

    def paper(self, identity: str) -> str:
        """The storyboard as a PDF."""
        return str(self._paper(identity, ".pdf")[0])

    def paper_png(self, identity: str) -> str:
        """The storyboard as a picture; of several pages, those in one file."""
        pages = self._paper(identity, ".png")
        if len(pages) == 1:
            return str(pages[0])
        out = opening.handed_out(document_of(self.rooms, identity), ".pages.zip")
        with disk(), zipfile.ZipFile(out, "w") as packed:
            for page in pages:
                packed.write(page, page.name)
        return str(out)

    def _paper(self, identity: str, suffix: str) -> list[Path]:
        from pipelines.board import sheet

        document = document_of(self.rooms, identity)
        view = look(self.rooms, document)
        if view.film is None:
            raise FilmError("The storyboard cannot be drawn yet.", "Add a scene, and mend what is marked.")
        return sheet(view.film, self.rooms.desk.studio, opening.handed_out(document, suffix))

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
