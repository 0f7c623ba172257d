"""What goes wrong: told in words that name the place and the remedy, nothing lost, nothing left running, nothing half."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pysubs2  # type: ignore[import-untyped,unused-ignore]
import pytest
import webvtt  # type: ignore[import-untyped,unused-ignore]
from PIL import Image

from pipelines import ffmpeg
from pipelines.crew import Crew
from pipelines.events import Event, Made
from pipelines.presets import Presets
from pipelines.render import Studio, render
from pipelines.story_files import load
from pipelines.vault import Notes, Vault
from pipelines.work import Cancelled, FilmError, Tick
from studio import cli

from . import edge_server, whole

ROWS = [
    {"narration": "One for the road.", "clip_action": "zoom in", "duration": 3},
    {"narration": "Two for the show.", "clip_action": "pan left", "duration": 3},
    {"narration": "Three to get ready.", "clip_action": "zoom out", "duration": 3},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole.pictures(tmp_path_factory.mktemp("pictures"), 6)


def refused(what: Callable[[], object]) -> FilmError:
    """The one error that people see; its text has no trace of code in it."""
    with pytest.raises(FilmError) as caught:
        what()
    error = caught.value
    assert error.message and not re.search(r"Traceback|Errno|<class|0x[0-9a-f]{6}", str(error))
    return error


def clean(studio: Studio, *folders: Path) -> None:
    """Nothing half-made is anywhere."""
    assert not list((studio.vault.root / "scratch").glob("*"))
    for folder in folders:
        assert not [path for path in folder.rglob("*") if ".part" in path.name or path.suffix == ".mp4"]


# Tables and numbers


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("a.csv", "image,prompt\n"), ("a.json", '{"scenes": []}'), ("a.json", "{}"), ("a.txt", "\n\n"), ("a.csv", "\n,,\n")])
def test_an_empty_table(name: str, text: str, presets: Presets, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    error = refused(lambda: load(tmp_path / name, presets))
    assert "empty" in str(error) or "no scenes" in str(error)
    assert name in error.message


@pytest.mark.parametrize("count", [501, 10_000])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_too_many_scenes(count: int, kind: str, presets: Presets, tmp_path: Path) -> None:
    path = tmp_path / f"many.{kind}"
    rows = [{"prompt": f"scene {i}"} for i in range(count)]
    path.write_text("prompt\n" + "".join(f"{row['prompt']}\n" for row in rows) if kind == "csv" else json.dumps({"scenes": rows}), "utf-8")
    error = refused(lambda: load(path, presets))
    assert "more than 500 scenes" in str(error)
    assert "combine" in str(error)


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf", "1e999", "-3", "0", "0.4999", "61", "soon", "1,5,2", "1e-300", "0x10", "9" * 400])
@pytest.mark.parametrize("kind", ["csv", "json", "json number"])
def test_durations_that_are_none(value: str, kind: str, presets: Presets, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / ("s.csv" if kind == "csv" else "s.json")
    if kind == "csv":
        path.write_text(f'image,duration\np1.png,2\np2.png,"{value}"\n', "utf-8")
    else:
        figure = value if kind == "json number" and re.fullmatch(r"-?[0-9][0-9.e-]*|NaN", value) else json.dumps(value)
        path.write_text(f'{{"scenes": [{{"image": "p1.png"}}, {{"image": "p2.png", "duration": {figure}}}]}}', "utf-8")
    error = refused(lambda: load(path, presets, folder))
    said = str(error)
    assert "scene 2, duration" in said or "digits" in said
    assert "0.5 to 60" in said or "digits" in said
    assert "scene 1" not in said


# Pictures


def test_bad_pictures_among_good_ones_are_named_all_at_once(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    (own / "p2.png").write_bytes((own / "p2.png").read_bytes()[:3000])
    (own / "p4.png").write_text("<html><body>Not found</body></html>", "utf-8")
    Image.new("1", (9000, 6000)).save(own / "p5.png")
    story = whole.story(presets, own, [{"duration": 1}] * 6)
    error = refused(lambda: whole.make(story, studio, tmp_path / "out" / "film.mp4"))
    assert [fault.where for fault in error.faults] == ["scenes[1].image", "scenes[3].image", "scenes[4].image"]
    assert [bool(re.match(rf"scene {n}, image: ", fault.message)) for n, fault in zip((2, 4, 5), error.faults, strict=True)] == [True] * 3
    assert "damaged" in str(error) and "not a picture" in str(error) and "50 megapixels" in str(error)
    clean(studio, tmp_path / "out")
    for n in (2, 4, 5):
        shutil.copyfile(folder / "p6.png", own / f"p{n}.png")
    assert whole.make(story, studio, tmp_path / "out" / "film.mp4").made.get("pictures") is None, "the good ones were kept"


def test_a_picture_that_goes_away_after_the_story_was_read(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    story = whole.story(presets, own, ROWS)
    (own / "p3.png").unlink()
    error = refused(lambda: whole.make(story, studio, tmp_path / "film.mp4"))
    assert error.message.startswith("scene 3, image:")
    assert error.where == "scenes[2].image"


def test_a_missing_picture_names_the_nearest(presets: Presets, folder: Path) -> None:
    error = refused(lambda: whole.story(presets, folder, [{}, {"image": "p22.png"}, {"image": "nowhere/x.png"}]))
    assert len(error.faults) == 2
    assert "scene 2, image" in str(error) and "Did you mean" in str(error) and "scene 3, image" in str(error)


# Names that nobody knows


@pytest.mark.parametrize(("scene", "said", "near"), [
    ({"engine": "camra"}, {}, "camera"), ({"voice": "emm"}, {}, "emma"), ({"transition": "crossfad"}, {}, "crossfade"),
    ({}, {"look": "sepa"}, "sepia"), ({}, {"music": "bandstant"}, "bandstand"), ({}, {"caption_style": "boxd"}, "boxed"),
    ({}, {"quality": "drafd"}, "draft"), ({}, {"size": "squar"}, "square"), ({"voice": "espeek:en"}, {}, "espeak"),
    ({"voice": "espeak:en-uss"}, {}, "en-us"),
])  # fmt: skip
def test_unknown_names_are_answered_with_the_nearest(
    scene: dict[str, Any], said: dict[str, Any], near: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path
) -> None:
    rows = [{"duration": 3, "narration": "Yes."}, {"duration": 3, "narration": "Yes."} | scene]
    error = refused(lambda: whole.make(whole.story(presets, folder, rows, **said), studio, tmp_path / "film.mp4"))
    assert f"Did you mean {near}?" in str(error)
    assert "scene 2, " in str(error) if scene else next(iter(said)) in str(error)
    assert not list(tmp_path.glob("film*"))


def test_an_unknown_mood_or_move_is_no_fault_but_is_said(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    story = whole.story(presets, folder, [{"duration": 1, "clip_action": "zoom in wobbly", "music_mood": "frumious"}], music="auto")
    said = " ".join(whole.make(story, studio, tmp_path / "film.mp4").warned)
    assert '"wobbly"' in said and "scene 1" in said and '"frumious"' in said


def test_a_prompt_alone_with_nobody_to_draw_it(
    presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("clips", "pictures"):
        monkeypatch.setattr(f"pipelines.{role}.sketch.Engine.missing", lambda _: "Buy pencils.")
    story = whole.story(presets, folder, [{"image": None, "prompt": "a castle"}, {}])
    error = refused(lambda: whole.make(story, studio, tmp_path / "film.mp4"))
    assert "scene 1, engine" in str(error) and "Add a picture" in str(error)


# Disks and folders


def test_a_disk_that_fills_up_while_encoding(presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, real, calls = whole.story(presets, folder, ROWS, voice="none"), ffmpeg.write, []

    def write(args: Any, blocks: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(args, blocks, **more)

    with monkeypatch.context() as patch:
        patch.setattr(ffmpeg, "write", write)
        error = refused(lambda: whole.make(story, replace(studio, workers=1), tmp_path / "film.mp4"))
    assert (error.message, "finished parts are kept" in error.hint) == ("The disk is full.", True)
    clean(studio, tmp_path / "nothing")
    assert not list(tmp_path.glob("film*"))
    after = whole.make(story, studio, tmp_path / "film.mp4")
    made = [event for event in after.events if isinstance(event, Made)]
    assert any(event.stage == "film" and event.reused for event in made), "the work before it was not lost"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system with room for next to nothing, where we may mount one."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_really_full_disk(tiny_disk: Path, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    story = whole.story(presets, folder, ROWS, captions="burned")
    with whole.studio(presets, tiny_disk / "vault") as cramped:
        error = refused(lambda: whole.make(story, cramped, tmp_path / "film.mp4"))
    assert "The disk is full." in str(error) and "Free some space" in str(error)
    assert not list(tmp_path.glob("film*"))
    shutil.rmtree(tiny_disk / "vault")
    (tiny_disk / "filler").write_bytes(b"x" * 900_000)
    error = refused(lambda: whole.make(story, studio, tiny_disk / "film.mp4"))
    assert "The disk is full." in str(error)
    assert [path.name for path in tiny_disk.iterdir()] == ["filler"], "neither the film nor what lies beside it"
    (tiny_disk / "filler").unlink()
    again = whole.make(story, studio, tiny_disk / "film.mp4")
    assert not again.made, "everything was there but for the place"
    assert whole.count(tiny_disk / "film.mp4") == again.film.timeline.frames


def closed() -> Path:
    """A folder in which not even root may write."""
    place = Path("/sys/reelwright")
    if not Path("/sys/kernel").is_dir():
        pytest.skip("this system has no such folder")
    return place


def test_folders_that_may_not_be_written_are_said_before_any_work(presets: Presets, folder: Path, studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    story, events = whole.story(presets, folder, ROWS), list[Event]()
    error = refused(lambda: render(story, studio, events.append, closed() / "film.mp4"))
    assert "Writing is not allowed" in error.message and "-o" in error.hint
    assert not events
    monkeypatch.setenv("REELWRIGHT_DATA", str(closed()))
    assert cli.main(["engines"]) == 1
    err = capsys.readouterr().err
    assert "Writing is not allowed" in err and "REELWRIGHT_DATA" in err


@pytest.mark.parametrize(("out", "said"), [("full", "is a folder"), ("file.txt/film.mp4", "file.txt"), ("film.webm", ".mp4"), ("film.srt", ".mp4")])
def test_places_where_no_film_can_be(out: str, said: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full.mp4").mkdir()
    (tmp_path / "file.txt").write_text("mine", "utf-8")
    events = list[Event]()
    where = tmp_path / ("full.mp4" if out == "full" else out)
    error = refused(lambda: render(whole.story(presets, folder, ROWS), studio, events.append, where))
    assert said in str(error)
    assert not events
    assert (tmp_path / "file.txt").read_text("utf-8") == "mine"


def test_a_film_that_is_there_is_replaced_only_by_a_whole_one(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "film.mp4"
    whole.make(whole.story(presets, folder, ROWS[:1], voice="none"), studio, out)
    before = out.read_bytes()
    bad = whole.story(presets, folder, ROWS, voice="espeak:nobody")
    refused(lambda: whole.make(bad, studio, out))
    assert out.read_bytes() == before


# ffmpeg


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize(("text", "said"), [
    ("kill -SEGV $$", "signal 11"), ("cat >/dev/null; exit 0", "frames"), ('echo "it broke" >&2; exit 3', "it broke"),
    ("exec /nonexistent/program", "could not finish"),
])  # fmt: skip
def test_an_ffmpeg_that_fails(text: str, said: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, version = whole.story(presets, folder, ROWS, voice="none"), ffmpeg.version()
    with monkeypatch.context() as patch:
        broken = program(tmp_path / "ffmpeg", text)
        patch.setattr(ffmpeg, "binary", lambda: str(broken))
        patch.setattr(ffmpeg, "version", lambda: version)
        error = refused(lambda: whole.make(story, studio, tmp_path / "out" / "film.mp4"))
    assert said in error.message or "empty" in error.message
    assert "again" in error.hint
    clean(studio, tmp_path / "out")
    assert whole.make(story, studio, tmp_path / "out" / "film.mp4").made["film"], "nothing broken was kept"


def test_an_ffmpeg_that_loses_frames_and_says_nothing(presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story, real = whole.story(presets, folder, ROWS, voice="none"), ffmpeg.binary()
    lossy = program(tmp_path / "ffmpeg", f'args=""; for a in "$@"; do case "$a" in 60) a=57;; esac; set -- "$@" "$a"; shift; done; exec {real} "$@"')
    version = ffmpeg.version()
    with monkeypatch.context() as patch:
        patch.setattr(ffmpeg, "binary", lambda: str(lossy))
        patch.setattr(ffmpeg, "version", lambda: version)
        error = refused(lambda: whole.make(story, studio, tmp_path / "film.mp4"))
    assert re.search(r"57 frames, not 60|could not finish", error.message), "or it hangs up while it is still written to"
    assert not list(tmp_path.glob("film*"))
    assert whole.count(whole.make(story, studio, tmp_path / "film.mp4").path) == 3 * 72 - 2 * 12


# Narrators


class Fake:
    """A narrator that can be told to fail; it says a tone for every word."""

    label, version, rank, online = "The stand-in", 1, 99, False

    def __init__(self, fails: Callable[[str], bool]) -> None:
        self.fails = fails
        self.spoke: list[str] = []

    def missing(self) -> str | None:
        return None

    def voices(self) -> tuple[tuple[str, Any], ...]:
        return ()

    def voice_for(self, language: str) -> str:
        return f"tone-{language}"

    def speak(self, line: Any, out: Path, tick: Tick) -> Notes:
        tick(0.0)
        if self.fails(line.text):
            raise FilmError("The stand-in lost its voice.", "Wait an hour.")
        self.spoke.append(line.text)
        at = np.arange(48_000) / 48_000
        whole.measure.wav(out, 0.3 * np.sin(2 * np.pi * 300 * at))
        return {"words": [[word, 0.1 * i, 0.1 * i + 0.1] for i, word in enumerate(line.text.split())], "seconds": 1.0}


@pytest.fixture
def fake(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    """In the crew as "standin", the best there is; it fails at the third line."""
    package = __import__("pipelines.voices", fromlist=["voices"])
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "standin.py").write_text('"""In the cache already."""\n', "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "more")])
    engine = Fake(lambda text: text.startswith("Three"))
    studio.crew._hired["voices", "standin"] = engine
    return engine


def narrators(shown: whole.Shown) -> list[str]:
    return [one.take.narrator for one in shown.film.timeline.spoken]


def test_a_narrator_that_fails_late_is_followed_by_one_who_speaks_it_all(fake: Fake, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    shown = whole.make(whole.story(presets, folder, ROWS), studio, tmp_path / "film.mp4")
    assert narrators(shown) == ["espeak"] * 3, "never two voices in one film"
    assert "espeak" in shown.film.engines["voice"] and "stand-in" not in shown.film.engines["voice"]
    (said,) = shown.warned
    assert "The stand-in failed" in said and "scene 3, narration" in said and "espeak speaks instead" in said
    tags, _ = whole.metadata(shown.path)
    assert "espeak" in tags["comment"] and "stand-in" not in tags["comment"]


def test_two_voices_where_that_is_allowed(fake: Fake, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    shown = whole.make(whole.story(presets, folder, ROWS), replace(studio, mix_voices=True), tmp_path / "film.mp4")
    assert narrators(shown) == ["standin", "standin", "espeak"]
    assert len(shown.warned) == 1


def test_a_voice_that_was_asked_for_is_not_replaced_and_its_takes_are_kept(fake: Fake, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    story = whole.story(presets, folder, ROWS, voice="standin:tone")
    error = refused(lambda: whole.make(story, studio, tmp_path / "film.mp4"))
    assert error.message == "scene 3, narration: The stand-in lost its voice."
    assert (error.hint, error.where) == ("Wait an hour.", "scenes[2].narration")
    before = len(fake.spoke)
    fake.fails = lambda _text: False
    shown = whole.make(story, studio, tmp_path / "film.mp4")
    assert shown.made["narration"] == [3]
    assert fake.spoke[before:] == [ROWS[2]["narration"]]


def test_a_full_disk_is_not_the_narrators_fault(fake: Fake, presets: Presets, folder: Path, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_line: Any, _out: Path, _tick: Tick) -> Notes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fake, "speak", full)
    events = list[Event]()
    error = refused(lambda: render(whole.story(presets, folder, ROWS), studio, events.append, tmp_path / "film.mp4"))
    assert error.message == "The disk is full."
    assert not [event for event in events if type(event).__name__ == "Warned"]


def test_when_nobody_can_speak_it_is_said_before_any_work(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    events = list[Event]()
    for voice in ("edge:en-US-EmmaNeural", "edge:x"):
        error = refused(lambda voice=voice: render(whole.story(presets, folder, ROWS, voice=voice), studio, events.append, tmp_path / "film.mp4"))  # type: ignore[misc]
        assert "REELWRIGHT_ONLINE_VOICES=1" in str(error)
        assert "scene 1, voice" in str(error)
    assert not [event for event in events if isinstance(event, Made)]


def test_an_online_voice_that_refuses_is_followed_by_an_offline_one_and_tells_no_secret(presets: Presets, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "The password is swordfish."
    edge_server.direct(monkeypatch, "ws://127.0.0.1:1/edge/v1?TrustedClientToken=topsecret")
    crew = Crew({"edge": {"online": True, "pauses": (), "stall": 1.0, "probe": 0.5}})
    engine = crew.get("voices", "edge")
    engine._answer.append(None)  # it answered when it was asked
    with whole.studio(presets, tmp_path / "vault", crew) as studio:
        shown = whole.make(whole.story(presets, folder, [ROWS[0] | {"narration": secret}]), studio, tmp_path / "film.mp4")
        assert narrators(shown) == ["espeak"]
        said = " ".join(shown.warned)
        assert "online service" in said, "it is said that the text goes there"
        assert "could not be reached" in said
        error = refused(lambda: whole.make(whole.story(presets, folder, [ROWS[0] | {"narration": secret}], voice="edge:en-US-EmmaNeural"), studio, tmp_path / "film.mp4"))
    told = said + str(error) + repr(error.__cause__)
    assert "swordfish" not in told and "topsecret" not in told


# What people may write

NAUGHTY = [
    "undefined", "NULL", "-1.00", "1e999", "NaN", "0x0", "/dev/null; touch /tmp/x", "../../../../etc/passwd", "$HOME", "`ls -al /`",
    "<script>alert(1)</script>", "<b>bold</b> & <i>", "&amp;&lt;", "--> 00:00:01,000", "1\n00:00:01,000 --> 00:00:02,000\nfalse", "WEBVTT\n\nNOTE x",
    "{\\an8\\fs400}top", "{\\p1}m 0 0 l 100 100", "\\N\\n\\h", "a'[z];movie=/etc/passwd[m];[z][m]overlay,drawtext=text='b", "%{pts}", "%s%s%n",
    ";FFMETADATA1", "title=evil\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=9", "=;#\\", "'; DROP TABLE films;--", '"quoted" \'single\' `back`',
    "\u202eright to left\u202c", "\u200b\u200c\u200d\ufeff\u2060", "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "사회과학원 어학연구소", "الكل في المجمو عة", "हिन्दी में लिखा", "👩‍👩‍👧‍👦 👾 🏳️‍🌈",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮", "\t tab and \x07 bell", "\ud83d lone" , "a" * 300, "-c:v copy -y out.mp4", "file:///etc/passwd", "concat:a|b", "C:\\windows\\system32", "<ssml><break/></ssml>",
]  # fmt: skip


def test_naughty_words_everywhere_at_once(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    rows = [{"image": f"p{1 + i % 6}.png", "narration": text, "prompt": text, "duration": 1, "voice": "none" if i % 8 else "auto", "clip_action": "static"} for i, text in enumerate(NAUGHTY)]
    title = " ".join(NAUGHTY[:20])[:150] + "\\"
    shown = whole.make(whole.story(presets, folder, rows, title=title, size="128x72", fps=4, transition="none"), studio, tmp_path / "film.mp4")
    assert whole.count(shown.path) == shown.film.timeline.frames
    tags, chapters = whole.metadata(shown.path)
    told = json.loads(tags["synopsis"])["story"]
    assert tags["title"].rstrip() == told["title"]
    assert told["title"].endswith("\\")
    assert len(chapters) == len(NAUGHTY)
    assert set(tags) <= {"major_brand", "minor_version", "compatible_brands", "title", "comment", "synopsis", "encoder"}
    srt = pysubs2.load(str(tmp_path / "film.srt"))
    vtt = webvtt.read(str(tmp_path / "film.vtt"))
    assert len(srt) == len(vtt) == len(shown.film.timeline.captions)
    shown_words = " ".join(one.text for one in shown.film.timeline.captions).split()
    assert shown_words == [word for text in NAUGHTY[::8] for word in text.split()]
    assert not list(Path("/tmp").glob("x")), "no word was run"


def test_naughty_words_are_read_out_and_shown(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    """Those that end captions, styles and tables early where they are not escaped, each spoken."""
    spoken = [text for text in NAUGHTY if re.search(r"-->|\{|\\N|<|&|WEBVTT|movie=|%", text)]
    rows = [{"image": "p1.png", "narration": text, "clip_action": "static"} for text in spoken]
    shown = whole.make(whole.story(presets, folder, rows, size="192x108", fps=2, transition="none", caption_style="karaoke"), studio, tmp_path / "film.mp4")
    assert len(shown.film.timeline.spoken) == len(spoken)
    texts = [" ".join(cue.text.split()) for cue in webvtt.read(str(tmp_path / "film.vtt"))]
    assert any("<script>" in text or "alert" in text for text in texts)
    assert len(pysubs2.load(str(tmp_path / "film.srt"))) == len(texts) == len(shown.film.timeline.captions)


def test_every_script_is_drawn_or_it_is_said(presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    said = ["هذا فيلم قصير جدا.", "यह एक छोटी फिल्म है।", "这是一部短片。", "これは短い映画です。", "A smile 🙂 and a family 👩‍👩‍👧.", "Это фильм. Αυτό.", "𓀀 is undrawable, and \ue000."]
    rows = [{"narration": text, "image": "p1.png", "clip_action": "static"} for text in said]
    shown = whole.make(whole.story(presets, folder, rows, fps=4, captions="both"), studio, tmp_path / "film.mp4")
    assert whole.count(shown.path) == shown.film.timeline.frames
    assert all("scene 7" in one for one in shown.warned if "no sign for" in one), shown.warned
    text = "".join(one.text for one in shown.film.timeline.captions)
    for part in ("فيلم", "फिल्म", "短片", "映画", "🙂"):
        assert part in text


def test_the_longest_narration(presets: Presets, folder: Path, tmp_path: Path) -> None:
    words = ("Every word of this long story is spoken, one after the other. " * 90)[:5000].strip()
    story = whole.story(presets, folder, [{"narration": words, "clip_action": "static"}], size="128x72", fps=1)
    with whole.studio(presets, tmp_path / "vault", Crew({"espeak": {"rate": 450}})) as studio:
        shown = whole.make(story, studio, tmp_path / "film.mp4")
    assert shown.film.timeline.seconds > 100
    assert " ".join(one.text.replace("\n", " ") for one in shown.film.timeline.captions) == words
    with pytest.raises(FilmError, match="fault"):
        whole.story(presets, folder, [{"narration": "a" * 5001}])


# Stopping


class Stop:
    """Somebody who has had enough after so many events of a kind."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.stopped = 0.0

    def __call__(self, event: Event) -> None:
        if getattr(event, "stage", "") == self.stage or self.stopped:
            self.stopped = self.stopped or time.monotonic()
            raise Cancelled


