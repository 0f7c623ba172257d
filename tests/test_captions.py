"""Captions: what stands together and when, the documents beside the film, and the letters in the picture."""



from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pysubs2
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines import ffmpeg, presets, subtitles
from pipelines.captions import captions, cells, clean, clusters
from pipelines.exports import srt, vtt
from pipelines.timeline import Caption, Spoken, Take, Word

HOME = Path(__file__).resolve().parent.parent
STYLES = presets.read(HOME / "presets").captions
HARBOUR = (
    "The old harbour wakes before the sun does, and the first boats are already out past the breakwater. Nobody "
    "speaks. They know the way, and the way knows them; that is enough for one morning in the north of Norway."
)
TEXTS = {
    "english": HARBOUR,
    "short": "Go!",
    "shorts": "Yes. No! Why? Because. I said so. Go now. Run. Stop. It is over, all of it.",
    "german": "Die Donaudampfschifffahrtsgesellschaft fährt täglich; Übermäßigkeit ist kein Ziel, Ruhe schon.",
    "arabic": "مرحبا بكم في الاستوديو، هذا فيلم رائع عن البحر! هل أعجبكم الفيلم؟ نعم، كثيرا جدا.",
    "hebrew": "שלום לכולם, זה סרט נהדר על הים! האם ראיתם אותו אתמול בערב?",
    "hindi": "नमस्ते दोस्तों, क्या आपने विद्यार्थी का क्षत्रिय प्रश्न पढ़ा? यह बहुत अच्छा है।",
    "chinese": "老港口在日出之前就醒了，第一批船已经驶过防波堤。没有人说话。他们认识路，用Python写代码也行，这就够了。",
    "japanese": "古い港は日の出前に目を覚まし、最初の船はもう防波堤を越えています。誰も「おはよう」とは言いません。",
    "korean": "오래된 항구는 해가 뜨기 전에 깨어납니다. 첫 배들은 이미 방파제를 지나갔습니다.",
    "thai": "สวัสดีครับ วันนี้เราจะไปเที่ยวทะเลด้วยกันและกินอาหารอร่อยๆ ที่ตลาดเก่า แล้วเราจะกลับบ้านตอนเย็น",
    "emoji": "Great work 👍🎬❤️ family 👨‍👩‍👧‍👦 flags 🇩🇪🇯🇵 keys 1️⃣2️⃣ and more 🤷🏽‍♀️ of it",
}
NASTY = [
    r"{\blur100\bord200\fs400\t(0,5000,\frz7200\fscx900)}boo",
    r"{\p1}m 0 0 l 999 0 999 999 0 999{\p0}",
    r"\N\N\N\n\h\h\h",
    r"{\an8}{\pos(0,0)}{\alpha&HFF&}hidden",
    r"{{{{\}}}}\{\}\\{",
    r"}{\r}{",
    "trailing backslash \\",
    "\\",
    "{",
    "}",
    "-->",
    "00:00:00,000 --> 00:00:09,000",
    "1\n\n2\n00:00:01,000 --> 00:00:02,000\nfoo",
    "WEBVTT",
    "NOTE this is a comment",
    "STYLE ::cue { color: red }",
    "<b>bold</b> <i>it</i> <c.red>c</c> <00:01.000>",
    "<script>alert(1)</script>",
    "&amp; &lt; &#0; & < >",
    "'\"`´‘’“”«»",
    "a'[z];movie=/etc/passwd[m];[z][m]overlay,drawtext=text='b",
    "subtitles=filename=x.ass:fontsdir=/",
    "%s %d %n %x %%",
    "%{pts} %{eif:1:d}",
    "${x} $(reboot) `reboot`",
    "../../../../etc/passwd\x00.png",
    "NUL\x00here",
    "bell\x07 escape\x1b[31mred\x1b[0m",
    "tab\tnew\nline\r\nform\x0cfeed\x0bvt",
    "\u2028line\u2029paragraph\x85next",
    "\u202eright to left override\u202c",
    "\u2066isolate without end",
    "\ufeffbom in front",
    "\ufffe\uffff nonchar",
    "\ud800 lone surrogate",
    "zero\u200bwidth\u200cjoin\u200ders\u2060here",
    "soft\u00adhyphen\u00adhere",
    "Ẕ̸̢̛̰̫̙̞̳̖̮̥̣̀̂̃̈́̔̍̚͠a̷̧̨̛͙̮̺̣̲̗̓̈́̀̾͐̈́͘l̴̡̛̺̮̘̝̩̹̔̈́̈́̾̕͝g̶̡̧̛̲̗̩̖̀̈́̾̔͘͝ờ̵̧̡̝̘̲̖̈́̾",
    "a" + "\u0301" * 300,
    "\u0301\u0301 begins with marks",
    "👨‍👩‍👧‍👦👩🏿‍🚀🏴󠁧󠁢󠁥󠁮󠁧󠁿🇺🇳1️⃣❤️‍🔥",
    "🏳️‍🌈" * 40,
    "x" * 400,
    "https://example.org/a/very/long/path/with/no/spaces?and=queries&more=of&them=all#and-a-fragment-to-end",
    "漢" * 200,
    "ก" * 200,
    "ﷺ﷽" * 30,
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ⓒⓘⓡⓒⓛⓔ ｆｕｌｌｗｉｄｔｈ",
    "𓀀𓂀 hieroglyphs \ue000 private",
    "¯\\_(ツ)_/¯ (╯°□°）╯︵ ┻━┻",
    "Powerلُلُصّبُلُلصّبُررً ॣ ॣh ॣ ॣ冗",
    "ᠮᠣᠩᠭᠣᠯ ሰማይ አይታረስ ንጉሥ ქართული հայերեն",
    "; DROP TABLE scenes; --",
    "Dialogue: 0,0:00:00.00,9:00:00.00,Text,,0,0,0,,injected",
    "[Events]\nComment: x",
    ",,,,,,,,,,",
    "42",
    "...",
    "?!?!?!",
    "—",
    "     ",
    "",
    "WWWWWWWWWW WWWWWWWWWW WWWWWWWWWW WWWWWWWWW MMMMMMMMMM MMMMMMMMMM MMMMMMMMMM MMMMMMMMM",
]


