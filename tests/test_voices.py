"""The narrators, as a listener and a caption writer notice them: real espeak-ng, real edge-tts against a stand-in."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import presets
from pipelines.language import glue, language_of
from pipelines.loudness import Meter
from pipelines.plan import Line
from pipelines.voices import _words, edge, espeak
from pipelines.voices._tone import toned
from pipelines.work import Cancelled, FilmError, idle

from . import edge_server

SHIPPED = Path(__file__).parents[1] / "presets"
PLAIN = "Hello brave new world. It's 3 o'clock in Zürich — isn't it lovely? A well-known poet said so."
LONG = ("Every word of this long story is spoken, one after the other, until it ends at last. " * 60)[:5000].strip()


@pytest.fixture(scope="module")
def offline() -> Iterator[espeak.Engine]:
    engine = espeak.Engine()
    yield engine
    engine.close()


def heard(path: Path) -> tuple[np.ndarray[Any, np.dtype[np.float32]], int]:
    with wave.open(str(path), "rb") as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 48_000)
        sound = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.float32) / np.float32(32768)
    return sound, 48_000


def checked(notes: Any, path: Path, text: str) -> list[tuple[str, float, float]]:
    """The words of a take, after checking what holds for every take."""
    sound, rate = heard(path)
    words = [(str(word), float(start), float(end)) for word, start, end in notes["words"]]
    assert notes["seconds"] == pytest.approx(len(sound) / rate, abs=0.001)
    times = [moment for _word, start, end in words for moment in (start, end)]
    assert times == sorted(times)
    assert all(start < end for _word, start, end in words)
    assert not times or (times[0] >= 0 and times[-1] <= len(sound) / rate + 1e-6)
    assert joined([word for word, _start, _end in words]) == " ".join(text.split())
    return words


def joined(words: list[str]) -> str:
    text = ""
    for word in words:
        text += (glue(text, word) if text else "") + word
    return text


def loudness(sound: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    meter = Meter()
    meter.feed(sound[:, None])
    return meter.loudness()


# What every take is


def test_words_are_complete_in_order_and_when_they_are_heard(offline: espeak.Engine, tmp_path: Path) -> None:
    notes = offline.speak(Line(PLAIN, "en-us"), tmp_path / "a.wav", idle)
    words = checked(notes, tmp_path / "a.wav", PLAIN)
    assert [word for word, _s, _e in words] == PLAIN.split()
    sound, rate = heard(tmp_path / "a.wav")
    for word, start, end in words:
        if word != "—":
            assert np.abs(sound[int(start * rate) : int(end * rate)]).max() > 0.02, word
    pause = next(end for word, _s, end in words if word == "world."), next(s for word, s, _e in words if word == "It's")
    assert pause[1] - pause[0] > 0.2
    assert np.abs(sound[int((pause[0] + 0.03) * rate) : int((pause[1] - 0.03) * rate)]).max() < 0.01


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "de", "cmn"])
def test_level_is_the_same_for_every_voice_and_both_ends_are_trimmed(
    offline: espeak.Engine, tmp_path: Path, voice: str
) -> None:
    offline.speak(Line("One two three four, five six seven eight nine. 你好世界", voice), tmp_path / "a.wav", idle)
    sound, rate = heard(tmp_path / "a.wav")
    assert loudness(sound) == pytest.approx(-20, abs=0.5)
    assert np.abs(sound).max() < 10 ** (-1 / 20)
    loud = np.flatnonzero(np.abs(sound) > 0.005)
    assert loud[0] / rate < 0.06
    assert (len(sound) - loud[-1]) / rate < 0.1


def test_speed_is_the_pace(offline: espeak.Engine, tmp_path: Path) -> None:
    slow = offline.speak(Line(PLAIN, "en-us", 1.0), tmp_path / "a.wav", idle)
    fast = offline.speak(Line(PLAIN, "en-us", 1.25), tmp_path / "b.wav", idle)
    assert 0.72 < float(str(fast["seconds"])) / float(str(slow["seconds"])) < 0.9


def test_the_same_line_gives_the_same_bytes(offline: espeak.Engine, tmp_path: Path) -> None:
    other = espeak.Engine()
    first = offline.speak(Line(PLAIN, "en+f2"), tmp_path / "a.wav", idle)
    second = other.speak(Line(PLAIN, "en+f2"), tmp_path / "b.wav", idle)
    other.close()
    assert first == second
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


# espeak: languages and texts


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Guten Tag, schöne Welt! Wie geht's?"),
        ("fr-CA", "L'été est là, n'est-ce pas ? Oui."),
        ("ru", "Привет, мир. Как дела?"),
        ("ar", "مرحبا بالعالم، كيف حالك؟"),
        ("he", "שלום עולם, מה שלומך?"),
        ("hi", "नमस्ते दुनिया, आज मौसम अच्छा है।"),
        ("ko", "안녕하세요 세계. 좋은 날씨"),
        ("zh-CN", "你好世界。今天天气很好，hello 我用Python写“代码”。"),
        ("ja", "こんにちは世界、今日はいい天気です。"),
        ("th", "สวัสดีชาวโลก วันนี้อากาศดี"),
        ("xx-unknown", "No such tongue."),
    ],
)
def test_every_language_gives_sound_and_words(offline: espeak.Engine, tmp_path: Path, language: str, text: str) -> None:
    notes = offline.speak(Line(text, offline.voice_for(language)), tmp_path / "a.wav", idle)
    words = checked(notes, tmp_path / "a.wav", text)
    assert len(words) >= 3
    assert max(len(word) for word, _s, _e in words) <= 14


def test_voice_for_takes_the_language_its_base_or_english(offline: espeak.Engine) -> None:
    wanted = {"en": "en-us", "en-GB": "en", "pt-BR": "pt-br", "fr": "fr", "zh": "cmn", "de-AT": "de", "qq": "en-us"}
    assert {language: offline.voice_for(language) for language in wanted} == wanted
    online = edge.Engine(online=False)
    assert online.voice_for("de") == "de-DE-KatjaNeural"
    assert online.voice_for("pt-PT") == "pt-PT-RaquelNeural"
    assert online.voice_for("en-XX") == online.voice_for("qq") == "en-US-EmmaNeural"


def test_five_thousand_characters(offline: espeak.Engine, tmp_path: Path) -> None:
    notes = offline.speak(Line(LONG, "en-us"), tmp_path / "a.wav", idle)
    checked(notes, tmp_path / "a.wav", LONG)
    assert float(str(notes["seconds"])) > 200


@pytest.mark.parametrize(
    "text",
    [
        "nul\0 and \x07bell\x1b[31m",
        "<speak><break time='3s'/>tags</speak> &amp; [[h@'loU]]",
        "abc\u202edef \u200f\u200eghi",
        "Launch day 🚀 for the 👩‍👩‍👧 and 🇩🇪!",
        "x" * 700,
        "-e --help $(reboot) `id` ; | > /dev/null",
        "\ud800 half a pair",
        "Z̷̡̢a̴̧͝l̵̨̛g̶̢̀o̷̡͐ ﷽ ﷽ ﷽",
        "1 2 3 4 5 - - - - - 6 ... 7",
    ],
)  # fmt: skip
def test_naughty_text_is_only_text(offline: espeak.Engine, tmp_path: Path, text: str) -> None:
    notes = offline.speak(Line(text, "en-us"), tmp_path / "a.wav", idle)
    words = checked(notes, tmp_path / "a.wav", _words.clean(text))
    assert words


def test_markup_makes_no_pause(offline: espeak.Engine, tmp_path: Path) -> None:
    notes = offline.speak(Line("a <break time='30s'/> b", "en-us"), tmp_path / "a.wav", idle)
    assert float(str(notes["seconds"])) < 10


@pytest.mark.parametrize("text", ["😀 🎉", "...", "— … —", "\0", "", "\u200f", "! " * 400])
def test_nothing_to_say_is_a_short_silence(offline: espeak.Engine, tmp_path: Path, text: str) -> None:
    for engine, voice in ((offline, "en-us"), (edge.Engine(), "en-US-EmmaNeural")):
        notes = engine.speak(Line(text, voice), tmp_path / "a.wav", idle)
        checked(notes, tmp_path / "a.wav", _words.clean(text))
        assert float(str(notes["seconds"])) >= 0.3
        assert not heard(tmp_path / "a.wav")[0].any()


def test_an_unknown_voice_is_named_with_the_nearest(offline: espeak.Engine, tmp_path: Path) -> None:
    for voice in ("germann", "en-us+nobody", "en-us+../../etc/passwd", "/etc/passwd", ""):
        with pytest.raises(FilmError) as caught:
            offline.speak(Line("Hello", voice), tmp_path / "a.wav", idle)
        assert "Known" in caught.value.hint


def test_voices_have_languages_and_every_preset_exists(offline: espeak.Engine) -> None:
    plain = dict(offline.voices())
    assert len({voice.language for voice in plain.values()}) > 100
    assert plain["en-us+f3"].gender == "female"
    shipped = presets.read(SHIPPED).voices
    for variant in {voice.ids["espeak"] for voice in shipped.values()}:
        assert offline._voice(variant, idle) == variant
    online = dict(edge.Engine(online=False).voices())
    assert all(online[voice.ids["edge"]].language == voice.language for voice in shipped.values())
    assert all(online[voice.ids["edge"]].gender == voice.gender for voice in shipped.values())
    assert len(shipped) >= 40
    assert len({voice.language.partition("-")[0] for voice in shipped.values()}) >= 25


# espeak: the child


def test_two_threads_share_one_child(offline: espeak.Engine, tmp_path: Path) -> None:
    lines = [("en-us", "One two three four."), ("de", "Eins zwei drei vier.")] * 3
    notes: dict[int, Any] = {}

    def speak(n: int) -> None:
        voice, text = lines[n]
        notes[n] = offline.speak(Line(text, voice), tmp_path / f"{n}.wav", idle)

    threads = [threading.Thread(target=speak, args=(n,)) for n in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, (_voice, text) in enumerate(lines):
        checked(notes[n], tmp_path / f"{n}.wav", text)
        assert notes[n] == notes[n % 2]


def test_a_child_killed_in_the_middle_is_replaced(tmp_path: Path) -> None:
    engine = espeak.Engine()
    killed: list[Any] = []

    def kill(done: float) -> None:
        if done > 0.02 and not killed:
            killed.append(running(engine))
            killed[0].kill()

    notes = engine.speak(Line(LONG, "en-us"), tmp_path / "a.wav", kill)
    checked(notes, tmp_path / "a.wav", LONG)
    assert killed[0] is not running(engine)
    engine.close()


def test_a_child_that_always_dies_is_an_error_in_words(tmp_path: Path) -> None:
    engine = espeak.Engine()

    def kill(done: float) -> None:
        if 0.02 < done < 0.8:
            running(engine).kill()

    with pytest.raises(FilmError, match="stopped while it spoke") as caught:
        engine.speak(Line(LONG, "en-us"), tmp_path / "a.wav", kill)
    assert "Every word" not in str(caught.value)
    assert engine.speak(Line("Still here.", "en-us"), tmp_path / "b.wav", idle)["words"]
    engine.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no way to stop a process here")
def test_a_child_that_hangs_while_it_speaks_is_given_up(tmp_path: Path) -> None:
    engine = espeak.Engine(patience=0.3)
    stopped: list[Any] = []

    def hang(done: float) -> None:
        if done > 0.02 and not stopped:
            stopped.append(running(engine))
            os.killpg(stopped[0].pid, signal.SIGSTOP)

    notes = engine.speak(Line(LONG, "en-us"), tmp_path / "a.wav", hang)
    assert stopped[0].returncode is not None
    checked(notes, tmp_path / "a.wav", LONG)
    engine.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no way to stop a process here")
def test_a_child_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    engine = espeak.Engine(patience=0.3)
    engine.voices()
    running(engine).send_signal(signal.SIGSTOP)
    assert engine.speak(Line("Hello again.", "en-us"), tmp_path / "a.wav", idle)["words"]
    engine.close()


def test_cancel_ends_within_a_moment_and_the_engine_goes_on(tmp_path: Path) -> None:
    engine = espeak.Engine()

    def stop(done: float) -> None:
        if done > 0.01:
            raise Cancelled

    began = time.monotonic()
    with pytest.raises(Cancelled):
        engine.speak(Line(LONG, "en-us"), tmp_path / "a.wav", stop)
    assert time.monotonic() - began < 6
    assert not list(tmp_path.iterdir())
    checked(engine.speak(Line("On we go.", "en-us"), tmp_path / "b.wav", idle), tmp_path / "b.wav", "On we go.")
    engine.close()


def test_close_ends_the_child_and_may_be_called_again(tmp_path: Path) -> None:
    engine = espeak.Engine()
    engine.close()
    engine.speak(Line("Hello", "en-us"), tmp_path / "a.wav", idle)
    child = running(engine)
    assert child.poll() is None
    engine.close()
    engine.close()
    assert child.poll() is not None
    assert engine.missing() is None


def running(engine: espeak.Engine) -> Any:
    assert engine._espeak._child is not None
    return engine._espeak._child._process


# edge: the real library against the stand-in


def impatient(stall: float = 10) -> edge.Engine:
    return edge.Engine(pauses=(0, 0), stall=stall, probe=1)


def test_edge_speaks_with_words_that_keep_their_punctuation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edge_server.running(monkeypatch) as service:
        engine = impatient()
        assert engine.missing() is None
        notes = engine.speak(Line(PLAIN, "en-US-EmmaNeural", 1.1), tmp_path / "a.wav", idle)
    words = checked(notes, tmp_path / "a.wav", PLAIN)
    assert [word for word, _s, _e in words] == PLAIN.split()
    assert "rate='+10%'" in service.ssml[0]
    sound, rate = heard(tmp_path / "a.wav")
    assert loudness(sound) == pytest.approx(-20, abs=0.5)
    assert np.flatnonzero(np.abs(sound) > 0.02)[0] / rate < 0.06
    for word, start, end in words:
        middle = int((start + end) / 2 * rate)
        if word not in ("—", "well-known"):  # two units with a pause between them
            assert np.abs(sound[middle - 400 : middle + 400]).max() > 0.02, word


@pytest.mark.parametrize("text", ["你好世界。今天天气很好", 'Tom & Jerry <said> "hi" 😀', "سلام دنیا"])
def test_edge_speaks_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with edge_server.running(monkeypatch) as service:
        notes = impatient().speak(Line(text, "en-US-EmmaNeural"), tmp_path / "a.wav", idle)
    assert len(checked(notes, tmp_path / "a.wav", text)) >= 2
    assert service.texts[0].split() == _words.aloud(text).split()


def test_edge_long_text_of_several_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edge_server.running(monkeypatch) as service:
        notes = edge.Engine().speak(Line(LONG, "en-US-EmmaNeural"), tmp_path / "a.wav", idle)
    words = checked(notes, tmp_path / "a.wav", LONG)
    assert len(service.texts) == 2
    last = words[-1]
    assert float(str(notes["seconds"])) - last[2] < 0.3  # the second turn's words stand where its sound is


@pytest.mark.parametrize("does", ["403_once", "drop_once", "no_words"])
def test_edge_gets_over_a_passing_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    with edge_server.running(monkeypatch, does):
        notes = impatient().speak(Line(PLAIN, "en-US-EmmaNeural"), tmp_path / "a.wav", idle)
    checked(notes, tmp_path / "a.wav", PLAIN)


@pytest.mark.parametrize(
    ("does", "why", "least"),
    [
        ("403", "403", 3),
        ("503", "503", 3),
        ("no_audio", "no sound", 3),
        ("garbage", "no sound", 3),
        ("nonsense", "not understood", 3),
        ("half", "broke off", 3),
        ("half_audio", "broke off", 3),
        ("drop", "broke off", 3),
        ("silent", "said nothing", 3),
    ],
)
def test_edge_tries_three_times_then_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, why: str, least: int
) -> None:
    with edge_server.running(monkeypatch, does) as service, pytest.raises(FilmError) as caught:
        engine = impatient(0.3 if does == "silent" else 10)
        engine.speak(Line(PLAIN, "en-US-EmmaNeural"), tmp_path / "a.wav", idle)
    assert why in caught.value.message
    assert "espeak" in caught.value.hint
    assert "REELWRIGHT_ONLINE_VOICES=0" in caught.value.hint
    assert "Zürich" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert service.connections >= least
    assert not list(tmp_path.iterdir())


def test_edge_without_a_network_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edge_server.direct(monkeypatch, "ws://127.0.0.1:1/edge/v1?TrustedClientToken=x")
    engine = impatient()
    began = time.monotonic()
    assert "do not answer" in str(engine.missing())
    assert time.monotonic() - began < 1.9
    with pytest.raises(FilmError, match="could not be reached"):
        engine.speak(Line("Hello there", "en-US-EmmaNeural"), tmp_path / "a.wav", idle)


def test_edge_asks_once_whether_the_service_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = impatient()
    with edge_server.running(monkeypatch):
        assert engine.missing() is None
    assert engine.missing() is None


def test_edge_does_not_wait_for_a_silent_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    edge_server.direct(monkeypatch, "wss://voices.invalid/v1?x")
    asked = threading.Event()

    def silence(*_address: object, **_options: object) -> None:
        asked.wait(5)
        raise OSError

    monkeypatch.setattr("socket.create_connection", silence)
    began = time.monotonic()
    assert "do not answer" in str(edge.Engine(probe=0.1).missing())
    assert time.monotonic() - began < 4
    asked.set()


@pytest.mark.parametrize(("says", "answers"), [("200 OK", True), ("403 Forbidden", False)])
def test_edge_asks_through_the_proxy(monkeypatch: pytest.MonkeyPatch, says: str, answers: bool) -> None:
    edge_server.direct(monkeypatch, "ws://voices.invalid/v1?x")
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def serve() -> None:
            line, _address = proxy.accept()
            with line:
                asked.append(line.recv(1000))
                line.sendall(f"HTTP/1.1 {says}\r\n\r\n".encode())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.getsockname()[1]}")
        assert (edge.Engine().missing() is None) is answers
        thread.join(5)
    assert asked[0].startswith(b"CONNECT voices.invalid:80 ")
    assert b"Basic " in asked[0]


def test_edge_switched_off(tmp_path: Path) -> None:
    engine = edge.Engine(online=False)
    assert engine.missing() == "Online voices are switched off. Set REELWRIGHT_ONLINE_VOICES=1."
    with pytest.raises(FilmError, match="switched off"):
        engine.speak(Line("Hello", "en-US-EmmaNeural"), tmp_path / "a.wav", idle)


def test_edge_takes_no_markup_for_a_voice(tmp_path: Path) -> None:
    for voice in ("en-US-Emma'/><x y='Neural", "en-us", "", "Microsoft Server Speech Text to Speech Voice (a, b)"):
        with pytest.raises(FilmError, match="no such voice"):
            edge.Engine().speak(Line("Hello", voice), tmp_path / "a.wav", idle)


def test_edge_cancel_ends_within_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = []

    def stop(done: float) -> None:
        ticks.append(done)
        if len(ticks) > 2:
            raise Cancelled

    with edge_server.running(monkeypatch, "silent"):
        began = time.monotonic()
        with pytest.raises(Cancelled):
            edge.Engine().speak(Line(PLAIN, "en-US-EmmaNeural"), tmp_path / "a.wav", stop)
        assert time.monotonic() - began < 8


# Words and languages, without any engine


def test_units_find_their_words() -> None:
    text = "It's 3 o'clock, in Zürich: 1,234.50 well-known people!"
    said = ["It's", "3 o'clock", "in", "Zürich", "one thousand and so on", "well", "known", "people"]
    units = _words.align(text, [(word, float(n), n + 0.9) for n, word in enumerate(said)])
    words = _words.words(text, units, 8.0)
    assert [word for word, _s, _e in words] == text.split()
    times = {word: (start, end) for word, start, end in words}
    assert times["3"][0] == 1.0
    assert times["o'clock,"][1] == pytest.approx(1.9)
    assert times["1,234.50"] == (4.0, 4.9)
    assert times["well-known"] == (5.0, 6.9)
    assert times["people!"] == (7.0, 7.9)


def test_words_nobody_timed_take_the_pause_or_share() -> None:
    text = "one — two three"
    words = _words.words(text, [_words.Unit(0, 3, 0.0, 1.0), _words.Unit(6, 9, 1.5, 3.0)], 3.0)
    assert [(word, start, end) for word, start, end in words[:2]] == [("one", 0.0, 1.0), ("—", 1.0, 1.5)]
    assert words[3][2] == 3.0
    assert 1.5 < words[3][1] < 3.0


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_words_always_have_room(count: int) -> None:
    text = " ".join(["."] * count)
    words = _words.words(text, [], 0.4)
    assert len(words) == count
    assert all(start < end for _word, start, end in words)
    assert all(a[2] <= b[1] for a, b in pairwise(words))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The ship sails out of the harbour at dawn.", "en"),
        ("Das Schiff läuft am Morgen aus dem Hafen.", "de"),
        ("Le navire quitte le port à l'aube.", "fr"),
        ("El barco sale del puerto al amanecer.", "es"),
        ("La nave lascia il porto all'alba.", "it"),
        ("O navio sai do porto ao amanhecer, não é?", "pt"),
        ("Het schip verlaat de haven bij zonsopgang.", "nl"),
        ("Statek wypływa z portu o świcie i nie wraca.", "pl"),
        ("Gemi şafakta limandan ayrılıyor.", "tr"),
        ("Fartyget lämnar hamnen och det är kallt.", "sv"),
        ("Корабль выходит из гавани на рассвете.", "ru"),
        ("Корабель виходить із гавані на світанку.", "uk"),
        ("Το πλοίο φεύγει από το λιμάνι.", "el"),
        ("السفينة تغادر الميناء", "ar"),
        ("کشتی بندر را ترک می‌کند و پس از چند روز", "fa"),
        ("הספינה עוזבת את הנמל", "he"),
        ("जहाज़ बंदरगाह से निकलता है", "hi"),
        ("জাহাজটি বন্দর ছেড়ে যায়", "bn"),
        ("கப்பல் துறைமுகத்தை விட்டு", "ta"),
        ("เรือออกจากท่าเรือ", "th"),
        ("배가 항구를 떠난다", "ko"),
        ("船は夜明けに港を出る。", "ja"),
        ("船在黎明时离开港口。", "zh"),
        ("გემი ტოვებს ნავსადგურს", "ka"),
        ("Նավը լքում է նավահանգիստը", "hy"),
        ("", "en"),
        ("12:30 — 😀", "en"),
        ("Okay", "en"),
    ],
)
def test_language_is_guessed_from_the_letters(text: str, language: str) -> None:
    assert language_of(text) == language


def test_no_narration_stands_in_the_sources_of_errors() -> None:
    sources = [Path(str(module.__file__)).read_text("utf-8") for module in (edge, espeak)]
    raised = [part for source in sources for part in re.findall(r"(?:FilmError|_Failed)\((.*)\)", source)]
    assert raised
    assert not [part for part in raised if re.search(r"\{(text|line\.text|said)", part)]


@pytest.mark.parametrize("rate", [22_050, 16_000])
@pytest.mark.parametrize(("hertz", "decibel"), [(30, -17.2), (150, -4.3), (1000, -6.3), (3400, -9), (5500, -7)])
def test_speech_keeps_its_pitch_and_gets_its_tone_without_a_seam(hertz: float, decibel: float, rate: int) -> None:
    count = round(2.7 * rate)
    given = (np.sin(2 * np.pi * hertz * np.arange(count) / rate) * 10_000).astype(np.int16)
    heard = toned(given, rate).astype(float)
    assert len(heard) == round(2.7 * 48_000)
    at = np.arange(len(heard)) / 48_000
    inner = slice(24_000, -24_000)
    waves = np.stack([np.sin(2 * np.pi * hertz * at), np.cos(2 * np.pi * hertz * at)], -1)[inner]
    fit = np.linalg.lstsq(waves, heard[inner], rcond=None)[0]
    assert 20 * np.log10(np.hypot(*fit) / 10_000) == pytest.approx(decibel, abs=0.7)
    assert np.abs(heard[inner] - waves @ fit).max() < 8, "where one second ends and the next begins too"
