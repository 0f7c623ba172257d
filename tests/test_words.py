"""The page's words: every language is whole, every word is used, and every word that is used is there."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

UI = Path(__file__).parents[1] / "studio" / "ui"
WORDS = tomllib.loads((UI / "words.toml").read_text("utf-8"))
SCRIPTS = {path.name: path.read_text("utf-8") for path in (UI / "static").glob("*.js")}
PAGES = {path.name: path.read_text("utf-8") for path in UI.glob("*.py")}
# Keys that are put together: their beginnings, and where each is made.
MADE = {"status_": "board.js", "stage_": "dock.js", "download_": "showing.py"} | dict.fromkeys(
    ("cap_", "fit_", "clip_sound_", "card_", "focus_", "logo_", "which_", "verb_", "how_", "strength_", "seam_", "curve_", "start_"), "panels.py"
)
COMING: set[str] = set()  # said nowhere yet


def asked() -> dict[str, str]:
    """Keys that scripts and pages name, with the file that does."""
    found: dict[str, str] = {}
    for name, text in SCRIPTS.items():
        found |= dict.fromkeys(re.findall(r"\bW\.(\w+)", text) + re.findall(r"\bsay\('(\w+)'[,)]", text), name)
    for name, text in PAGES.items():
        found |= dict.fromkeys(re.findall(r"\bsay\(\"(\w+)\"\)", text), name)
        found |= dict.fromkeys(re.findall(r"\"key\": \"(\w+)\"", text), name)
        found |= dict.fromkeys(re.findall(r"\"state\": \"(\w+)\"", text), name)
    return found


def placeholders(text: str) -> Counter[str]:
    return Counter(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", WORDS)
def test_a_language_is_whole(language: str) -> None:
    english, own = WORDS["en"], WORDS[language]
    assert not set(english) - set(own), "words are lacking"
    assert not set(own) - set(english), "words that English does not have"
    for key, text in own.items():
        assert placeholders(text) == placeholders(english[key]), key
        assert text.strip() == text and text, key
        assert text.count("\n") == english[key].count("\n"), key


def test_english_is_there_and_languages_are_named_as_browsers_name_them() -> None:
    assert "en" in WORDS and all(re.fullmatch(r"[a-z]{2}", language) for language in WORDS)


def test_every_word_that_is_asked_for_is_there() -> None:
    assert len(asked()) > 100, "the keys are not found any more: mend this test"
    missing = {f"{key} ({where})" for key, where in asked().items() if key not in WORDS["en"]}
    assert not missing


def test_every_word_is_used() -> None:
    made = tuple(MADE)
    unused = {key for key in WORDS["en"] if key not in asked() and not key.startswith(made)}
    everything = "\n".join((*SCRIPTS.values(), *PAGES.values()))
    assert {key for key in unused if not re.search(rf"[\"'`]{key}[\"'`]", everything)} == COMING
    for beginning, where in MADE.items():
        made_here = rf"[\"'`]{beginning}(\{{|['\"`] ?\+)|(?:_words|choice)\(\"{beginning[:-1]}\""
        assert re.search(made_here, (SCRIPTS | PAGES)[where]), f"{beginning} is made nowhere"


def test_every_word_that_is_put_together_is_there() -> None:
    """All values that the other half can have."""
    from pipelines.render import WEIGHTS
    from pipelines.story import schema_of
    from studio.desk import BESIDE

    spec = schema_of("Story")
    wanted = {f"cap_{name}" for name in spec["captions"]["enum"]} | {f"fit_{name}".replace("-", "_") for name in spec["fit"]["enum"]}
    wanted |= {f"status_{name}" for name in ("draft", "queued", "making", "ready", "changed", "failed", "fault")}
    wanted |= {f"stage_{name}" for name in ("", "clips", *WEIGHTS)} | {f"download_{name}" for name in BESIDE}
    assert not {key for key in wanted if key not in WORDS["en"]}
    assert {key for key in WORDS["en"] if key.startswith(("status_", "stage_", "cap_", "fit_"))} == {key for key in wanted if not key.startswith("download_")}