@pytest.mark.parametrize("stage", ["narration", "pictures", "music", "sound", "film", "join"])
def test_a_render_that_nobody_wants_ends_at_once_and_goes_on_later(stage: str, presets: Presets, folder: Path, studio: Studio, tmp_path: Path) -> None:
    story, stop = whole.story(presets, folder, ROWS, music="auto"), Stop(stage)
    with pytest.raises(Cancelled):
        render(story, studio, stop, tmp_path / "out" / "film.mp4")
    assert time.monotonic() - stop.stopped < 5
    clean(studio, tmp_path / "out")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]
    assert whole.make(story, studio, tmp_path / "out" / "film.mp4").path.exists()


# Processes that are ended


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, float]:
    """(story, its film, how long it took), made in peace."""
    place = tmp_path_factory.mktemp("peace")
    rows = [{"image": f"p{i}.png", "narration": f"This is scene number {i}.", "clip_action": "zoom in", "music_mood": "calm"} for i in range(1, 5)]
    path = place / "story.json"
    path.write_text(json.dumps({"title": "Kept", "size": "480x270", "scenes": rows}), "utf-8")
    start = time.monotonic()
    done = whole.ran(place / "data", "render", path, "--pictures", folder, "-o", place / "film.mp4")
    assert done.returncode == 0, done.stderr
    return path, place / "film.mp4", time.monotonic() - start


