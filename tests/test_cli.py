"""The command line as a person and a program use it: every verb and option, exit statuses, what goes to which stream."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.events import Began, Done, Failed, Fault, Made, Moved, Stopped, Warned
from studio import cli

from . import measure, whole

Said = Any
EVENTS = {kind.__name__.lower() for kind in (Began, Moved, Made, Warned, Fault, Done, Failed, Stopped)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for the file: what one test made, another finds ready."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> Path:
    """Where the user stands: pictures and a story, settings of its own."""
    whole.pictures(tmp_path / "photos", 3)
    (tmp_path / "story.csv").write_text(
        "image,narration,duration,clip_action\np1.png,Hello there.,,zoom in\np2.png,,1,pan left\n", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELWRIGHT_DATA", str(data))
    monkeypatch.setenv("REELWRIGHT_ONLINE_VOICES", "0")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """(exit status, stdout, stderr)"""

    def ran(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = cli.main([str(arg) for arg in args])
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return ran


Run = Callable[..., tuple[int, str, str]]
SMALL = ("--size", "320x180", "--music", "none")


def events(out: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in out.splitlines()]
    assert {one["event"] for one in told} <= EVENTS
    return told


# Without a verb


@pytest.mark.parametrize("stopped", ["sys.exit(143)", "return 130"])
def test_a_stopped_command_waits_for_no_thread(stopped: str) -> None:
    """A signal may come while a pool's thread is starting: nobody would ever tell that one to end."""
    told = f"import sys, threading, time\nfrom studio import cli\ndef main():\n threading.Thread(target=time.sleep, args=(600,)).start()\n {stopped}\n"
    done = subprocess.run([sys.executable, "-c", told + "cli.main = main\ncli.run()"], cwd=whole.ROOT, timeout=60, check=False)
    assert done.returncode == int(re.findall(r"\d+", stopped)[0])


def test_help_names_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv=['reelwright','--help']\n"
        "from studio.cli import main\n"
        "try: main()\n"
        "except SystemExit as e: assert not e.code\n"
        "heavy={'numpy','cv2','pydantic','PIL','rich','edge_tts','imageio_ffmpeg','gradio','torch','asyncio'}&set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=whole.ROOT, env=whole.environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for verb in ("render", "generate", "chain", "last-frame", "combine", "upscale", "engines", "presets", "doctor"):
        assert re.search(rf"^ +{verb}( |$)", done.stdout, re.M), verb


@pytest.mark.parametrize("verb", ["render", "generate", "chain", "last-frame", "combine", "upscale", "verify", "engines", "presets", "doctor"])
def test_every_verb_has_help(verb: str, run: Run) -> None:
    status, out, _ = run(verb, "--help")
    assert status == 0
    assert out.startswith(f"usage: reelwright {verb}")


def test_version(run: Run) -> None:
    status, out, _ = run("--version")
    assert (status, out.split()[0].strip(",")) == (0, "reelwright")


@pytest.mark.parametrize("args", [
    [], ["dance"], ["render"], ["render", "a.csv", "--nonsense"], ["generate", "-o", "x.mp4"], ["generate", "waves"],
    ["chain", "waves", "-o", "x.mp4"], ["chain", "w", "-o", "x.mp4", "--total-duration", "long"], ["last-frame", "x.mp4"],
    ["combine", "-o", "x.mp4"], ["generate", "w", "-o", "x.mp4", "--seconds", "many"],
])  # fmt: skip
def test_bad_usage_is_2(args: list[str], run: Run, place: Path) -> None:
    status, out, err = run(*args)
    assert status == 2
    assert "usage: reelwright" in out + err


# render


def test_render_makes_the_film_and_tells_where(place: Path, run: Run) -> None:
    status, out, err = run("render", "story.csv", "--pictures", "photos", "-o", "films/mine.mp4", *SMALL)
    assert status == 0, err
    assert out == "", "what people read goes to stderr"
    last = err.splitlines()[-1]
    assert re.match(r"films/mine\.mp4: \d+\.\d s, \d+ frames, in \d+\.\d s \(.*parts made.*\)\. clips: .*; voice: espeak.*; music: none\. Synthetic in it: voice by espeak.* Content Credentials, signed .* Watermark in every frame\. Tag: composite\.$", last)
    assert int(re.findall(r"(\d+) frames", last)[0]) == whole.count(place / "films/mine.mp4")
    assert {path.name for path in (place / "films").iterdir()} == {"mine.mp4", "mine.srt", "mine.vtt", "mine.timeline.json"}


