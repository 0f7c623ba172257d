"""What a prompt lacks is told by rule; a language model, where one is set, writes prompts and stories, and is doubted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pipelines import chat, helper
from pipelines.presets import Presets
from pipelines.work import Cancelled, FilmError
from studio import cli

from .model_servers import Served, running

GOOD = {"title": "Tides", "scenes": [{"prompt": "A grey sea at dawn", "narration": "The water waits.", "clip_action": "slow zoom in", "music_mood": "calm"}] * 3}


def lacking(prompt: str, presets: Presets) -> set[str]:
    return {part.name for part in helper.parts(prompt, presets) if not part.there}


@pytest.mark.parametrize(
    ("prompt", "lacks"),
    [
        ("", {"scene", "action", "camera", "light", "style"}),
        ("a dog", {"scene", "action", "camera", "light", "style"}),
        ("A dog runs along a beach", {"camera", "light", "style"}),
        ("A stylish woman walking down a neon Tokyo street at night, tracking shot, cinematic", set()),
        ("Ein Hund läuft im Abendlicht über die Wiese", {"camera", "style"}),
        ("Luftaufnahme: Nebel zieht durch einen Bergwald, filmisch", set()),
        ("morning on a lake", {"action", "camera", "style"}),
        ("Zoom in on a black-and-white photograph", {"scene", "action", "light"}),
        ("a king in a building", {"scene", "action", "camera", "light", "style"}),
    ],
)
def test_what_a_prompt_lacks(prompt: str, lacks: set[str], presets: Presets) -> None:
    assert lacking(prompt, presets) == lacks


def test_every_phrase_gives_what_it_is_offered_for(presets: Presets) -> None:
    assert list(presets.helper) == ["scene", "action", "camera", "light", "style"]
    for start in ("A dog", "Ein Hund und eine Katze"):
        for part in helper.parts(start, presets):
            assert part.add and not part.found
            for phrase in part.add:
                assert part.name not in lacking(helper.added(start, phrase), presets), (part.name, phrase)
    for name, part in presets.helper.items():
        for phrase in (*part.add, *part.dazu):
            assert name not in lacking(phrase, presets), phrase


def test_german_prompts_are_offered_german(presets: Presets) -> None:
    offered = {part.name: part.add for part in helper.parts("Ein kleiner Hund und eine Katze", presets)}
    assert offered["style"][0].startswith("filmisch")
    assert helper.parts("A small dog and a cat", presets)[4].add[0].startswith("cinematic")


@pytest.mark.parametrize(
    ("prompt", "phrase", "made"),
    [("a dog", "slow push in", "a dog, slow push in"), ("A dog.", "slow push in", "A dog. Slow push in."), ("", "slow push in", "slow push in"), ("a dog, Slow push-in", "slow push in", "a dog, Slow push-in"), ("a dog, ", "cinematic", "a dog, cinematic")],
)
def test_a_phrase_is_added(prompt: str, phrase: str, made: str) -> None:
    assert helper.added(prompt, phrase) == made


# A language model, on loopback


@pytest.fixture
def served() -> Iterator[tuple[Served, Callable[[Any], None]]]:
    said: dict[str, Any] = {"text": json.dumps(GOOD)}
    state = Served()

    async def complete(request: web.Request) -> web.StreamResponse:
        state.asked.append(await request.json())
        state.looks += 1
        if state.key and request.headers.get("Authorization") != f"Bearer {state.key}":
            return web.json_response({"error": {"message": "bad key"}}, status=401)
        if state.busy:
            state.busy -= 1
            return web.json_response({"error": {"message": "slow down"}}, status=429)
        if state.mode == "html":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        if state.mode == "silent":
            import asyncio

            await asyncio.sleep(5)
        if state.mode.isdigit():
            return web.json_response({"error": {"message": "the model fell over"}}, status=int(state.mode))
        if state.mode == "odd":
            return web.json_response({"choices": []})
        if state.mode == "moved":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": said["text"]}}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    with running(app, state) as served:
        yield served, lambda text: said.update(text=text)


def at(served: Served, **said: Any) -> chat.Chat:
    return chat.Chat(f"{served.url}/v1", "small", **({"wait": 0.01} | said))


def test_a_topic_becomes_a_story(served: Any, presets: Presets) -> None:
    server, _ = served
    story = chat.written("the tides", 3, at(server, key="k"), presets)
    assert story.title == "Tides" and len(story.scenes) == 3 and story.scenes[0].narration == "The water waits."
    body = server.asked[0]
    assert body["model"] == "small" and "the tides" in body["messages"][1]["content"] and "3 scenes" in body["messages"][1]["content"]


def test_a_fence_is_taken_off_and_nothing_else(served: Any, presets: Presets) -> None:
    server, says = served
    says(f"```json\n{json.dumps(GOOD)}\n```")
    assert len(chat.written("tides", 3, at(server), presets).scenes) == 3
    for text, why in (
        (f"Here you are: {json.dumps(GOOD)}", "not JSON"),
        ("[1, 2]", "no story"),
        ('{"scenes": "none"}', "no story"),
        ("[" * 100_000, "not JSON"),
        ('{"scenes": [{"prompt": "x", "image": "/etc/passwd"}]}', "image"),
        ('{"scenes": [{"prompt": "x", "voice": "a.wav"}]}', "voice"),
        ('{"music": "x.mp3", "scenes": [{"prompt": "x"}]}', "music"),
    ):
        says(text)
        with pytest.raises(FilmError, match=why):
            chat.written("tides", 3, at(server), presets)


def test_its_story_passes_the_same_reader_as_a_persons(served: Any, presets: Presets) -> None:
    server, says = served
    says(json.dumps({"title": "x" * 300, "scenes": [{"prompt": "y", "duration": 9000}, {"narration": "nothing to see"}]}))
    with pytest.raises(FilmError) as caught:
        chat.written("tides", 2, at(server), presets)
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("mode", "why", "hint"),
    [("401", "key", "REELWRIGHT_CHAT_KEY"), ("500", "has failed .500.. the model fell over", "log"), ("429", "too often", "Wait"), ("404", "refuses .404.", "REELWRIGHT_CHAT_MODEL"), ("html", "something else", "REELWRIGHT_CHAT_URL"), ("moved", "something else", "REELWRIGHT_CHAT_URL"), ("odd", "said nothing", "another model"), ("silent", "does not answer", "running")],
)
def test_a_server_that_fails_is_told_plainly(mode: str, why: str, hint: str, served: Any, presets: Presets) -> None:
    server, _ = served
    server.mode = mode
    with pytest.raises(FilmError, match=why) as caught:
        chat.written("tides", 3, at(server, key="secret-key", patience=0.3), presets)
    assert hint in caught.value.hint and "secret-key" not in str(caught.value) + repr(at(server, key="secret-key"))


def test_a_busy_server_is_asked_again_and_anybody_may_stop(served: Any, presets: Presets) -> None:
    server, _ = served
    server.busy = 2
    assert chat.written("tides", 3, at(server), presets) and server.looks == 3

    def stop(_: float) -> None:
        raise Cancelled

    server.mode = "silent"
    with pytest.raises(Cancelled):
        chat.written("tides", 3, at(server), presets, stop)


def test_a_prompt_is_written_anew(served: Any, presets: Presets) -> None:
    server, says = served
    says('"A dog runs along a beach at dawn,\n slow push in, cinematic."')
    assert chat.rewritten("a dog", at(server)) == "A dog runs along a beach at dawn, slow push in, cinematic."
    for text in ('{"prompt": "x"}', "<html>", "word " * 1000):
        says(text)
        with pytest.raises(FilmError, match="no prompt"):
            chat.rewritten("a dog", at(server))


def test_the_command_line_helps(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    server, says = served
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    assert cli.main(["prompt", "a dog runs along a beach"]) == 0
    told = capsys.readouterr().out
    assert "ok  Scene" in told and "-- Camera".replace("-- ", "--  ") in told and "+ slow push in" in told
    out = tmp_path / "story.json"
    assert cli.main(["story", "tides", "-o", str(out)]) == 1
    said = capsys.readouterr().err
    assert "No language model is set" in said and "REELWRIGHT_CHAT_URL" in said and not out.exists()
    monkeypatch.setenv("REELWRIGHT_CHAT_URL", f"{server.url}/v1")
    monkeypatch.setenv("REELWRIGHT_CHAT_MODEL", "small")
    assert cli.main(["story", "tides", "--scenes", "3", "-o", str(out)]) == 0
    assert json.loads(out.read_text("utf-8"))["scenes"][0]["clip_action"] == "slow zoom in"
    says("A dog at dawn.")
    assert cli.main(["prompt", "a dog", "--rewrite"]) == 0
    assert "A dog at dawn." in capsys.readouterr().out
