"""The panels at the side: a scene's fields, the film's fields, the workshop for videos. Says nothing about what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import gradio as gr

from pipelines.presets import Presets
from pipelines.stage import Studio
from pipelines.story import schema_of
from pipelines.verbs.shooting import at_hand
from pipelines.verbs.table import EVERY

from .parts import Lines, Takes, icon

Say = Callable[[str], Any]
Choices = list[tuple[Any, str]]
FOCUS = ("left", "right", "top", "bottom", "middle")
VERBS = ("edit", "extend", "fill", "loop", "recut", "split", "blend", "chain")
NEW = ("chain",)  # needs no video
ENGINES = tuple(name for name, verb in EVERY.items() if "engine" in {field.name for field in fields(verb.options)})


def scene_panel(studio: Studio, say: Say) -> tuple[dict[str, Any], dict[str, Any], gr.Button, gr.Button, Takes]:
    """The inspector: its fields by name, what helps with them, its buttons and the takes."""
    presets = studio.presets
    made: dict[str, Any] = {}
    more: dict[str, Any] = {}
    made["image"] = gr.Image(
        type="filepath", sources=["upload", "clipboard"], label=say("col_image"), show_label=False, height=190, elem_id="image",
        buttons=["fullscreen"], placeholder=say("image_drop"),
    )  # fmt: skip
    more["consent"] = gr.Checkbox(label=say("consent"), info=say("consent_info"), elem_id="consent", visible=False)
    more["consent_all"] = gr.Button(say("consent_all"), elem_id="consent-all", elem_classes="quiet", size="sm", visible=False)
    made["prompt"] = gr.Textbox(label=say("prompt"), lines=3, max_lines=8, elem_id="prompt", placeholder=say("prompt_empty"))
    more["lacks"] = gr.Radio([], show_label=False, label=say("prompt_add"), elem_id="lacks", visible=False)
    made["narration"] = gr.Textbox(label=say("narration"), lines=2, max_lines=8, elem_id="narration", placeholder=say("narration_hint"))
    with gr.Row():
        made["clip_action"] = _free(_choices(presets.moves, ("auto", "auto")), say("clip_action"), "clip_action", say("clip_action_info"))
        made["music_mood"] = _free([("", ""), *_choices(presets.moods)], say("music_mood"), "music_mood", say("music_mood_info"))
    with gr.Row():
        made["duration"] = gr.Textbox(label=say("duration"), info=say("duration_info"), elem_id="duration", max_lines=1, min_width=120)
        made["transition"] = gr.Dropdown([("", ""), *_turns(presets)], label=say("transition"), info=say("transition_info"), elem_id="transition", min_width=120)
    with gr.Row():
        made["voice"] = _free([("", ""), *_voices(presets)], say("voice"), "voice", say("voice_info"))
        made["engine"] = gr.Dropdown([("auto", "auto"), *_makers(studio)], label=say("engine"), elem_id="engine", min_width=120, allow_custom_value=True)
    made["seed"] = gr.Textbox(label=say("seed"), info=say("seed_info"), elem_id="seed", max_lines=1)
    with gr.Accordion(say("scene_more"), open=False, elem_id="scene-more"):
        with gr.Row():
            made["card"] = gr.Dropdown([("", ""), *_words("card", ("title", "credits"), say)], label=say("card"), info=say("card_info"), elem_id="card", min_width=120)
            made["lower_third"] = gr.Textbox(label=say("lower_third"), info=say("lower_third_info"), elem_id="lower-third", max_lines=1, min_width=120)
        with gr.Row():
            made["picture_style"] = gr.Dropdown([("", ""), *_choices(presets.styles)], label=say("picture_style"), elem_id="picture-style", min_width=120)
            made["focus"] = _free([("", ""), *_words("focus", FOCUS, say)], say("focus"), "focus", say("focus_info"))
        with gr.Row():
            made["motion_intensity"] = gr.Textbox(label=say("motion_intensity"), info=say("motion_intensity_info"), elem_id="motion-intensity", max_lines=1, min_width=120)
            made["negative_prompt"] = gr.Textbox(label=say("negative_prompt"), info=say("negative_prompt_info"), elem_id="negative-prompt", max_lines=1, min_width=120)
        with gr.Row():
            made["clip_start"] = gr.Textbox(label=say("clip_start"), info=say("clip_start_info"), elem_id="clip-start", max_lines=1, min_width=120)
            made["clip_sound"] = gr.Dropdown([("", ""), *_words("clip_sound", ("none", "under", "full"), say)], label=say("clip_sound"), elem_id="clip-sound", min_width=120)
        made["loras"] = gr.Textbox(label=say("loras"), info=say("loras_info"), elem_id="loras", max_lines=1, min_width=120)
        made["steady"] = gr.Dropdown([("", ""), (say("steady_true"), "true")], label=say("steady"), elem_id="steady", min_width=120)
    with gr.Row(elem_id="scene-acts"):
        one = gr.Button(say("make_scene"), icon=icon("play"), elem_id="one", min_width=120)
        again = gr.Button(say("another_take"), icon=icon("dices"), elem_id="again", min_width=120)
    takes = Takes(elem_id="takes")
    return made, more, one, again, takes


def story_panel(studio: Studio, say: Say) -> tuple[dict[str, Any], dict[str, Any]]:
    """The film's own fields by name, and what helps with them."""
    spec, presets, crew = schema_of("Story"), studio.presets, studio.crew
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
    with gr.Accordion(say("story_more"), open=False, elem_id="story-more"):
        made["motion_intensity"] = gr.Slider(0, 1, step=0.05, label=say("motion_intensity"), buttons=[], elem_id="story-motion", min_width=120)
        made["negative_prompt"] = gr.Textbox(label=say("negative_prompt"), info=say("negative_prompt_info"), elem_id="story-negative", max_lines=2)
        made["loras"] = gr.Textbox(label=say("loras"), info=say("loras_info"), elem_id="story-loras", max_lines=1)
        made["logo"] = gr.Image(type="filepath", sources=["upload"], label=say("logo"), height=110, elem_id="logo", buttons=[], placeholder=say("logo_drop"))
        with gr.Row():
            made["logo_place"] = gr.Dropdown(_words("logo", spec["logo_place"]["enum"], say), label=say("logo_place"), elem_id="logo-place", min_width=120)
            made["logo_opacity"] = gr.Slider(0, 1, step=0.05, label=say("logo_opacity"), buttons=[], elem_id="logo-opacity", min_width=120)
    made["seed"] = gr.Textbox(label=say("story_seed"), elem_id="story-seed", max_lines=1)
    made["label"] = gr.Textbox(label=say("film_label"), info=say("film_label_info"), elem_id="label", max_lines=1)
    more["settings_name"] = gr.Textbox(label=say("settings_name"), elem_id="settings-name", max_lines=1, max_length=100)
    with gr.Row():
        more["keep"] = gr.Button(say("keep_settings"), elem_id="keep-settings", size="sm", min_width=120)
        more["use"] = gr.UploadButton(say("use_settings"), file_types=[".json"], elem_id="use-settings", size="sm", min_width=120)
    with gr.Accordion(say("gaps"), open=False, elem_id="gaps") as more["gaps"]:
        hint = Lines()
        hint.value = {"lines": [{"kind": "hint", "key": "gaps_hint"}]}
        counts: dict[str, Any] = {"column_count": (2, "fixed"), "row_count": (1, "dynamic")}
        more["values"] = gr.Dataframe(
            headers=["field", "value"], datatype=["str", "str"], **counts, static_columns=[0],
            interactive=True, show_label=False, elem_id="gap-values", buttons=[],
        )  # fmt: skip
        more["fill"] = gr.Button(say("gaps_fill"), elem_id="gaps-fill", size="sm")
    with gr.Accordion(say("who_can"), open=False, elem_id="who") as more["who"]:
        more["crew"] = Lines(elem_id="crew")
    return made, more