def test_the_film_is_named_after_the_story_where_no_name_is_given(place: Path, run: Run) -> None:
    assert run("render", "story.csv", "--pictures", "photos", *SMALL)[0] == 0
    assert (place / "story.mp4").is_file()
    (place / "out.d").mkdir()
    assert run("render", "story.csv", "--pictures", "photos", "-o", "out.d", *SMALL)[0] == 0
    assert (place / "out.d" / "story.mp4").is_file()
    assert run("render", "story.csv", "--pictures", "photos", "-o", "plain", *SMALL)[0] == 0
    assert (place / "plain.mp4").is_file()


def test_events_as_json_one_a_line(place: Path, run: Run) -> None:
    status, out, err = run("render", "story.csv", "--pictures", "photos", "-o", "film.mp4", "--json", *SMALL)
    assert (status, err) == (0, "")
    told = events(out)
    assert {"began", "moved", "made", "done"} <= {one["event"] for one in told}
    done = told[-1]
    assert done["event"] == "done"
    assert done["frames"] == whole.count(place / "film.mp4")
    shares = [one["done"] for one in told if one["event"] == "moved"]
    assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)
    again = events(run("render", "story.csv", "--pictures", "photos", "-o", "film.mp4", "--json", *SMALL)[1])
    assert all(one["reused"] for one in again if one["event"] == "made")


def test_a_failure_is_an_event_too(place: Path, run: Run) -> None:
    status, out, err = run("render", "nothing.csv", "--json")
    assert status == 1
    (told,) = events(out)
    assert told["event"] == "failed" and "no such file" in told["message"] and told["hint"]
    assert "no such file" in err


def test_what_the_command_line_says_goes_over_the_story(place: Path, run: Run) -> None:
    said = {
        "title": "Over", "size": "180x320", "fps": "12", "quality": "draft", "transition": "none", "voice": "none", "music": "none",
        "captions": "none", "caption_style": "boxed", "look": "noir", "fit": "contain", "seed": "8",
    }  # fmt: skip
    args = [part for name, value in said.items() for part in (f"--{name.replace('_', '-')}", value)]
    status, _, err = run("render", "story.csv", "--pictures", "photos", "-o", "film.mp4", *args)
    assert status == 0, err
    tags, _ = whole.metadata(place / "film.mp4")
    story = json.loads(tags["synopsis"])["story"]
    assert {name: str(story[name]) for name in said} == said
    assert tags["title"] == "Over"
    told = json.loads((place / "film.timeline.json").read_text("utf-8"))
    assert (told["width"], told["height"], told["fps"]) == (90, 160, "12/1")
    assert told["spoken"] == []
    assert not (place / "film.srt").exists()


def test_sizes_by_name(place: Path, run: Run) -> None:
    assert run("render", "story.csv", "--pictures", "photos", "-o", "f.mp4", "--size", "tall", "--quality", "draft", "--captions", "none", "--music", "none")[0] == 0
    told = json.loads((place / "f.timeline.json").read_text("utf-8"))
    assert (told["width"], told["height"]) == (288, 512)


def test_own_music_by_name(place: Path, run: Run) -> None:
    measure.wav(place / "band.wav", np.sin(np.arange(48_000) / 20) * 0.3)
    status, _, err = run("render", "story.csv", "--pictures", "photos", "-o", "f.mp4", "--size", "320x180", "--music", "band.wav")
    assert status == 0, err
    assert "music: own file" in err
    status, _, err = run("render", "story.csv", "--pictures", "photos", "-o", "f.mp4", "--music", "bend.wav")
    assert status == 1
    assert "band.wav" in err, "the nearest is named"


