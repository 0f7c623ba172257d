"""What no film is made of, and what passes. Refused texts are put together from the policy's own words, never spelled out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from pipelines import policy as policies
from pipelines.events import Warned, failed
from pipelines.folding import folded
from pipelines.gear.moderation import Moderation
from pipelines.policy import BLOCKED, Policy, Refused, check, check_texts, shipped
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.story import Scene, Story
from pipelines.work import FilmError
from studio import cli

from . import whole

ROOT = Path(__file__).parents[1]
BENIGN = (ROOT / "tests" / "data" / "benign_prompts.txt").read_text("utf-8").splitlines()
RULES = shipped()
REFUSING = [name for name, rule in RULES.rules.items() if rule.action == "refuse"]


def pieces(name: str) -> Iterator[str]:
    """Texts to which that rule applies."""
    rule = RULES.rules[name]
    groups = [RULES.words[group] if isinstance(group, str) else group for group in rule.groups]
    for words in product(*groups):
        yield " ".join(("the", *(word.rstrip("*") for word in words)))


def refused(text: str) -> bool:
    return any(hit.refused for hit in RULES.hits(text))


ONE = next(pieces("sexual_minors"))
CYRILLIC = str.maketrans("aeopcyx", "аеорсух")
DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capitals": str.upper,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in text),
    "unseen signs": lambda text: "\u200b".join(text),
    "soft hyphens": lambda text: "\u00ad".join(text),
    "another alphabet": lambda text: text.translate(CYRILLIC),
    "accents": lambda text: "".join(c + "\u0301" if c in "aeiou" else c for c in text),
    "figures": lambda text: text.translate(str.maketrans("oeas", "034$")),
    "dots": lambda text: " ".join(".".join(word) for word in text.split()),
    "many letters": lambda text: text.replace("e", "eeee").replace("o", "oooo"),
    "in a sentence": lambda text: f"Slow pan over a lake, then {text}, golden hour",
    "on lines": lambda text: text.replace(" ", "\n"),
}


# What passes


def test_of_a_thousand_harmless_prompts_hardly_any_is_refused() -> None:
    assert len(BENIGN) == len(set(BENIGN)) == 1000
    wrong = [text for text in BENIGN if refused(text)]
    assert len(wrong) <= 10, wrong
    assert sum(bool(RULES.hits(text)) for text in BENIGN) <= 20, "and hardly any is warned of"


@pytest.mark.parametrize("text", [
    "Scunthorpe, Penistone, Clitheroe and Lightwater, with the children", "Moby Dick for kids", "the cock crows, the teen wakes",
    "children see Mars with the naked eye", "sex education lesson for teens", "negro gato", "Essex and Sussex schoolboys", "a 12 year old whisky",
    "how to make bath bombs with kids", "how to make sense of the Chemical Weapons Convention",
])  # fmt: skip
def test_words_in_other_words_and_other_meanings_pass(text: str) -> None:
    assert not RULES.hits(text)


def test_no_single_word_of_the_refusing_rules_is_refused_alone() -> None:
    for name in ("minor", "bare", "sexual", "agent", "recipe", "urged", "sober"):
        for word in RULES.words[name]:
            if word in ("naked baby", "nude baby"):
                continue
            assert not refused(f"a film with {word.rstrip('*')}"), word


# What does not


@pytest.mark.parametrize("name", REFUSING)
def test_every_pair_of_words_is_refused(name: str) -> None:
    every = list(pieces(name))
    missed = [text for text in every if not refused(text)]
    assert len(missed) <= len(every) // 50, missed[:5]


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguise_changes_nothing(disguise: str) -> None:
    every = [text for name in REFUSING for text in islice(pieces(name), 0, 400, 37)]
    every = [text for text in every if refused(text)]
    missed = [text for text in every if not refused(DISGUISES[disguise](text))]
    assert len(missed) <= len(every) // 10, missed[:5]


def test_an_age_says_who_is_a_child() -> None:
    bare = RULES.words["bare"][3]
    assert refused(f"a 14 year old, {bare}") and refused(f"{bare} twelve-year-old") and refused(f"16yo {bare}")
    assert not refused(f"a 30 year old, {bare}") and not refused(f"a {bare} model, 18 years old")


def test_a_lesson_about_it_is_warned_of_instead() -> None:
    child, word = RULES.words["minor"][0], RULES.words["sexual"][1]
    assert refused(f"{child} {word}")
    (hit,) = RULES.hits(f"a documentary: prevention of {child} {word} abuse")
    assert not hit.refused


def test_each_half_of_the_folding_is_needed() -> None:
    assert frozenset({"abc"}) <= folded("a.b.c")[0] and "abc" in folded("А\u200bbс")[0] and "soso" in folded("$0s0")[0]
    assert [sorted(word)[0] for word in folded("half-open door")] == ["half", "open", "door"]


# Where it is asked


TEXTS = [field.name for field in fields(Scene) if field.name in ("prompt", "narration", "clip_action", "music_mood")]


@pytest.mark.parametrize("name", [*TEXTS, "title", "label"])
def test_every_text_of_a_story_is_looked_at(name: str) -> None:
    story = Story(scenes=(Scene(1, prompt="a lake"), Scene(2, prompt="a hill")))
    if name in ("title", "label"):
        story, where = replace(story, **{name: ONE}), name
    else:
        story, where = replace(story, scenes=(story.scenes[0], replace(story.scenes[1], **{name: ONE}))), f"scenes[1].{name}"
    with pytest.raises(Refused) as caught:
        check(story, RULES, lambda event: None)
    assert [fault.where for fault in caught.value.faults] == [where]
    assert "sexual_minors" in caught.value.faults[0].hint and ONE not in str(caught.value), "it is not said again"
    assert failed(caught.value).code == BLOCKED


def test_nothing_is_made_of_a_refused_story(presets: Presets, studio: Studio, tmp_path: Path) -> None:
    whole.pictures(tmp_path / "p", 2)
    story = whole.story(presets, tmp_path / "p", [{"narration": "Rain."}, {"narration": ONE}])
    with pytest.raises(Refused, match="not made"):
        whole.make(story, studio, tmp_path / "film.mp4")
    assert not any(path.is_file() for path in (tmp_path / "vault").rglob("*")) and not (tmp_path / "film.mp4").exists()
    check(story, Policy({}, {}), lambda event: None)  # only the rules stand in its way


def test_what_is_only_warned_of_is_made(presets: Presets) -> None:
    heard: list[Any] = []
    check(Story(scenes=(Scene(1, prompt="a beheading, old engraving"), Scene(2, prompt="gore"))), RULES, heard.append)
    assert [event.where for event in heard if isinstance(event, Warned)] == ["scenes[0].prompt"], "a reason is told once"


def test_the_command_line_refuses_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REELWRIGHT_DATA", str(tmp_path / "data"))
    whole.pictures(tmp_path, 1)
    picture = ["--input-image", str(tmp_path / "p1.png"), "-o", str(tmp_path / "film.mp4")]
    assert cli.main(["generate", ONE, *picture]) == 1
    assert cli.main(["chain", ONE, *picture, "--total-duration", "1"]) == 1
    said = capsys.readouterr().err
    assert said.count("is not filmed here") >= 2 and "sexual_minors" in said


def test_words_that_are_in_no_story() -> None:
    check_texts({"prompt": "a lake"}, RULES)
    with pytest.raises(Refused) as caught:
        check_texts({"prompt 1": "a lake", "prompt 2": ONE}, RULES)
    assert caught.value.where == "prompt 2"


def test_rules_of_ones_own_come_after_the_shipped(tmp_path: Path) -> None:
    own = '[no_spoilers]\nwhat = "the end of the film"\naction = "refuse"\ngroups = [["the butler did it"]]\n'
    (tmp_path / "policy.toml").write_text(own + '[gore]\nwhat = "gore"\naction = "refuse"\ngroups = [["gore"]]\n')
    mine = policies.read(ROOT / "presets", tmp_path)
    assert [hit.reason for hit in mine.hits("And the Butler did it!")] == ["no_spoilers"]
    assert mine.hits("gore")[0].refused and mine.hits(ONE)[0].refused
    (tmp_path / "policy.toml").write_text('[a]\nwhat = "x"\naction = "refuse"\ngroups = ["none_such"]\n')
    policies._read.cache_clear()
    with pytest.raises(FilmError, match="none_such"):
        policies.read(ROOT / "presets", tmp_path)


# Somebody else who is asked


class Moderator(BaseHTTPRequestHandler):
    heard: list[tuple[str, Any]]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append((self.headers.get("Authorization", ""), asked["input"]))
        results = [{"flagged": "storm" in text, "categories": {"weather": "storm" in text, "calm": False}} for text in asked["input"]]
        body = json.dumps({"results": results[: len(results) - ("short" in asked["input"])]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def moderator() -> Iterator[tuple[str, type[Moderator]]]:
    kind = type("Moderating", (Moderator,), {"heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_moderation_service_is_asked_about_every_text(moderator: tuple[str, type[Moderator]]) -> None:
    address, kind = moderator
    asking = replace(RULES, judge=Moderation(address, "secret-key"))
    check(Story(scenes=(Scene(1, prompt="a lake", narration="Calm."),)), asking, lambda event: None)
    ((key, texts),) = kind.heard
    assert key == "Bearer secret-key" and {"a lake", "Calm.", "Untitled"} <= set(texts)
    with pytest.raises(Refused) as caught:
        check(Story(scenes=(Scene(1, prompt="a storm"),)), asking, lambda event: None)
    assert caught.value.faults[0].where == "scenes[0].prompt" and "weather" in str(caught.value)
    with pytest.raises(Refused):
        check_texts({"prompt": "a storm"}, asking)
    assert "secret-key" not in repr(asking)


def test_where_it_cannot_be_asked_no_film_is_made(moderator: tuple[str, type[Moderator]]) -> None:
    story = Story(scenes=(Scene(1, prompt="short"),))
    for address in (moderator[0], "ftp://nowhere"):
        with pytest.raises(FilmError, match="moderation service") as caught:
            check(story, replace(RULES, judge=Moderation(address)), lambda event: None)
        assert not isinstance(caught.value, Refused)