def _free(choices: Choices, label: Any, identity: str, info: Any = None) -> gr.Dropdown:
    """A list that takes other words too."""
    return gr.Dropdown(choices, label=label, info=info, elem_id=identity, allow_custom_value=True, min_width=120)


def _range(spec: dict[str, Any], label: Any, step: float) -> gr.Slider:
    """A slider with the limits of the story's schema."""
    return gr.Slider(spec["minimum"], spec["maximum"], step=step, label=label, buttons=[], min_width=120)


def _choices(entries: dict[str, Any], *first: tuple[str, str]) -> Choices:
    return [*first, *((one.label, name) for name, one in entries.items())]


def _turns(presets: Presets) -> Choices:
    return [(name, name) for name in ("none", "fade", "crossfade") if name not in presets.transitions] + _choices(presets.transitions)


def _voices(presets: Presets) -> Choices:
    return [(f"{one.label} ({one.language})", name) for name, one in presets.voices.items()]


def _makers(studio: Studio, way: str = "") -> Choices:
    return [(label, name) for name, label in at_hand(studio, way)]


def video_panel(studio: Studio, say: Say) -> dict[str, Any]:
    """A finished clip or somebody's own video, made over; and what any file says of itself."""
    made: dict[str, Any] = {}
    hint = Lines()
    hint.value = {"lines": [{"kind": "title", "key": "video_title"}, {"kind": "hint", "key": "video_hint"}]}
    made["verb"] = gr.Dropdown(_words("verb", VERBS, say), value="edit", label=say("verb"), elem_id="verb")
    with gr.Column(elem_id="given") as made["given"]:
        made["which"] = gr.Radio(_words("which", ("film", "scene", "cut", "own"), say), value="own", label=say("which"), elem_id="which")
        made["own"] = gr.File(label=say("which_own"), file_types=["video"], height=96, elem_id="own-video")
    groups: dict[str, gr.Column] = {}
    how: dict[str, dict[str, Any]] = {}
    for verb in VERBS:
        with gr.Column(visible=verb == "edit", elem_id=f"how-{verb}") as groups[verb]:
            how[verb] = _how(verb, studio.presets, say)
            if verb == "split":
                made["split"] = gr.Button(say("video_split"), elem_id="video-split")
    made |= {"groups": groups, "how": how}
    made["makers"] = {verb: [(say("how_engine_none"), ""), *_makers(studio, EVERY[verb].way)] for verb in ENGINES}
    made["engine"] = gr.Dropdown(
        made["makers"].get("edit", []), value="", label=say("how_engine"), info=say("how_engine_info"), elem_id="how-engine",
        allow_custom_value=True, visible=len(made["makers"]["edit"]) > 1,
    )  # fmt: skip
    made["consent"] = gr.Checkbox(label=say("video_consent"), info=say("video_consent_info"), elem_id="video-consent", visible=False)
    with gr.Row():
        made["go"] = gr.Button(say("video_go"), icon=icon("play"), elem_id="video-go", min_width=120)
        made["halt"] = gr.Button(say("stop"), elem_id="video-halt", visible=False, min_width=120)
    made["lines"] = Lines(elem_id="video-lines")
    made["player"] = gr.Video(show_label=False, label=say("rework"), elem_id="video-player", interactive=False, buttons=[], visible=False)
    made["links"] = Lines(elem_id="video-links")
    made["add"] = gr.Button(say("video_add"), icon=icon("plus"), elem_id="video-add", size="sm", visible=False)
    with gr.Accordion(say("check"), open=False, elem_id="check"):
        hint = Lines()
        hint.value = {"lines": [{"kind": "hint", "key": "check_hint"}]}
        made["check"] = gr.File(label=say("check_file"), height=96, elem_id="check-file")
        made["verdict"] = Lines(elem_id="verdict")
    return made


