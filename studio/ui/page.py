"""The page's layout: which components there are and what each is called. Says nothing about what they do (wiring.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from pipelines.stage import Studio

from .panels import scene_panel, story_panel, video_panel
from .parts import Board, Dock, Lines, Takes, icon, words
from .sheet import COLUMNS, KINDS, WIDTHS

Say = Callable[[str], Any]


@dataclass(frozen=True)
class Page:
    """Every component that something happens to."""

    project: gr.State
    selected: gr.State
    saved: gr.BrowserState
    heard: gr.State
    shown: gr.State
    title: gr.Textbox
    undo: gr.Button
    redo: gr.Button
    new: gr.Button
    open: gr.UploadButton
    save: gr.Button
    download: gr.DownloadButton
    theme: gr.Button
    board: Board
    dock: Dock
    add: gr.Button
    sheet_tab: gr.Tab
    sheet: gr.Dataframe
    bulk: dict[str, Any]
    side: gr.Tabs
    panel_close: gr.Button
    scene: dict[str, Any]
    scene_more: dict[str, Any]
    scene_box: gr.Column
    scene_notes: Lines
    takes: Takes
    one: gr.Button
    again: gr.Button
    story: dict[str, Any]
    story_more: dict[str, Any]
    clips_note: Lines
    gallery: gr.Gallery
    film_note: Lines
    player: gr.Video
    film_lines: Lines
    paper: gr.Button
    paper_png: gr.Button
    video: dict[str, Any]
    watch: gr.Button
    make: gr.Button
    stop: gr.Button


def translations() -> gr.I18n:
    """The page's words in every language that it has; the browser chooses."""
    return gr.I18n(**{language: dict(said) for language, said in words().items()})


def lay_out(studio: Studio, say: Say, functions: list[Callable[..., Any]]) -> Page:
    """Place every component; inside a gr.Blocks."""
    project, selected, shown, heard = gr.State(""), gr.State(""), gr.State(None), gr.State(("", "idle"))
    saved = gr.BrowserState({}, storage_key="reelwright", secret="reelwright")
    with gr.Row(elem_id="top"):
        Lines(elem_id="brand", scale=0, min_width=0).value = {"lines": [{"kind": "brand", "key": "brand"}]}
        title = gr.Textbox(show_label=False, label=say("name_film"), container=False, elem_id="title", scale=1, max_lines=1, placeholder=say("name_film"), max_length=200)
        with gr.Row(elem_id="top-acts", scale=0):
            undo = _small(say("undo"), "undo-2", "undo")
            redo = _small(say("redo"), "redo-2", "redo")
            new = gr.Button(say("new"), icon=icon("file-plus"), elem_id="new", scale=0, min_width=0)
            opener = gr.UploadButton(say("open"), icon=icon("folder-open"), file_types=[".zip"], elem_id="open", scale=0, min_width=0)
            save = gr.Button(say("save"), icon=icon("save"), elem_id="save", scale=0, min_width=0)
            download = gr.DownloadButton(visible="hidden", elem_id="download")
            theme = _small(say("theme"), "sun-moon", "theme")
    with gr.Row(elem_id="main"):
        with gr.Column(scale=7, elem_id="left", min_width=300), gr.Tabs(elem_id="view"):
            with gr.Tab(say("storyboard"), id="board"):
                board = Board(_listed(studio.presets.moves), _listed(studio.presets.moods), functions, elem_id="board")
                add = gr.Button(say("add_scene"), elem_id="add", visible="hidden")
            with gr.Tab(say("spreadsheet"), id="sheet") as sheet_tab, gr.Column(elem_id="sheet-tab"):
                sheet, bulk = _sheet(say)
        with gr.Column(scale=4, elem_id="right", min_width=300):
            panel_close = gr.Button(say("close"), icon=icon("x"), elem_id="panel-close", scale=0, min_width=0)
            with gr.Tabs(elem_id="side") as side:
                with gr.Tab(say("scene"), id="scene"):
                    scene_notes = Lines(elem_id="scene-notes")
                    with gr.Column(visible=False, elem_id="scene-box") as scene_box:
                        scene, scene_more, one, again, takes = scene_panel(studio, say)
                with gr.Tab(say("story"), id="story"):
                    story, story_more = story_panel(studio, say)
                with gr.Tab(say("clips"), id="clips"):
                    clips_note = Lines(elem_id="clips-note")
                    gallery = gr.Gallery(
                        show_label=False, columns=2, object_fit="cover", elem_id="gallery", interactive=False,
                        buttons=["download_all"], height="auto", fit_columns=False,
                    )
                with gr.Tab(say("film"), id="film"):
                    film_note = Lines(elem_id="film-note")
                    player = gr.Video(show_label=False, label=say("film"), elem_id="player", interactive=False, buttons=[], visible=False)
                    film_lines = Lines(elem_id="film-lines")
                    with gr.Row(elem_id="papers"):
                        paper = gr.Button(say("paper"), icon=icon("printer"), elem_id="paper", elem_classes="quiet", size="sm")
                        paper_png = gr.Button(say("paper_png"), icon=icon("image"), elem_id="paper-png", elem_classes="quiet", size="sm")
                with gr.Tab(say("rework"), id="video") as video_tab:
                    video = {"tab": video_tab} | video_panel(studio, say)
    with gr.Row(elem_id="dockrow"):
        dock = Dock(elem_id="dock", scale=1, min_width=100)
        watch = gr.Button(say("watch"), icon=icon("film"), elem_id="watch", scale=0, min_width=0)
        make = gr.Button(say("make"), variant="primary", icon=icon("clapperboard"), elem_id="make", scale=0, min_width=0)
        stop = gr.Button(say("stop"), variant="stop", elem_id="stop", scale=0, min_width=0)
    return Page(
        project, selected, saved, heard, shown, title, undo, redo, new, opener, save, download, theme, board, dock, add, sheet_tab, sheet,
        bulk, side, panel_close, scene, scene_more, scene_box, scene_notes, takes, one, again, story, story_more, clips_note, gallery,
        film_note, player, film_lines, paper, paper_png, video, watch, make, stop,
    )  # fmt: skip


