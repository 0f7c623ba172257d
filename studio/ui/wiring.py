"""Which component tells which handler, and what changes then. Decides nothing itself."""

from __future__ import annotations

from typing import Any

import gradio as gr

from pipelines.gear import zero

from ..project import CELLS
from .acts import plainly
from .bench import Bench
from .handlers import Handlers
from .page import Page
from .panels import VERBS
from .showing import FILM_FIELDS

Plain = dict[str, Any]


def wire(demo: gr.Blocks, page: Page, w: Handlers) -> None:
    """Connect everything; inside the same gr.Blocks."""
    asked = [page.scene_more["consent"], page.scene_more["consent_all"]]
    scene = [page.scene_notes, page.scene_box, *(page.scene[name] for name in CELLS), page.takes, page.scene_more["lacks"], *asked]
    film = [page.clips_note, page.gallery, page.film_note, page.player, page.film_lines, *_cut(page)]
    first = [page.project, page.selected, page.saved, page.heard, page.title, page.board, page.dock]
    whole = [*first, *scene, *(page.story[name] for name in FILM_FIELDS), *film]
    quiet: Plain = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    every, last = quiet | {"trigger_mode": "multiple"}, quiet | {"trigger_mode": "always_last"}
    ids = [page.project, page.selected]
    follow: Plain = {"fn": w.follow, "inputs": [page.project], "outputs": [page.dock]} | quiet
    drawn = [page.board, page.dock]

    demo.load(w.boot, [page.saved], whole, **quiet).then(**follow)
    page.board.act(plainly(w.act), ids, [page.board, page.selected, page.dock, page.side, *scene], **every)
    page.board.begin(plainly(w.begin), [*ids, page.saved], whole, **every).success(**follow)
    page.add.click(plainly(w.add), ids, [page.board, page.selected, page.dock, page.side, *scene], **every)
    page.dock.news(plainly(w.news), [*ids, page.heard], [*film, page.scene_notes, page.takes, page.side, page.heard], **last, queue=False)
    if zero.here():  # in the queue: only there Hugging Face's page says whose the event is
        page.dock.stays(w.stays, [page.project], None, **quiet)
    gr.on(_typed(page.title), plainly(w.set_story("title")), [*ids, page.title], drawn, **last)
    page.undo.click(plainly(w.step(True)), [*ids, page.saved], whole, **quiet)
    page.redo.click(plainly(w.step(False)), [*ids, page.saved], whole, **quiet)
    page.theme.click(None, js=THEME)
    page.panel_close.click(None, js="() => document.body.classList.remove('panel')")
    page.watch.click(None, js="() => document.body.classList.toggle('panel')")

    for name, component in page.scene.items():
        if name != "image":
            gr.on(_typed(component), plainly(w.type_in(name)), [*ids, component], drawn, **last)
    answered = [*drawn, page.scene_notes, *asked]
    page.scene["image"].upload(plainly(w.choose_picture), [*ids, page.scene["image"]], answered, **quiet)
    page.scene["image"].clear(plainly(w.no_picture), ids, answered, **quiet)
    asked[0].input(plainly(w.agree), [*ids, asked[0]], answered, **quiet)
    asked[1].click(plainly(w.agree_all), ids, answered, **quiet)
    page.takes.act(plainly(w.take), ids, [*drawn, *scene], **every)
    page.one.click(plainly(w.only(False)), ids, drawn, **quiet)
    page.again.click(plainly(w.only(True)), ids, drawn, **quiet)

    more = page.story_more
    for name, component in page.story.items():
        if name == "logo":
            continue
        done = gr.on(_typed(component), plainly(w.set_story(name)), [*ids, component], drawn, **last)
        if name in ("size", "fit", "captions", "caption_style", "look"):
            done.success(plainly(w.still), ids, [more["still"]], **last)
    more["own_music"].upload(plainly(w.own_music), [*ids, more["own_music"]], [*drawn, page.story["music"]], **quiet)
    more["hear_voice"].click(plainly(w.hear_voice), [*ids, page.story["voice"]], [more["voice_heard"]], **quiet)
    more["hear_music"].click(plainly(w.hear_music), [*ids, page.story["music"]], [more["music_heard"]], **quiet)
    more["who"].expand(w.crew, None, [more["crew"]], **quiet)
    press = "() => setTimeout(() => { const b = document.querySelector('#download'); (b.matches('a,button') ? b : b.querySelector('a,button')).click(); }, 80)"
    more["keep"].click(plainly(w.keep_settings), [page.project, more["settings_name"]], [page.download], **quiet).success(None, js=press)
    more["use"].upload(plainly(w.use_settings), [*ids, page.saved, more["use"]], whole, **quiet)

    bench = Bench(w.rooms, {verb: tuple(page.video["how"][verb]) for verb in VERBS}, page.video["makers"])
    _wire_bench(page, bench, whole, drawn, press)

    page.make.click(plainly(w.start), ids, drawn, **quiet)
    # Outside the queue it is answered sooner; there Gradio shows no error, and these have none to show
    page.stop.click(plainly(w.stop), [page.project], [page.dock], **quiet, queue=False)

    held = [page.sheet, page.shown]
    page.sheet_tab.select(plainly(w.fill_sheet), [page.project], held, **quiet).then(None, js=NAMED)
    page.sheet.input(plainly(w.read_sheet), [*ids, page.sheet, page.shown], [*drawn, *held], **last)
    bulk = page.bulk
    bulk["apply"].click(plainly(w.bulk), [*ids, bulk["field"], bulk["value"], bulk["which"]], [*drawn, *held], **quiet)
    bulk["swap"].click(plainly(w.swap), [*ids, bulk["find"], bulk["by"]], [*drawn, *held], **quiet)
    bulk["csv"].click(plainly(w.csv), [page.project], [page.download], **quiet).success(None, js=press)

    page.new.click(plainly(w.new), [page.saved], whole, **quiet).success(**follow)
    page.open.upload(plainly(w.open), [page.saved, page.open], whole, **quiet).success(**follow)
    page.save.click(plainly(w.save), [page.project], [page.download], **quiet).success(None, js=press)