def _how(verb: str, presets: Presets, say: Say) -> dict[str, Any]:
    """The options of one verb, by the names that it knows them by."""

    def text(name: str, word: str, lines: int = 1, info: str = "") -> gr.Textbox:
        label = say(word)
        return gr.Textbox(label=label, info=say(info) if info else None, lines=lines, max_lines=max(4, 2 * lines), elem_id=f"{verb}-{name}", min_width=120)

    def number(name: str, low: float, high: float, usual: float, step: float) -> gr.Slider:
        return gr.Slider(low, high, value=usual, step=step, label=say(f"how_{name}"), buttons=[], elem_id=f"{verb}-{name}", min_width=120)

    def choice(name: str, values: Iterable[str], usual: str) -> gr.Dropdown:
        return gr.Dropdown(_words(name, values, say), value=usual, label=say(f"how_{name}"), elem_id=f"{verb}-{name}", min_width=120)

    def switch(name: str) -> gr.Checkbox:
        return gr.Checkbox(label=say(f"how_{name}"), elem_id=f"{verb}-{name}", min_width=120)

    match verb:
        case "edit":
            made: dict[str, Any] = {"prompt": text("prompt", "how_edit", 2, "how_edit_info")}
            with gr.Row():
                made["look"] = gr.Dropdown([("", ""), *_choices(presets.looks)], label=say("look"), elem_id="edit-look", min_width=120)
                made["strength"] = choice("strength", ("", "subtle", "mild", "strong"), "")
            with gr.Row():
                made["speed"] = number("speed", 0.25, 4, 1, 0.05)
                made["crop"] = _free([("", ""), *((shape, shape) for shape in ("16:9", "9:16", "1:1", "4:5"))], say("how_crop"), "edit-crop")
            made["narration"] = text("narration", "how_narration", 2)
            with gr.Row():
                made["caption"], made["voice"] = text("caption", "how_caption"), _free([("auto", "auto"), *_voices(presets)], say("voice"), "edit-voice")
            with gr.Row():
                made["reverse"], made["mute"] = switch("reverse"), switch("mute")
            with gr.Row():
                made["steady"], made["captions"] = switch("steady"), switch("captions")
            return made
        case "extend":
            made = {"seconds": number("more_seconds", 1, 20, 4, 0.5), "prompt": text("prompt", "how_extend", 2, "how_extend_info")}
            return made | {"backward": switch("backward")}
        case "fill":
            made = {"slow": number("slow", 1, 8, 2, 0.25), "fps": text("fps", "how_fps", 1, "how_fps_info")}
            return made | {"missing": switch("missing")}
        case "loop":
            return {"seam": choice("seam", ("short", "normal", "long"), "normal")}
        case "recut":
            made = {"keep": text("keep", "how_keep", 1, "how_keep_info"), "seconds": text("seconds", "whole_seconds", 1, "how_whole_seconds_info")}
            return made | {"prompt": text("prompt", "how_extend", 2)}
        case "split":
            return {"at": text("at", "how_at", 1, "how_at_info")}
        case "chain":
            made = {"prompts": text("prompts", "how_prompts", 4, "how_prompts_info"), "seconds": number("whole_seconds", 2, 120, 12, 1)}
            made["start"] = choice("start", ("words", "scene", "own"), "words")
            return made | {"picture": gr.File(label=say("how_picture"), file_types=["image"], height=96, elem_id="chain-picture", visible=False)}
        case _:
            made = {"second": gr.File(label=say("how_second"), file_types=["video"], height=96, elem_id="blend-second")}
            made["seconds"] = number("blend_seconds", 0.25, 4, 1, 0.25)
            return made | {"curve": choice("curve", ("ease", "linear", "early", "late", "mix"), "ease")}


def _words(kind: str, names: Iterable[str], say: Say) -> Choices:
    """Names with their words on the page."""
    return [(say(f"{kind}_{name}"), name) for name in names]