def test_several_stories_and_one_that_fails(place: Path, run: Run) -> None:
    (place / "good.csv").write_text("image,duration\np3.png,1\n", "utf-8")
    (place / "bad.csv").write_text("image,duration\np9.png,0.1\n", "utf-8")
    status, _, err = run("render", "bad.csv", "story.csv", "good.csv", "--pictures", "photos", "-o", "films", *SMALL)
    assert status == 1
    assert {path.name for path in (place / "films").glob("*.mp4")} == {"story.mp4", "good.mp4"}
    assert re.search(r"^bad\.csv: Failed: .*2 faults", err, re.M)
    assert "scene 1, image" in err and "scene 1, duration: 0.1 is below 0.5" in err
    assert re.search(r"^good\.csv: films/good\.mp4: 1\.0 s, 24 frames", err, re.M)
    told = events(run("render", "bad.csv", "good.csv", "--pictures", "photos", "-o", "films", "--json", *SMALL)[1])
    assert [one["event"] for one in told if one["event"] in ("failed", "done")] == ["failed", "done"]


def test_several_stories_need_a_folder_and_names_of_their_own(place: Path, run: Run) -> None:
    status, _, err = run("render", "story.csv", "story.csv", "--pictures", "photos", "-o", "one.mp4", *SMALL)
    assert (status, "folder" in err) == (1, True)
    (place / "other").mkdir()
    (place / "other" / "story.csv").write_text("image,duration\np3.png,1\n", "utf-8")
    status, _, err = run("render", "story.csv", "other/story.csv", "--pictures", "photos", "-o", "films", *SMALL)
    assert status == 1
    assert "would both become films/story.mp4" in err
    assert not (place / "films").exists(), "nothing was made that another would replace"