def said(text: str, rate: float = 15.0, start: float = 0.0, scene: int = 0, whole: bool = False) -> Spoken:
    """A take as a narrator gives it: words with pauses after punctuation, or the whole text as one word."""
    words, at = [], 0.1
    for word in [text] if whole else text.split():
        lasts = max(1, len(word)) / rate
        words.append(Word(word, at, at + lasts))
        at += lasts + (0.4 if word[-1:] in ".!?。" else 0.15 if word[-1:] in ",;" else 0.04)
    return Spoken(scene, start, Take(Path("take.wav"), at, tuple(words), "test"))


def of(*takes: Spoken, width: int = 42) -> tuple[Caption, ...]:
    return captions(takes, [take.start + take.take.seconds + 0.5 for take in takes], width)


def letters(text: str) -> str:
    return "".join(clean(text).split())


def check(shown: tuple[Caption, ...], take: Spoken, end: float, width: int = 42) -> None:
    """What holds for every caption, whatever was said."""
    assert letters("".join(c.text for c in shown)) == letters("".join(w.text for w in take.take.words))
    for one in shown:
        lines = one.text.split("\n")
        assert 1 <= len(lines) <= 2 and all(line.strip() == line != "" for line in lines)
        assert all(cells(line) <= width * 10 for line in lines)
        assert take.start <= one.start < one.end <= end + 1e-9
        assert one.end - one.start <= 7 + 1e-9
        assert all(a.start <= b.start for a, b in pairwise([w for line in one.lines for w in line]))
    for one, following in pairwise(shown):
        assert one.end <= following.start + 1e-9
        assert not 1e-9 < following.start - one.end < 0.3 - 1e-9 or following.start - one.start > 7


# ---- what stands together, and when ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("rate", [9.0, 15.0, 22.0])
@pytest.mark.parametrize("whole", [False, True])
def test_captions_keep_every_limit(name: str, rate: float, whole: bool) -> None:
    take = said(TEXTS[name], rate, start=3.0, whole=whole)
    end = 3.0 + take.take.seconds + 0.8
    shown = captions([take], [end])
    check(shown, take, end)
    for one in shown:
        words = [word for line in one.lines for word in line]
        assert one.end - one.start >= 1 - 1e-9
        assert abs(one.start - words[0].start) < 1 / 24 or one is shown[-1]
        assert one.end >= words[-1].end - 1e-9