def _cut(page: Page) -> list[Any]:
    """What shows the video that is made over."""
    return [page.video[name] for name in ("halt", "lines", "player", "links", "add")]


def _wire_bench(page: Page, bench: Bench, whole: list[Any], drawn: list[Any], press: str) -> None:
    """The workshop, the papers, the gaps, and words for a prompt."""
    quiet: Plain = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    ids, video, more = [page.project, page.selected], page.video, page.story_more
    given = [component for verb in VERBS for component in video["how"][verb].values()]
    video["tab"].select(plainly(bench.which), [*ids, video["which"], video["own"]], [video["which"]], **quiet)
    video["own"].upload(None, None, [video["which"]], js="() => 'own'")
    video["verb"].input(bench.verb, [video["verb"]], [*video["groups"].values(), video["given"], video["engine"], video["go"]], **quiet)
    chain = video["how"]["chain"]
    chain["start"].input(bench.start, [chain["start"]], [chain["picture"]], **quiet)
    files = [video["own"], video["how"]["blend"]["second"], chain["picture"]]
    for file in files:
        gr.on([file.upload, file.clear], plainly(bench.came), [page.project, *files], [video["consent"]], **quiet)
    video["consent"].input(plainly(bench.agree), [page.project, video["consent"], *files], None, **quiet)
    asked = [*ids, video["which"], video["own"], video["verb"], video["engine"], *given]
    video["go"].click(plainly(bench.begin), asked, [page.dock, *_cut(page)], **quiet)
    asked = [*ids, page.saved, video["which"], video["own"], video["how"]["split"]["at"]]
    video["split"].click(plainly(bench.split), asked, [*whole, page.side], **quiet)
    video["halt"].click(plainly(bench.halt), [page.project], [page.dock, *_cut(page)], **quiet)
    video["add"].click(plainly(bench.add), [*ids, page.saved], whole, **quiet)
    for event in (video["check"].upload, video["check"].clear):
        event(plainly(bench.check), [video["check"]], [video["verdict"]], **(quiet | {"show_progress": "full"}))
    for button, drawn_on in ((page.paper, bench.paper), (page.paper_png, bench.paper_png)):
        button.click(plainly(drawn_on), [page.project], [page.download], **(quiet | {"show_progress": "full"})).success(None, js=press)
    page.scene["prompt"].blur(plainly(bench.lacks), ids, [page.scene_more["lacks"]], **quiet)
    page.scene_more["lacks"].input(plainly(bench.add_words), [*ids, page.scene_more["lacks"]], [*drawn, page.scene["prompt"], page.scene_more["lacks"]], **quiet)
    more["gaps"].expand(plainly(bench.gaps), [page.project], [more["values"]], **quiet)
    more["fill"].click(plainly(bench.fill), [*ids, page.saved, more["values"]], whole, **quiet)
    page.story["logo"].upload(plainly(bench.logo), [*ids, page.story["logo"]], drawn, **quiet)
    page.story["logo"].clear(plainly(bench.no_logo), ids, drawn, **quiet)


def _typed(component: Any) -> list[Any]:
    """When somebody typed or chose. After a value has come from the server Gradio takes the next one for the server's
    too, so a single key press or paste would be missed: leaving the field counts as well. What is the same changes nothing."""
    if isinstance(component, gr.Slider):
        return [component.change]  # `release` is for the mouse alone
    return [component.input, component.blur] if isinstance(component, gr.Textbox | gr.Dropdown) else [component.input]


# The table's own search field and its locks have no names that a reader of the screen could say.
NAMED = """() => { for (const e of document.querySelectorAll('#sheet .search-input')) e.setAttribute('aria-label', e.placeholder);
  for (const e of document.querySelectorAll('#sheet [aria-label="Static column"]')) e.setAttribute('role', 'img'); }"""
THEME = "() => { const dark = document.body.classList.toggle('dark'); localStorage.setItem('reelwright-theme', dark ? 'dark' : 'light'); }"

