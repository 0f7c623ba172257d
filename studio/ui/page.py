"""The page's layout: which components there are and what each is called. Says nothing about what they do (wiring.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from pipelines.crew import Crew
from pipelines.presets import Presets
from pipelines.story import schema_of

from .parts import Board, Dock, Lines, icon, words
from .sheet import COLUMNS, KINDS, WIDTHS

Say = Callable[[str], Any]
Choices = list[tuple[str, str]]


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
    scene_box: gr.Column
    scene_notes: Lines
    takes: gr.Gallery
    one: gr.Button
    again: gr.Button
    story: dict[str, Any]
    story_more: dict[str, Any]
    clips_note: Lines
    gallery: gr.Gallery
    film_note: Lines
    player: gr.Video
    film_lines: Lines
    watch: gr.Button
    make: gr.Button
    stop: gr.Button


def translations() -> gr.I18n:
    """The page's words in every language that it has; the browser chooses."""
    return gr.I18n(**{language: dict(said) for language, said in words().items()})


def lay_out(presets: Presets, crew: Crew, say: Say, functions: list[Callable[..., Any]]) -> Page:
    """Place every component; inside a gr.Blocks."""
    project, selected, shown, heard = gr.State(""), gr.State(""), gr.State(None), gr.State(("", "idle"))
    saved = gr.BrowserState({}, storage_key="reelwright", secret="reelwright")
    with gr.Row(elem_id="top"):
        Lines(elem_id="brand", scale=0, min_width=0).value = {"lines": [{"kind": "brand", "key": "brand"}]}
        title = gr.Textbox(show_label=False, label=say("name_film"), container=False, elem_id="title", scale=1, max_lines=1, placeholder=say("name_film"), max_length=200)
        with gr.Row(elem_id="top-acts", scale=0):
            undo = _small(say("undo"), "undo-2", "undo")
            redo = _small(say("redo"), "redo-2", "redo")
            new = gr.Button(say("new"), elem_id="new", scale=0, min_width=0)
            opener = gr.UploadButton(say("open"), file_types=[".zip"], elem_id="open", scale=0, min_width=0)
            save = gr.Button(say("save"), elem_id="save", scale=0, min_width=0)
            download = gr.DownloadButton(visible="hidden", elem_id="download")
            theme = _small(say("theme"), "sun-moon", "theme")
    with gr.Row(elem_id="main"):
        with gr.Column(scale=7, elem_id="left", min_width=300), gr.Tabs(elem_id="view"):
            with gr.Tab(say("storyboard"), id="board"):
                board = Board(_listed(presets.moves), _listed(presets.moods), functions, elem_id="board")
                add = gr.Button(say("add_scene"), elem_id="add", visible="hidden")
            with gr.Tab(say("spreadsheet"), id="sheet") as sheet_tab, gr.Column(elem_id="sheet-tab"):
                sheet, bulk = _sheet(say)
        with gr.Column(scale=4, elem_id="right", min_width=300):
            panel_close = gr.Button(say("close"), icon=icon("x"), elem_id="panel-close", scale=0, min_width=0)
            with gr.Tabs(elem_id="side") as side:
                with gr.Tab(say("scene"), id="scene"):
                    scene_notes = Lines(elem_id="scene-notes")
                    with gr.Column(visible=False, elem_id="scene-box") as scene_box:
                        scene, one, again, takes = _scene(presets, crew, say)
                with gr.Tab(say("story"), id="story"):
                    story, story_more = _story(presets, crew, say)
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
    with gr.Row(elem_id="dockrow"):
        dock = Dock(elem_id="dock", scale=1, min_width=100)
        watch = gr.Button(say("watch"), icon=icon("film"), elem_id="watch", scale=0, min_width=0)
        make = gr.Button(say("make"), variant="primary", icon=icon("clapperboard"), elem_id="make", scale=0, min_width=0)
        stop = gr.Button(say("stop"), variant="stop", elem_id="stop", scale=0, min_width=0)
    return Page(
        project, selected, saved, heard, shown, title, undo, redo, new, opener, save, download, theme, board, dock, add, sheet_tab, sheet,
        bulk, side, panel_close, scene, scene_box, scene_notes, takes, one, again, story, story_more, clips_note, gallery,
        film_note, player, film_lines, watch, make, stop,
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


def _scene(presets: Presets, crew: Crew, say: Say) -> tuple[dict[str, Any], gr.Button, gr.Button, gr.Gallery]:
    made: dict[str, Any] = {}
    made["image"] = gr.Image(
        type="filepath", sources=["upload", "clipboard"], label=say("image"), show_label=False, height=190, elem_id="image",
        buttons=["fullscreen"], placeholder=say("image_drop"),
    )  # fmt: skip
    made["prompt"] = gr.Textbox(label=say("prompt"), lines=3, max_lines=8, elem_id="prompt", placeholder=say("prompt_empty"))
    made["narration"] = gr.Textbox(label=say("narration"), lines=2, max_lines=8, elem_id="narration", placeholder=say("narration_hint"))
    with gr.Row():
        made["clip_action"] = _free(_choices(presets.moves, ("auto", "auto")), say("clip_action"), "clip_action", say("clip_action_info"))
        made["music_mood"] = _free([("", ""), *_choices(presets.moods)], say("music_mood"), "music_mood", say("music_mood_info"))
    with gr.Row():
        made["duration"] = gr.Textbox(label=say("duration"), info=say("duration_info"), elem_id="duration", max_lines=1, min_width=120)
        made["transition"] = gr.Dropdown([("", ""), *_turns(presets)], label=say("transition"), info=say("transition_info"), elem_id="transition", min_width=120)
    with gr.Row():
        made["voice"] = _free([("", ""), *_voices(presets)], say("voice"), "voice", say("voice_info"))
        made["engine"] = gr.Dropdown(_engines(crew, presets), label=say("engine"), elem_id="engine", min_width=120, allow_custom_value=True)
    with gr.Row():
        cards = [("", ""), *((say(f"card_{name}"), name) for name in ("title", "credits"))]
        made["card"] = gr.Dropdown(cards, label=say("card"), info=say("card_info"), elem_id="card", min_width=120)
        made["lower_third"] = gr.Textbox(label=say("lower_third"), info=say("lower_third_info"), elem_id="lower-third", max_lines=1, min_width=120)
    with gr.Row():
        made["motion_intensity"] = gr.Textbox(label=say("motion_intensity"), info=say("motion_intensity_info"), elem_id="motion", max_lines=1, min_width=120)
        made["negative_prompt"] = gr.Textbox(label=say("negative_prompt"), info=say("negative_prompt_info"), elem_id="negative", max_lines=2, min_width=120)
    made["seed"] = gr.Textbox(label=say("seed"), info=say("seed_info"), elem_id="seed", max_lines=1)
    with gr.Row(elem_id="scene-acts"):
        one = gr.Button(say("make_scene"), icon=icon("play"), elem_id="one", min_width=120)
        again = gr.Button(say("another_take"), icon=icon("dices"), elem_id="again", min_width=120)
    takes = gr.Gallery(
        label=say("takes_label"), columns=3, height=130, object_fit="cover", elem_id="takes", visible=False, interactive=False,
        buttons=[], allow_preview=False,
    )  # fmt: skip
    return made, one, again, takes


def _story(presets: Presets, crew: Crew, say: Say) -> tuple[dict[str, Any], dict[str, Any]]:
    spec = schema_of("Story")
    made: dict[str, Any] = {}
    more: dict[str, Any] = {}
    heading = Lines()
    heading.value = {"lines": [{"kind": "title", "key": "story_title"}]}
    with gr.Row():
        made["size"] = _free(_choices(presets.sizes), say("size"), "size")
        made["fps"] = gr.Textbox(label=say("fps"), elem_id="fps", max_lines=1, min_width=120)
    with gr.Row():
        made["quality"] = gr.Dropdown(_choices(presets.qualities), label=say("quality"), elem_id="quality", min_width=120)
        made["fit"] = gr.Dropdown(
            [(say(f"fit_{name.replace('-', '_')}"), name) for name in spec["fit"]["enum"]], label=say("fit"), elem_id="fit", min_width=120
        )
    with gr.Row():
        made["transition"] = gr.Dropdown(_turns(presets), label=say("story_transition"), elem_id="story-transition", min_width=120)
        made["transition_seconds"] = _range(spec["transition_seconds"], say("transition_seconds"), 0.1)
    with gr.Row(equal_height=True):
        made["voice"] = _free([("auto", "auto"), ("none", "none"), *_voices(presets)], say("story_voice"), "story-voice", say("story_voice_info"))
        more["hear_voice"] = gr.Button(say("hear_voice"), icon=icon("volume-2"), elem_id="hear-voice", elem_classes="quiet", min_width=120)
    more["voice_heard"] = gr.Audio(visible=False, autoplay=True, show_label=False, elem_id="voice-heard", buttons=[], interactive=False)
    with gr.Row(equal_height=True):
        composers = [(crew.get("music", name).label, name) for name in crew.present("music")]
        made["music"] = _free([("auto", "auto"), ("none", "none"), *composers], say("music"), "music")
        more["hear_music"] = gr.Button(say("hear_music"), icon=icon("volume-2"), elem_id="hear-music", elem_classes="quiet", min_width=120)
    more["music_heard"] = gr.Audio(visible=False, autoplay=True, show_label=False, elem_id="music-heard", buttons=[], interactive=False)
    more["own_music"] = gr.UploadButton(say("own_music"), file_types=["audio"], elem_id="own-music", size="sm")
    made["music_level"] = _range(spec["music_level"], say("music_level"), 1)
    made["captions"] = gr.Radio([(say(f"cap_{name}"), name) for name in spec["captions"]["enum"]], label=say("captions"), elem_id="captions")
    with gr.Row():
        made["caption_style"] = gr.Dropdown(_choices(presets.captions), label=say("caption_style"), elem_id="caption-style", min_width=120)
        made["look"] = gr.Dropdown(_choices(presets.looks), label=say("look"), elem_id="look", min_width=120)
    more["still"] = gr.Image(label=say("still"), elem_id="still", interactive=False, buttons=["fullscreen"], visible=False, type="filepath")
    with gr.Row():
        made["motion_intensity"] = _range(spec["motion_intensity"], say("motion_intensity"), 0.05)
        made["negative_prompt"] = gr.Textbox(label=say("negative_prompt"), elem_id="story-negative", max_lines=2, min_width=120)
    with gr.Row(equal_height=True):
        made["logo"] = gr.Textbox(label=say("logo"), elem_id="logo", max_lines=1, min_width=120)
        more["own_logo"] = gr.UploadButton(say("own_logo"), file_types=["image"], elem_id="own-logo", size="sm", min_width=120)
    with gr.Row():
        corners = [(say(f"corner_{name}"), name) for name in spec["logo_place"]["enum"]]
        made["logo_place"] = gr.Dropdown(corners, label=say("logo_place"), elem_id="logo-place", min_width=120)
        made["logo_opacity"] = _range(spec["logo_opacity"], say("logo_opacity"), 0.05)
    made["seed"] = gr.Textbox(label=say("story_seed"), elem_id="story-seed", max_lines=1)
    more["settings_name"] = gr.Textbox(label=say("settings_name"), elem_id="settings-name", max_lines=1, max_length=100)
    with gr.Row():
        more["keep"] = gr.Button(say("keep_settings"), elem_id="keep-settings", size="sm", min_width=120)
        more["use"] = gr.UploadButton(say("use_settings"), file_types=[".json"], elem_id="use-settings", size="sm", min_width=120)
    with gr.Accordion(say("who_can"), open=False, elem_id="who") as more["who"]:
        more["crew"] = Lines(elem_id="crew")
    return made, more


def _free(choices: Choices, label: Any, identity: str, info: Any = None) -> gr.Dropdown:
    """A list that takes other words too."""
    return gr.Dropdown(choices, label=label, info=info, elem_id=identity, allow_custom_value=True, min_width=120)


def _range(spec: dict[str, Any], label: Any, step: float) -> gr.Slider:
    """A slider with the limits of the story's schema."""
    return gr.Slider(spec["minimum"], spec["maximum"], step=step, label=label, buttons=[], min_width=120)


def _listed(entries: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "label": one.label, "what": one.what} for name, one in entries.items()]


def _choices(entries: dict[str, Any], *first: tuple[str, str]) -> Choices:
    return [*first, *((one.label, name) for name, one in entries.items())]


def _turns(presets: Presets) -> Choices:
    return [(name, name) for name in ("none", "fade", "crossfade") if name not in presets.transitions] + _choices(presets.transitions)


def _voices(presets: Presets) -> Choices:
    return [(f"{one.label} ({one.language})", name) for name, one in presets.voices.items()]


def _engines(crew: Crew, presets: Presets) -> Choices:
    found = [(crew.get("clips", name).label, name) for name in crew.present("clips")]
    return [("auto", "auto"), *found]