@pytest.mark.parametrize("width", [16, 24, 42])
@pytest.mark.parametrize("text", NASTY)
def test_captions_hold_whatever_is_typed(text: str, width: int) -> None:
    take = said(text + " and an end.")
    check(captions([take], [take.take.seconds + 1], width), take, take.take.seconds + 1, width)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.text(min_size=0, max_size=60), st.floats(0, 3), st.floats(0, 1.5)),
        max_size=40,
    ),
    st.floats(0.1, 9),
)
def test_captions_hold_for_any_words(spoken: list[tuple[str, float, float]], spare: float) -> None:
    words, at = [], 0.0
    for text, lasts, gap in spoken:
        words.append(Word(text, at, at + lasts))
        at += lasts + gap
    take = Spoken(0, 2.0, Take(Path("take.wav"), at, tuple(words), "test"))
    check(captions([take], [2.0 + at + spare]), take, 2.0 + at + spare)


def test_a_break_comes_where_a_sentence_or_a_clause_ends() -> None:
    shown = [one.text.replace("\n", " ") for one in of(said(HARBOUR))]
    assert shown[0].endswith(",") and "Nobody speaks." in shown
    assert all(text[-1] in ".,;" or i < len(shown) - 1 for i, text in enumerate(shown))


def test_two_lines_are_even_or_heavier_below() -> None:
    for one in of(said(HARBOUR)):
        if "\n" in one.text:
            above, below = one.text.split("\n")
            assert len(above) <= len(below) + 6


def test_a_flash_of_a_word_joins_its_neighbour() -> None:
    take = said("Stop. Now we go on to the next part of it.")
    assert of(take)[0].text.startswith("Stop. Now")


def test_a_last_word_stays_a_second_even_if_the_scene_ends_with_it() -> None:
    words = tuple(Word(w, i * 0.5, i * 0.5 + 0.3) for i, w in enumerate(["One", "two.", "", "Go!"]))
    take = Spoken(0, 0.0, Take(Path("t.wav"), 1.8, words, "test"))
    last = captions([take], [1.8])[-1]
    assert last.end - last.start >= 1 - 1e-9 and last.end <= 1.8


def test_captions_never_cross_takes_or_outlive_their_scene() -> None:
    first, second = said("This is the first scene.", scene=0), said("This is the second.", start=2.2, scene=1)
    shown = captions([first, second], [2.1, 9.0])
    assert [one.scene for one in shown] == [0, 1]
    assert shown[0].end <= 2.1 and shown[1].start >= 2.2


def test_words_keep_their_own_times() -> None:
    take = said(HARBOUR, start=10.0)
    words = [word for one in of(take) for line in one.lines for word in line]
    assert [w.text for w in words] == HARBOUR.split()
    assert all(abs(w.start - 10 - x.start) < 1e-6 for w, x in zip(words, take.take.words, strict=True))


def test_chinese_is_written_without_spaces_and_no_line_begins_with_a_comma() -> None:
    text = TEXTS["chinese"]
    for take in (said(text, 6, whole=True), said(" ".join(text.replace("Python", "")), 6)):
        for one in of(take):
            assert " " not in one.text
            assert not any(line[0] in "，。、" for line in one.text.split("\n"))


def test_korean_and_arabic_keep_their_spaces() -> None:
    for name in ("korean", "arabic"):
        assert " ".join(one.text.replace("\n", " ") for one in of(said(TEXTS[name]))) == TEXTS[name]


def test_no_words_no_captions() -> None:
    assert of(said("")) == () and captions([], []) == ()


def test_clusters_are_what_people_see() -> None:
    assert clusters("e\u0301👨‍👩‍👧🇩🇪🇯🇵1️⃣क्ष") == ["e\u0301", "👨‍👩‍👧", "🇩🇪", "🇯🇵", "1️⃣", "क्ष"]


# ---- the documents ---------------------------------------------------------------------------------------------------


def everything() -> tuple[Caption, ...]:
    takes, at = [], 0.0
    for i, text in enumerate([*NASTY, *TEXTS.values()]):
        takes.append(said(text, 14, at, i))
        at += takes[-1].take.seconds + 1.5
    return captions(takes, [take.start + take.take.seconds + 1.4 for take in takes])