def _small(label: Any, name: str, identity: str) -> gr.Button:
    """A button that is only an icon; its label is for those who cannot see it."""
    return gr.Button(label, icon=icon(name), elem_id=identity, elem_classes="ib", scale=0, min_width=0)


def _sheet(say: Say) -> tuple[gr.Dataframe, dict[str, Any]]:
    hint = Lines()
    hint.value = {"lines": [{"kind": "hint", "key": "sheet_hint"}]}
    counts: dict[str, Any] = {"column_count": (len(COLUMNS), "fixed"), "row_count": (1, "dynamic")}  # the only form that works
    sheet = gr.Dataframe(
        headers=list(COLUMNS), datatype=KINDS, **counts, static_columns=[0, 1],
        interactive=True, wrap=True, show_label=False, column_widths=list(WIDTHS), pinned_columns=2, max_height=1200, elem_id="sheet",
        show_search="search", buttons=["copy", "fullscreen"],
    )  # fmt: skip
    with gr.Accordion(say("bulk"), open=False, elem_id="bulk"):
        with gr.Row():
            field = gr.Dropdown([name for name in COLUMNS if name not in ("scene_number", "image")], value="duration", label=say("bulk_field"), min_width=120)
            value = gr.Textbox(label=say("bulk_value"), min_width=120)
            which = gr.Textbox("all", label=say("bulk_scenes"), info=say("bulk_scenes_info"), elem_id="bulk-scenes", min_width=120)
        apply = gr.Button(say("bulk_apply"), elem_id="bulk-apply")
        with gr.Row():
            find, by = gr.Textbox(label=say("find"), min_width=120), gr.Textbox(label=say("replace"), min_width=120)
        swap = gr.Button(say("replace_apply"), elem_id="replace-apply")
    csv = gr.Button(say("sheet_csv"), elem_id="sheet-csv", size="sm")
    return sheet, {"field": field, "value": value, "which": which, "apply": apply, "find": find, "by": by, "swap": swap, "csv": csv}


def _listed(entries: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "label": one.label, "what": one.what} for name, one in entries.items()]