def disturbed(undisturbed: tuple[Path, Path, float], folder: Path, place: Path, kills: int, seed: int) -> None:
    """Kill a render that often at moments drawn from the seed; then it is made, and is what it would have been."""
    story, film, took = undisturbed
    data, out, draw = place / "data", place / "out" / "film.mp4", random.Random(seed)
    frames, expected = whole.count(film), film.read_bytes()
    for _ in range(kills):
        with whole.started(data, "render", story, "--pictures", folder, "-o", out) as process:
            end = time.monotonic() + draw.uniform(0.2, 1.0) * took
            while time.monotonic() < end and process.poll() is None:
                if out.exists():
                    assert out.read_bytes() == expected, "whoever sees a film sees all of it"
                time.sleep(0.01)
            process.kill()
        assert not out.exists() or whole.count(out) == frames
        assert not whole.gone(data), "nothing runs on"
    done = whole.ran(data, "render", story, "--pictures", folder, "-o", out)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == expected
    assert out.with_suffix(".timeline.json").read_bytes() == film.with_suffix(".timeline.json").read_bytes()
    assert not list((data / "vault" / "scratch").glob("*")), "what was left is swept"
    assert sorted(path.name for path in out.parent.iterdir()) == sorted(path.name for path in film.parent.glob("film.*"))