def test_srt_reads_back_as_it_was() -> None:
    shown = everything()
    text = srt.write(shown)
    assert "\r" not in text and not any(ord(char) < 32 and char != "\n" for char in text)
    cues = pysubs2.SSAFile.from_string(text, format_="srt", keep_unknown_html_tags=True, keep_html_tags=True)
    assert len(cues) == len(shown)
    for cue, one in zip(cues, shown, strict=True):
        assert (cue.start, cue.end) == (round(one.start * 1000), round(one.end * 1000))
    blocks = text.rstrip("\n").split("\n\n")
    for block, one in zip(blocks, shown, strict=True):
        assert "\n".join(block.split("\n")[2:]).replace("\u2060", "") == one.text.replace("\u2060", "")


def test_vtt_reads_back_as_it_was(tmp_path: Path) -> None:
    shown = everything()
    path = tmp_path / "film.vtt"
    path.write_text(vtt.write(shown), "utf-8", newline="")
    cues = webvtt.read(str(path)).captions
    assert len(cues) == len(shown)
    for cue, one in zip(cues, shown, strict=True):
        assert (cue.start_in_seconds, cue.end_in_seconds) == (int(round(one.start, 3)), int(round(one.end, 3)))
        typed = cue.raw_text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert typed == one.text


def test_an_hour_is_written_as_an_hour() -> None:
    assert srt.clock(3723.0045) == "01:02:03,004" and srt.clock(59.9996) == "00:01:00,000"


# ---- which font draws what -------------------------------------------------------------------------------------------


def test_undrawable_names_each_character_once() -> None:
    assert subtitles.undrawable("a👍🏽é\u200d\ufe0f\x07 𓀀b𓀀\ue000") == "𓀀\ue000"
    assert subtitles.undrawable("".join(TEXTS.values())) == ""


def test_the_picture_leaves_out_what_it_cannot_draw_and_the_file_keeps_it() -> None:
    shown = of(said("An eye 𓂀 of stone."))
    assert "𓂀" in srt.write(shown)
    script = subtitles.ass(shown, STYLES["plain"], 1024, 576, 0, 9)
    assert "𓂀" not in script and "of stone." in script