@pytest.mark.parametrize(("args", "said"), [
    (["render", "nothing.csv"], "no such file"),
    (["render", "story.csv", "--pictures", "nowhere"], "image"),
    (["render", "story.csv", "--pictures", "photos", "--size", "321x180"], "odd"),
    (["render", "story.csv", "--pictures", "photos", "--look", "noirr"], "Did you mean noir?"),
    (["render", "story.csv", "--pictures", "photos", "--transition", "crosfade"], "Did you mean crossfade?"),
    (["render", "story.csv", "--pictures", "photos", "--voice", "ema"], "Did you mean emma?"),
    (["render", "story.csv", "--pictures", "photos", "--music", "bandstan"], "Did you mean bandstand?"),
    (["render", "story.csv", "--pictures", "photos", "--fps", "fast"], "fps"),
    (["render", "story.csv", "--pictures", "photos", "--music", "m" * 300 + ".wav"], "music"),
    (["render", "story.csv", "--pictures", "photos", "-o", "film.avi"], ".mp4"),
    (["render", "story.csv", "--pictures", "photos", "-o", "f" * 300 + ".mp4"], "too long"),
    (["render", "x" * 5000], "cannot be read"),
    (["generate", "noir", "--input-video", "x.mp4", "--input-image", "photos/p1.png", "-o", "x.mp4"], "--input-image"),
    (["generate", "waves", "--input-image", "none.png", "-o", "x.mp4"], "none.png"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--style", "noirish"], "Did you mean noir?"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--motion", "2"], "--motion"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--aspect-ratio", "wide"], "--aspect-ratio"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--seconds", "nan"], "duration"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--engine", "camra"], "Did you mean camera?"),
    (["generate", "waves", "--input-image", "photos/p1.png", "-o", "photos"], ".mp4"),
    (["chain", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--total-duration", "0"], "--total-duration"),
    (["chain", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--total-duration", "inf"], "--total-duration"),
    (["chain", "waves", "--input-image", "photos/p1.png", "-o", "x.mp4", "--total-duration", "9", "--prompts", "no.txt"], "no.txt"),
    (["last-frame", "none.mp4", "-o", "x.png"], "none.mp4"),
    (["last-frame", "story.csv", "-o", "x.png"], "story.csv is not a video"),
    (["combine", "story.csv", "story.csv", "-o", "x.mp4"], "story.csv is not a video"),
    (["combine", "a.mp4", "b.mp4", "-o", "x.mp4", "--transition-seconds", "nan"], "--transition-seconds"),
    (["presets", "move"], "Did you mean moves?"),
])  # fmt: skip
def test_what_cannot_be_done_is_told_in_words(args: list[str], said: str, place: Path, run: Run) -> None:
    before = sorted(path.relative_to(place) for path in place.rglob("*"))
    status, out, err = run(*args)
    assert status == 1
    assert out == ""
    assert said in err
    assert len(err.splitlines()) <= 4, "a sentence, a hint, not a page"
    assert sorted(path.relative_to(place) for path in place.rglob("*")) == before


def test_an_error_has_its_hint_and_where_it_comes_from_only_on_demand(place: Path, run: Run) -> None:
    _, _, err = run("render", "story.csv", "--pictures", "photos", "--size", "321x180")
    assert len(err.splitlines()) == 2
    done = whole.ran(place / "d", "--debug", "render", place / "nothing.csv")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    done = whole.ran(place / "d", "render", place / "nothing.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_settings_that_cannot_be_used_are_named(place: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWRIGHT_VAULT_GIGABYTES", "-1")
    status, _, err = run("engines")
    assert (status, "REELWRIGHT_VAULT_GIGABYTES" in err) == (1, True)


# generate, chain, last-frame, combine


def test_generate_makes_a_clip_of_the_length_and_size(place: Path, run: Run) -> None:
    args = ["--input-image", "photos/p1.png", "--seconds", "1.5", "--size", "320x180", "--style", "noir", "--motion", "0.8", "--seed", "4", "--fps", "12"]
    status, _, err = run("generate", "Waves at dusk; slow zoom in", *args, "-o", "waves.mp4")
    assert status == 0, err
    assert whole.count(place / "waves.mp4") == 18
    told = json.loads((place / "waves.timeline.json").read_text("utf-8"))
    assert (told["width"], told["height"], told["fps"]) == (320, 180, "12/1")
    scene = told["scenes"][0]
    assert (scene["seed"], scene["clip_action"]) == (4, "slow zoom in")
    assert scene["camera"]["steps"][0]["aims"][0]["strength"] == pytest.approx(0.6 * 1.9), "slow, but with much motion"
    assert max(int(np.ptp(picture.astype(int), axis=2).max()) for picture in measure.frames(place / "waves.mp4", (320, 180))) < 12


@pytest.mark.parametrize(("ratio", "wide"), [("16:9", 16 / 9), ("9:16", 9 / 16), ("1:1", 1.0), ("2.39:1", 2.39)])
def test_generate_by_aspect_ratio(ratio: str, wide: float, place: Path, run: Run) -> None:
    args = ["--input-image", "photos/p1.png", "--seconds", "0.5", "--aspect-ratio", ratio, "--fps", "4"]
    assert run("generate", "still", *args, "--motion", "0", "-o", "c.mp4")[0] == 0
    told = json.loads((place / "c.timeline.json").read_text("utf-8"))
    assert told["width"] / told["height"] == pytest.approx(wide, rel=0.01)
    assert np.ptp(np.array(told["scenes"][0]["path"]), axis=0).max() == 0


def test_generate_may_speak_and_sound(place: Path, run: Run) -> None:
    args = ["--input-image", "photos/p2.png", "--seconds", "4", "--size", "320x180", "--narration", "So it begins.", "--music-mood", "calm"]
    status, _, err = run("generate", "a hill", *args, "-o", "hill.mp4")
    assert status == 0, err
    assert "So it begins." in (place / "hill.srt").read_text("utf-8")
    assert "Bandstand" in err


CHAIN = ("--input-image", "photos/p1.png", "--size", "320x180", "--fps", "12", "--total-duration", "3", "--segment", "1.25")


def test_chain_carries_on_without_a_doubled_frame_and_resumes(place: Path, run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spans = data / "vault" / "span"

    def count() -> int:
        return len(list(spans.rglob("*.mp4")))

    monkeypatch.setenv("REELWRIGHT_MARKS", "watermark, tag")  # a signature is another one each time
    before = count()
    status, _, err = run("chain", "zoom in", *CHAIN, "-o", "long.mp4")
    assert status == 0, err
    assert count() == before + 3, "1.25 + 1.25 + 0.5 seconds"
    assert measure.times(place / "long.mp4") == [Fraction(i, 12) for i in range(36)]
    pictures = [picture.astype(int) for picture in measure.frames(place / "long.mp4", (320, 180), "gray")]
    assert len(pictures) == 36
    steps = [float(np.abs(b - a).mean()) for a, b in pairwise(pictures)]
    for joint in (14, 29):
        assert steps[joint] > 0.3 * (steps[joint - 1] + steps[joint + 1]) / 2, "no frame is shown twice"
    assert len(measure.sound(place / "long.mp4")) / 48_000 == pytest.approx(3, abs=1 / 12)
    newest = max(spans.rglob("*.mp4"), key=lambda path: path.stat().st_mtime_ns)
    bytes_before = (place / "long.mp4").read_bytes()
    newest.unlink()
    assert run("chain", "zoom in", *CHAIN, "-o", "again.mp4")[0] == 0
    assert count() == before + 3
    assert (place / "again.mp4").read_bytes() == bytes_before


def test_chain_takes_a_prompt_for_each_segment(place: Path, run: Run) -> None:
    (place / "prompts.txt").write_text("static shot\nzoom in\n\nstatic shot\n", "utf-8")
    status, out, err = run("chain", "a journey", *CHAIN, "--prompts", "prompts.txt", "--json", "-o", "long.mp4")
    assert status == 0, err
    assert events(out)[-1] == {"event": "done", "path": "long.mp4", "seconds": 3.0, "how": ""}
    pictures = [picture.astype(int) for picture in measure.frames(place / "long.mp4", (320, 180), "gray")]
    moved = [float(np.abs(b - a).mean()) for a, b in pairwise(pictures)]
    assert max(moved[:13]) < min(0.2, np.mean(moved[16:28])), "it stands, then moves"


def test_chain_without_a_picture_draws_what_the_prompt_says(place: Path, run: Run) -> None:
    light = []
    for prompt in ("a desert at noon", "a forest at night"):
        assert run("chain", prompt, "--size", "160x90", "--total-duration", "0.5", "--motion", "0", "-o", "drawn.mp4")[0] == 0
        light.append(float(next(iter(measure.frames(place / "drawn.mp4", (160, 90), "gray"))).mean()))
    assert light[0] > light[1] + 50, light


@pytest.fixture
def videos(place: Path) -> list[Path]:
    """Two alike and one of another size; every frame has a grey of its own."""
    def grey(first: int, size: tuple[int, int]) -> list[measure.Picture]:
        return [np.full((size[1], size[0], 3), first + 8 * i, np.uint8) for i in range(10)]

    h264 = ("-c:v", "libx264", "-g", "10", "-qp", "10")
    return [
        measure.video(place / "one.mp4", grey(30, (160, 90)), 10, *h264),
        measure.video(place / "two.mp4", grey(120, (160, 90)), 10, *h264),
        measure.video(place / "big.mp4", grey(60, (320, 180)), 10, *h264),
    ]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_last_frame_is_the_very_last(suffix: str, videos: list[Path], place: Path, run: Run) -> None:
    status, out, err = run("last-frame", "one.mp4", "-o", f"last{suffix}")
    assert (status, out) == (0, ""), err
    with Image.open(place / f"last{suffix}") as picture:
        assert picture.size == (160, 90)
        assert abs(int(np.asarray(picture.convert("L")).mean()) - 102) <= 3


def test_combine_copies_where_it_can_and_says_so(videos: list[Path], place: Path, run: Run) -> None:
    status, _, err = run("combine", "one.mp4", "two.mp4", "-o", "both.mp4")
    assert status == 0, err
    assert "copied" in err
    assert whole.count(place / "both.mp4") == 20
    status, out, err = run("verify", "--json", "both.mp4")
    assert (status, json.loads(out)["credentials"]["state"]) == (0, "intact"), "joining signs what was joined"
    assert run("combine", "one.mp4", "big.mp4", "-o", "mixed.mp4")[2].count("encoded: their sizes differ") == 1
    assert whole.count(place / "mixed.mp4") == 20
    status, _, err = run("combine", "one.mp4", "two.mp4", "--transition", "crossfade", "--transition-seconds", "0.3", "-o", "melt.mp4")
    assert "encoded: a transition was asked for" in err
    assert whole.count(place / "melt.mp4") == 17
    status, _, err = run("combine", "one.mp4", "two.mp4", "--transition", "melting", "-o", "x.mp4")
    assert status == 1 and not (place / "x.mp4").exists()


def test_upscale_says_how_large_it_became(videos: list[Path], place: Path, run: Run) -> None:
    status, _, err = run("upscale", "one.mp4", "--size", "480x600", "-o", "large.mp4")
    assert status == 0 and "480x270" in err, err
    assert len(list(measure.frames(place / "large.mp4", (480, 270)))) == 10
    assert "intact" in run("verify", "--json", "large.mp4")[1]
    for size, told in (("160x90", "not smaller"), ("huge", "huge"), ("9000x9", "cannot be made")):
        status, _, err = run("upscale", "one.mp4", "--size", size, "-o", "x.mp4")
        assert status == 1 and told in err and not (place / "x.mp4").exists()


# engines, presets, doctor


def test_engines(place: Path, run: Run) -> None:
    status, out, err = run("engines")
    assert (status, err) == (0, "")
    assert re.search(r"^voices +espeak .*: there$", out, re.M)
    assert re.search(r"^voices +edge .*\(online\): missing: .*REELWRIGHT_ONLINE_VOICES", out, re.M)
    rows = json.loads(run("engines", "--json")[1])
    assert {row["role"] for row in rows} >= {"clips", "voices", "music"}


def test_presets(place: Path, run: Run) -> None:
    status, out, _ = run("presets")
    assert status == 0
    for word in ("moves:", "zoom_in", "crossfade", "noir", "emma", "karaoke", "calm", "1080p", "draft"):
        assert word in out
    status, out, _ = run("presets", "looks", "--json")
    assert (status, list(json.loads(out))) == (0, ["looks"])


def test_presets_of_ones_own(place: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "looks.toml").write_text('[dusk]\nlabel = "Dusk"\nwhat = "Blue."\nkelvin = 9000\n', "utf-8")
    monkeypatch.setenv("REELWRIGHT_PRESETS", str(place / "mine"))
    assert "dusk" in run("presets", "looks")[1]
    status, _, err = run("render", "story.csv", "--pictures", "photos", "-o", "f.mp4", "--look", "dusk", "--voice", "none", *SMALL)
    assert status == 0, err


def test_doctor(place: Path, run: Run, data: Path) -> None:
    status, out, err = run("doctor")
    assert err == ""
    assert f"REELWRIGHT_DATA={data} (set)" in out
    assert re.search(r"^ok  ffmpeg ", out, re.M)
    assert status in (0, 1)
    found = json.loads(run("doctor", "--json")[1])
    assert all(set(one) == {"good", "what", "hint"} for one in found)


# Processes of their own


def test_the_three_ways_to_call_it(tmp_path: Path) -> None:
    assert whole.ran(tmp_path, "--version").stdout.startswith("reelwright")
    script = Path(sys.executable).with_name("reelwright")
    if script.exists():
        said = subprocess.run([script, "presets", "sizes"], env=whole.environment(tmp_path), capture_output=True, text=True, check=True)
        assert "720p" in said.stdout


def test_a_bar_on_a_terminal_and_plain_lines_elsewhere(place: Path, data: Path) -> None:
    args = ["render", place / "story.csv", "--pictures", place / "photos", "-o", place / "film.mp4", *SMALL, "--seed", "5"]
    plain = whole.ran(place / "own", *args)
    assert "\x1b" not in plain.stdout + plain.stderr
    assert re.search(r"^\w+, \d+ %$", plain.stderr, re.M)
    ours, theirs = pty.openpty()
    with whole.started(data, *args, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                said += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
        os.close(ours)
    assert process.returncode == 0
    text = said.decode("utf-8", "replace")
    assert "\x1b[" in text
    assert "━" in text
    assert "film.mp4" in text


def test_a_reader_who_leaves_is_no_crash(place: Path, data: Path) -> None:
    with whole.started(data, "presets") as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        err = process.stderr.read()
    assert "Traceback" not in err


def test_a_terminal_that_cannot_show_a_letter_ends_nothing(place: Path, data: Path) -> None:
    (place / "été.csv").write_text("image,duration\np1.png,1\n", "utf-8")
    env = whole.environment(data) | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = whole.ran(data, "render", place / "été.csv", "--pictures", place / "photos", "-o", place / "été.mp4", *SMALL, env=env)
    assert done.returncode == 0, done.stderr
    assert (place / "été.mp4").exists()