def test_kill_and_run_again(undisturbed: tuple[Path, Path, float], folder: Path, tmp_path: Path) -> None:
    disturbed(undisturbed, folder, tmp_path, kills=3, seed=7)


@pytest.mark.parametrize(("number", "status", "stage"), [
    (signal.SIGINT, 130, "narration"), (signal.SIGINT, 130, "film"), (signal.SIGTERM, 143, "film"), (signal.SIGTERM, 143, "pictures"),
])  # fmt: skip
def test_ctrl_c_and_sigterm(number: signal.Signals, status: int, stage: str, undisturbed: tuple[Path, Path, float], folder: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out" / "film.mp4"
    with whole.started(data, "render", undisturbed[0], "--pictures", folder, "-o", out, "--json") as process:
        assert process.stdout and process.stderr
        for line in process.stdout:
            if json.loads(line).get("stage") == stage:
                break
        assert whole.running(data), "it can be seen"
        process.send_signal(number)
        start = time.monotonic()
        rest = process.stdout.read()
        err = process.stderr.read()
        process.wait(20)
    took = time.monotonic() - start
    assert process.returncode == status
    assert took < 12, "about a second; on a very busy machine a few"
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert "run it again" in err
        assert json.loads(rest.splitlines()[-1]) == {"event": "stopped"}
    assert not out.parent.exists() or not list(out.parent.iterdir())
    assert not whole.gone(data, 1.0)
    assert not list((data / "vault" / "scratch").glob("*"))


def test_two_renders_of_one_story_at_once(undisturbed: tuple[Path, Path, float], folder: Path, tmp_path: Path) -> None:
    story, film, _ = undisturbed
    data, out = tmp_path / "data", tmp_path / "film.mp4"
    args = ["render", story, "--pictures", folder, "-o", out]
    with whole.started(data, *args) as one, whole.started(data, *args) as other:
        errors = [process.communicate(timeout=120)[1] for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], errors
    assert out.read_bytes() == film.read_bytes()
    assert not list((data / "vault" / "scratch").glob("*"))
    assert {path.name for path in tmp_path.iterdir()} == {"data", "film.mp4", "film.srt", "film.vtt", "film.timeline.json"}


def test_a_vault_that_lost_a_part_makes_it_again(undisturbed: tuple[Path, Path, float], presets: Presets, folder: Path, tmp_path: Path) -> None:
    story = whole.story(presets, folder, ROWS)
    with whole.studio(presets, tmp_path / "vault") as studio:
        whole.make(story, studio, tmp_path / "film.mp4")
        vault = Vault(tmp_path / "vault")
        for kind, suffix in (("span", ".mp4"), ("take", ".wav"), ("sound", ".m4a"), ("negative", ".yuv")):
            victim = sorted((vault.root / kind).rglob(f"*{suffix}"))[0]
            victim.write_bytes(victim.read_bytes()[:-100])
        (film,) = (vault.root / "film").rglob("*.mp4")
        film.unlink()
        again = whole.make(story, studio, tmp_path / "again.mp4")
    assert {stage: len(scenes) for stage, scenes in again.made.items()} == {"pictures": 1, "narration": 1, "film": 1, "sound": 1, "join": 1}
    assert again.path.read_bytes() == (tmp_path / "film.mp4").read_bytes()