def test_coverage_tells_the_truth_about_the_fonts() -> None:
    spec = importlib.util.spec_from_file_location("make_coverage", HOME / "assets/fonts/make_coverage.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.coverage(subtitles.FONTS) == json.loads((subtitles.FONTS / "coverage.json").read_text("utf-8"))["fonts"]


def test_the_fonts_are_small_and_licensed() -> None:
    files = [path for path in subtitles.FONTS.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 14_000_000
    told = (subtitles.FONTS / "README.md").read_text("utf-8")
    assert all(path.name in told for path in files if path.suffix == ".txt")


# ---- the script ------------------------------------------------------------------------------------------------------


def test_the_same_captions_later_in_the_film_give_the_same_script() -> None:
    rate = Fraction(24)
    for style in STYLES.values():
        here = subtitles.ass(of(said(HARBOUR)), style, 1024, 576, 0, 8, rate)
        later = subtitles.ass(of(said(HARBOUR, start=1000 / 24)), style, 1024, 576, 1000 / 24, 1000 / 24 + 8, rate)
        assert here == later != ""


def test_a_stretch_without_captions_has_no_script() -> None:
    assert subtitles.ass(of(said(HARBOUR)), STYLES["plain"], 1024, 576, 100, 104) == ""
    assert subtitles.ass(of(said("𓂀𓂀𓂀")), STYLES["plain"], 1024, 576, 0, 4) == ""


@pytest.mark.parametrize("text", NASTY)
def test_nothing_typed_becomes_a_tag_or_a_line_of_the_script(text: str) -> None:
    shown = of(said(text + " end"))
    for name in ("karaoke", "pop", "one-word"):
        script = subtitles.ass(shown, STYLES[name], 1024, 576, 0, 60)
        events = script.split("[Events]\n", 1)[1].splitlines()[1:]
        assert all(line.startswith("Dialogue: 0,0:01:4") or line.startswith("Dialogue: 0,0:0") for line in events)
        for line in events:
            plain = line.split(",", 9)[9].replace("\\{", "").replace("\\}", "")
            for tags in [part.split("}")[0] for part in plain.split("{")[1:]]:
                assert not any(bad in tags for bad in ("\\bord", "\\frz", "\\p1", "\\an", "\\r", "\\fs400"))
            assert plain.count("{") == plain.count("}")


def test_a_narrow_frame_gets_shorter_lines() -> None:
    style = STYLES["plain"]
    assert subtitles.room(style, 1024, 576) == 42
    assert 24 <= subtitles.room(style, 576, 1024) <= 36


# ---- the picture -----------------------------------------------------------------------------------------------------

Pictures = NDArray[np.uint8]


def drawn(
    script: str, seconds: float, first: float = 0.0, size: tuple[int, int] = (512, 288), rate: int = 24
) -> Pictures:
    """Frames (n, height, width, 3) of the script over black, from `first` seconds of its stretch."""
    width, height = size
    steps = ("format=rgb24", f"setpts=PTS+{subtitles.OFFSET + first:.6f}/TB")
    picture = ",".join([*steps, "subtitles=filename=captions.ass:fontsdir=fonts", "setpts=PTS-STARTPTS"])
    black = f"color=black:s={width}x{height}:r={rate}:d={seconds:.6f}"
    args = ["-f", "lavfi", "-i", black, "-vf", picture, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "captions.ass").write_text(script, "utf-8")
        (Path(name) / "fonts").symlink_to(subtitles.FONTS)
        command = [ffmpeg.binary(), "-hide_banner", "-nostdin", "-loglevel", "verbose", *args]
        made = subprocess.run(command, capture_output=True, cwd=name, check=True)
    missing = re.findall(r"[Gg]lyph 0x[0-9A-Fa-f]+", made.stderr.decode("utf-8", "replace"))
    assert not missing, "libass went looking for characters that the script's fonts lack"
    return np.frombuffer(made.stdout, np.uint8).reshape(-1, height, width, 3)


def still(text: str, style: str, size: tuple[int, int] = (512, 288), at: float = 0.5) -> Pictures:
    """One frame of that text as a single caption."""
    word = tuple(Word(w, i * 0.4, i * 0.4 + 0.4) for i, w in enumerate(text.split()))
    script = subtitles.ass([Caption(0, 9, (word,), 0)], STYLES[style], *size, 0, 9, Fraction(24))
    frame: Pictures = drawn(script, 1 / 24, at, size)[0]
    return frame


SCRIPTS = {
    "latin": ("abc", "xyz"), "greek": ("αβγ", "ψωδ"), "cyrillic": ("где", "жюя"), "vietnamese": ("ộậễ", "ỹựổ"),
    "arabic": ("بحر", "سلم"), "persian": ("پژگ", "چکی"), "hebrew": ("שלם", "אבג"), "devanagari": ("कखग", "नमह"),
    "bengali": ("কখগ", "নমহ"), "tamil": ("கஙச", "நமவ"), "telugu": ("కఖగ", "నమహ"), "gujarati": ("કખગ", "નમહ"),
    "gurmukhi": ("ਕਖਗ", "ਨਮਹ"), "kannada": ("ಕಖಗ", "ನಮಹ"), "malayalam": ("കഖഗ", "നമഹ"), "odia": ("କଖଗ", "ନମହ"),
    "sinhala": ("කඛග", "නමහ"), "thai": ("กขค", "นมห"), "lao": ("ກຂຄ", "ນມຫ"), "khmer": ("កខគ", "នមហ"),
    "burmese": ("ကခဂ", "နမဟ"), "georgian": ("აბგ", "ნმჰ"), "armenian": ("աբգ", "նմհ"), "amharic": ("ሀለሐ", "ነመሠ"),
    "dhivehi": ("ހށނ", "މފދ"), "chinese": ("老港口", "防波堤"), "japanese": ("あいう", "カキク"),
    "korean": ("항구는", "배들이"), "emoji": ("👍🎬🎉", "😀🚀🐶"), "symbols": ("→←↑", "∑∞√"),
}  # fmt: skip


def test_every_script_is_drawn_and_not_as_boxes() -> None:
    """Two texts of a script differ in the picture: boxes for missing letters would be the same."""
    texts = [text for pair in SCRIPTS.values() for text in pair]
    shown = [Caption(i, i + 1, ((Word(text, i, i + 1),),), 0) for i, text in enumerate(texts)]
    frames = drawn(subtitles.ass(shown, STYLES["plain"], 512, 288, 0, len(texts)), len(texts), 0.5, rate=1)
    assert len(frames) == len(texts)
    for i, name in enumerate(SCRIPTS):
        a, b = frames[2 * i].astype(int), frames[2 * i + 1].astype(int)
        assert (a > 128).sum() > 60 and (b > 128).sum() > 60, name
        assert (abs(a - b) > 128).sum() > 60, name


def test_right_to_left_begins_on_the_right() -> None:
    """The first word said is lit: left of the middle in English, right of it in Hebrew and Arabic."""
    for text, right in (("alpha beta gamma", False), ("שלום לכולם חברים", True), ("فيلم Reelwright رائع", True)):
        picture = still(text, "karaoke", at=0.2).astype(int)
        lit = np.nonzero((picture[..., 0] > 180) & (picture[..., 2] < 140))[1]
        assert (lit.mean() > 256) == right, text


def test_whatever_is_typed_is_drawn_by_fonts_that_have_it() -> None:
    shown = everything()
    seconds = int(shown[-1].end) + 1
    frames = drawn(subtitles.ass(shown, STYLES["karaoke"], 256, 144, 0, seconds), seconds, 0.5, (256, 144), rate=1)
    assert len(frames) == seconds and frames.any(axis=(1, 2, 3)).sum() > seconds // 2


def test_no_override_that_was_typed_takes_effect() -> None:
    for text in NASTY[:6]:
        ink = np.nonzero(still(text[:60], "plain").max(axis=2) > 40)
        assert ink[0].min() > 288 * 0.7, text


@pytest.mark.parametrize("size", [(512, 288), (288, 512)])
@pytest.mark.parametrize("style", STYLES)
def test_every_style_stays_inside_the_frame(style: str, size: tuple[int, int]) -> None:
    for text in ("WWWWWWWW MMMMMMMM WWWWWWWW MMMMMMMM WWWWWW", "The quick brown fox jumps", "老港口在日出之前就醒了"):
        words = text.split()
        shown = Caption(0, 4, (tuple(Word(w, 0.1 + i * 0.4, 0.5 + i * 0.4) for i, w in enumerate(words)),), 0)
        script = subtitles.ass([shown], STYLES[style], *size, 0, 4, Fraction(24))
        ink = np.nonzero(drawn(script, 1 / 24, 2.5, size)[0].max(axis=2) > 40)
        assert len(ink[0]) > 30
        assert ink[1].min() >= 2 and ink[1].max() <= size[0] - 3
        assert ink[0].min() >= 2 and ink[0].max() <= size[1] - 3


def test_karaoke_changes_colours_and_moves_nothing() -> None:
    frames = [still("one two three four five six", "karaoke", at=at) > 60 for at in (0.1, 0.9, 2.1)]
    shapes = [frame.any(axis=2) for frame in frames]
    assert (shapes[0] == shapes[1]).all() and (shapes[1] == shapes[2]).all()
    assert (frames[0] != frames[1]).any()


def test_a_word_that_popped_stays_where_it_is() -> None:
    """While the last word springs up, the words before it are the same pixels as afterwards."""
    early, late = (still("first second third", "pop", at=at) for at in (0.84, 1.9))
    white = np.nonzero(early.min(axis=2) > 200)
    assert len(white[0]) > 100
    assert (early[:, : white[1].max() - 4] == late[:, : white[1].max() - 4]).all()


@pytest.mark.parametrize("style", ["plain", "karaoke", "karaoke-boxed", "soft", "bold-social", "pop", "one-word"])
def test_a_film_cut_into_stretches_shows_the_same_frames(style: str) -> None:
    rate, cut = Fraction(24), 37
    shown = of(said("The first boats are out, past the breakwater."))
    whole = drawn(subtitles.ass(shown, STYLES[style], 512, 288, 0, 3, rate), 3)
    before = drawn(subtitles.ass(shown, STYLES[style], 512, 288, 0, cut / 24, rate), cut / 24)
    after = drawn(subtitles.ass(shown, STYLES[style], 512, 288, cut / 24, 3, rate), 3 - cut / 24)
    both = np.concatenate([before, after])
    assert both.shape == whole.shape
    if style in ("pop", "one-word"):  # a spring's size is a matter of milliseconds
        assert abs(both.astype(int) - whole).mean() < 0.05
    else:
        assert (both == whole).all()
