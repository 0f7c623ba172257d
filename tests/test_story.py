
"""Stories from plain data: every limit, every name, every fault at once."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import story as stories
from pipelines.presets import CaptionStyle, Look, Mood, Presets, Quality, Size, Transition, Voice
from pipelines.story import Scene, Story, pixels, plain, read, schema
from pipelines.story_moods import mood_for
from pipelines.work import FilmError

PRESETS = Presets(
    transitions={name: Transition(name, "") for name in ("none", "fade", "crossfade", "wipe_left", "slide_up")},
    voices={"anna": Voice("Anna", "en", "female", {"espeak": "en"})},
    moods={
        "calm": Mood("Calm", "", "", ("peaceful", "quiet")),
        "epic": Mood("Epic", "", "", ("heroic", "grand")),
        "tense": Mood("Tense", "", "", ("suspense",)),
    },
    looks={"none": Look("None", ""), "teal-orange": Look("Teal and orange", "")},
    sizes={"wide": Size("Wide", 1024, 576), "4:5": Size("4:5", 864, 1080)},
    qualities={"standard": Quality("Standard", "veryfast", 18), "draft": Quality("Draft", "ultrafast", 28)},
    captions={"plain": CaptionStyle("Plain", ""), "boxed": CaptionStyle("Boxed", "")},
)
SEEN: dict[str, Any] = {"prompt": "a beach"}


def one(**cells: Any) -> dict[str, Any]:
    return {"scenes": [SEEN | cells]}


def faults(data: object, base: Path | None = None, table: bool = False) -> tuple[FilmError, ...]:
    with pytest.raises(FilmError) as caught:
        read(data, PRESETS, base, table=table)
    return caught.value.faults


def only(data: object, base: Path | None = None, table: bool = False) -> FilmError:
    (fault,) = faults(data, base, table)
    return fault


def test_defaults_are_the_contracts() -> None:
    made = read(one(), PRESETS)
    assert made == Story(title="Untitled", scenes=(Scene(scene_number=1, prompt="a beach"),))
    assert (made.size, made.fps, made.quality, made.transition, made.transition_seconds) == (
        "1024x576",
        24,
        "standard",
        "crossfade",
        0.5,
    )
    assert (made.voice, made.music, made.captions, made.caption_style) == ("auto", "auto", "both", "plain")
    assert (made.look, made.fit, made.seed, made.music_level) == ("none", "cover", 0, 12)
    assert made.scenes[0].clip_action == "auto" and made.scenes[0].duration is None


def test_a_fault_names_scene_field_and_remedy() -> None:
    fault = only({"scenes": [SEEN, SEEN, SEEN | {"duration": 0}]})
    assert str(fault) == "scene 3, duration: 0 is below 0.5. Give 0.5 to 60 seconds, or leave it empty."
    assert fault.where == "scenes[2].duration"


def test_a_scene_is_called_by_its_own_number() -> None:
    fault = only({"scenes": [SEEN | {"scene_number": 7, "duration": 61}]})
    assert fault.message == "scene 7, duration: 61 is above 60." and fault.where == "scenes[0].duration"


def test_all_faults_at_once_in_order() -> None:
    data = {
        "fps": 0,
        "tilte": "x",
        "scenes": [SEEN | {"duration": -1, "transition": "wype left", "durration": 2}, {"narration": 5}, "no"],
    }
    with pytest.raises(FilmError) as caught:
        read(data, PRESETS)
    assert caught.value.message == "The story has 8 faults."
    assert [fault.where for fault in caught.value.faults] == [
        "tilte",
        "fps",
        "scenes[0].durration",
        "scenes[0].duration",
        "scenes[0].transition",
        "scenes[1].image",
        "scenes[1].narration",
        "scenes[2]",
    ]
    assert caught.value.faults[0].hint.startswith("Did you mean title?")
    assert caught.value.faults[2].hint.startswith("Did you mean duration?")
    assert caught.value.faults[4].hint.startswith("Did you mean wipe_left?")
    assert str(caught.value).count("\n") == 8


def test_at_most_fifty_faults_are_listed() -> None:
    found = faults({"scenes": [{"prompt": "x", "duration": 99}] * 170})
    assert len(found) == 51 and found[-1].message == "and 120 more."


def test_too_many_scenes_are_one_fault() -> None:
    fault = only({"scenes": [{"duration": -1}] * 10_000})
    assert "500" in fault.message and fault.where == "scenes"
    assert len(read({"scenes": [SEEN] * 500}, PRESETS).scenes) == 500


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), True, "5", "abc", [], {}, -1, 10**400, 1e999]
)
def test_numbers_that_are_none(value: object) -> None:
    assert only(one(duration=value)).hint == "Give 0.5 to 60 seconds, or leave it empty."
    assert only(one(seed=value)).hint == "Give a whole number from 0 to 4,294,967,295, or leave it empty."


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5), (" 5.0 ", 5), ("5,5", 5.5), ("+2.25", 2.25), ("", None), ("  ", None)]
)
def test_numbers_in_tables_may_be_text(text: str, seconds: float | None) -> None:
    assert read(one(duration=text), PRESETS, table=True).scenes[0].duration == seconds


@pytest.mark.parametrize("text", ["five", "5s", "1,000", "1e3", "nan", "inf", "0x5", "٥", "5 5", "--5"])
def test_text_that_is_no_number_in_tables(text: str) -> None:
    assert only(one(duration=text), table=True).where == "scenes[0].duration"


def test_whole_numbers() -> None:
    assert read(one(scene_number=3.0, seed="7"), PRESETS, table=True).scenes[0].scene_number == 3
    assert "2.5 is not a whole number." in only(one(seed=2.5)).message
    assert "is below 1" in only(one(scene_number=0)).message
    assert "is above 4,294,967,295" in only(one(seed=2**32)).message


def test_order_gaps_and_doubles_of_numbers() -> None:
    rows = [SEEN | {"scene_number": 30}, SEEN | {"scene_number": 4}, SEEN | {"scene_number": 9}]
    assert [scene.scene_number for scene in read({"scenes": rows}, PRESETS).scenes] == [4, 9, 30]
    fault = only({"scenes": [SEEN | {"scene_number": 2}, SEEN]})
    assert fault.message == "scene 2, scene_number: 2 is there twice." and fault.where == "scenes[1].scene_number"


@pytest.mark.parametrize("data", [{}, {"scenes": []}, {"scenes": None}, {"scenes": ""}])
def test_an_empty_story(data: object) -> None:
    assert only(data).message == "The story has no scenes."


@pytest.mark.parametrize("data", [None, 3, "story", [], [SEEN]])
def test_what_is_no_story(data: object) -> None:
    with pytest.raises(FilmError, match="A story is an object"):
        read(data, PRESETS)


def test_scenes_that_are_no_list() -> None:
    assert only({"scenes": 5}).message == "scenes: 5 is not a list."
    assert only({"scenes": {}}).where == "scenes"


def test_a_scene_needs_something_to_see() -> None:
    fault = only({"scenes": [{"narration": "Hello", "prompt": " \n"}]})
    assert fault.message == "scene 1, image: there is no picture and no prompt." and "prompt" in fault.hint


def test_text_limits() -> None:
    full = read(one(prompt="p" * 32_000, narration="n" * 5_000, clip_action="c" * 500), PRESETS).scenes[0]
    assert len(full.narration) == 5_000
    found = faults(one(prompt="p" * 32_001, narration="n" * 5_001, clip_action="c" * 501))
    assert [fault.where.split(".")[1] for fault in found] == ["prompt", "narration", "clip_action"]
    assert found[1].message == "scene 1, narration: 5,001 characters are more than 5,000."
    assert only({"title": "t" * 201, "scenes": [SEEN]}).hint == "Use at most 200 characters."


@pytest.mark.parametrize(
    "text",
    [
        "\u202bשלום\u202c \u200fعربى\u200f",
        "👩‍👩‍👧 🇺🇸",
        "表ポあA鷗ŒéＢ逍Üßªąñ丂㐀𠀀",
        "'; DROP TABLE",
        "{\\an8}<b>&amp;%s%n$HOME `id`",
        "T̫̺̳o̬̜ ì̬͎̲̟nv̖̗̻̣̹̕o͖̗̠̜̤k͍͚̹͖̼e̗̪͍̪͍",
        "undefined",
        "NaN",
        "0",
        "\ufeffx",
        "a\tb\nc",
    ],
)
def test_naughty_strings_are_kept(text: str) -> None:
    made = read(one(narration=text, prompt=text), PRESETS)
    assert made.scenes[0].narration == text == made.scenes[0].prompt
    assert (
        read({"title": text.replace("\t", " ").replace("\n", " "), "scenes": [SEEN]}, PRESETS).title.split()
        == text.split()
    )


def test_text_is_tidied() -> None:
    made = read(one(narration="cafe\u0301\x00\x07\r\nnext\rlast\x1b[0m \ud800"), PRESETS)
    assert made.scenes[0].narration == "café\nnext\nlast[0m \ufffd"
    assert read(one(narration="a" + "\u0301\u0323" * 2400), PRESETS).scenes[0].narration.startswith("a\u0301\u0323")
    assert read(one(clip_action=" slow\n zoom  in "), PRESETS).scenes[0].clip_action == "slow zoom in"


def test_names_may_be_spaced_and_capitalised() -> None:
    made = read(
        {
            "look": "Teal Orange",
            "captions": "BOTH",
            "fit": "contain blur",
            "quality": "Draft",
            "voice": "Anna",
            "size": "4:5",
            "caption_style": "Boxed",
            **one(transition="Wipe left"),
        },
        PRESETS,
    )
    assert (made.look, made.captions, made.fit, made.quality, made.voice) == (
        "teal-orange",
        "both",
        "contain-blur",
        "draft",
        "anna",
    )
    assert (made.size, made.caption_style, made.transition_of(0)) == ("4:5", "boxed", "wipe_left")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("look", "noir"),
        ("captions", "yes"),
        ("fit", "crop"),
        ("quality", "best"),
        ("voice", "nobody"),
        ("size", "huge"),
        ("caption_style", "comic"),
        ("transition", "explode"),
        ("music", "a song.mid"),
        ("fps", 61),
        ("fps", 0.5),
        ("seed", -1),
        ("music_level", 2),
        ("music_level", 31),
        ("transition_seconds", 3.1),
        ("transition_seconds", -0.1),
        ("title", 5),
        ("voice", "espeak:../../x"),
        ("voice", "C:\\x"),
        ("captions", 1),
    ],
)
def test_story_level_faults(field: str, value: object) -> None:
    fault = only({field: value, **one()})
    assert fault.where == field and fault.message.startswith(f"{field}: ") and fault.hint


@pytest.mark.parametrize("voice", ["auto", "none", "anna", "espeak:de", "espeak:en+f3", "edge:en-US-AriaNeural"])
def test_voices(voice: str) -> None:
    assert read(one(voice=voice), PRESETS).voice_of(0) == voice


def test_composers_are_left_to_the_crew() -> None:
    assert [read({"music": name, **one()}, PRESETS).music for name in ("auto", "None", "Bandstand")] == [
        "auto",
        "none",
        "bandstand",
    ]


def test_sizes() -> None:
    assert read({"size": " 1920 X 1080 ", **one()}, PRESETS).size == "1920x1080"
    assert only({"size": "1025x577", **one()}).hint == "Both sides must be even: try 1024x576."
    assert only({"size": "62x7682", **one()}).hint == "Each side has 64 to 7,680 pixels."
    assert pixels("wide", PRESETS) == (1024, 576) == pixels("1024x576", PRESETS)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (24, Fraction(24)),
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (24000 / 1001, Fraction(24000, 1001)),
    ],
)
def test_frame_rates_are_exact(fps: float, rate: Fraction) -> None:
    assert read({"fps": fps, **one()}, PRESETS).rate == rate


def test_gaps_are_filled_from_the_story() -> None:
    rows = [SEEN, SEEN | {"music_mood": "epic", "transition": "fade", "voice": "none", "seed": 5}, SEEN]
    made = read({"seed": 2**32 - 1, "transition": "slide up", "voice": "anna", "scenes": rows}, PRESETS)
    assert [made.transition_of(i) for i in range(3)] == ["slide_up", "fade", "slide_up"]
    assert [made.voice_of(i) for i in range(3)] == ["anna", "none", "anna"]
    assert [made.seed_of(i) for i in range(3)] == [2**32 - 1, 5, 1]
    assert [made.mood_of(i) for i in range(3)] == ["", "epic", "epic"]


def test_moods() -> None:
    assert mood_for("Epic", PRESETS) == ("epic", True)
    assert mood_for("grand", PRESETS) == ("epic", True)
    assert mood_for("", PRESETS) == ("calm", True)
    assert mood_for("epik", PRESETS) == ("epic", False)
    assert mood_for("a tense, dark night", PRESETS) == ("tense", False)
    assert mood_for("qwertz", PRESETS) == ("calm", False)
    assert read(one(music_mood="qwertz"), PRESETS).scenes[0].music_mood == "qwertz"


def test_the_schema_holds_the_limits() -> None:
    told = schema()
    scene = told["$defs"]["Scene"]["properties"]
    assert (
        scene["duration"]["anyOf"][0] | {"minimum": 0.5, "maximum": 60, "unit": "seconds"}
        == scene["duration"]["anyOf"][0]
    )
    assert scene["narration"]["maxLength"] == 5000 and told["properties"]["scenes"]["maxItems"] == 500
    assert told["properties"]["captions"]["enum"] == ["none", "sidecar", "burned", "both"]
    assert (told["properties"]["music_level"]["minimum"], told["properties"]["music_level"]["maximum"]) == (3, 30)
    json.dumps(told, allow_nan=False)


def test_plain_reads_back(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(b"x")
    (tmp_path / "song.ogg").write_bytes(b"x")
    rows = [
        {"image": "a b.png", "duration": 0.1 + 0.6, "seed": 3},
        SEEN | {"narration": "Ünï\ncode", "scene_number": 9},
    ]
    made = read({"fps": 29.97, "music": "song.ogg", "scenes": rows}, PRESETS, tmp_path)
    told = plain(made)
    assert told["scenes"][0]["duration"] == 0.7 and told["transition_seconds"] == 0.5 and repr(told["seed"]) == "0"
    assert repr(plain(read(one(duration=5), PRESETS))["scenes"][0]["duration"]) == "5"
    assert read(json.loads(json.dumps(told)), PRESETS, Path("/")) == made
    assert plain(made, tmp_path.resolve())["scenes"][0]["image"] == "a b.png"


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["auto", "fade", "a.png"]),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
SCENES = st.dictionaries(st.sampled_from([*stories.SCENE_FIELDS, "other"]), VALUES, max_size=6)
ANY = VALUES | st.fixed_dictionaries(
    {"scenes": st.lists(SCENES | VALUES, max_size=4)},
    optional={name: VALUES for name in stories.STORY_FIELDS if name != "scenes"},
)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(ANY, st.booleans(), st.booleans())
def test_any_data_is_a_story_or_told(data: object, table: bool, based: bool) -> None:
    try:
        made = read(data, PRESETS, Path(__file__).parent if based else None, table=table)
    except FilmError as error:
        assert error.message and all(fault.message for fault in error.faults)
        str(error).encode()
    else:
        assert read(json.loads(json.dumps(plain(made), allow_nan=False)), PRESETS, Path("/")) == made
