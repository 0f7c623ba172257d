"""A language model at somebody's server, for two favours: a prompt written anew, and a topic as a story.

Speaks /v1/chat/completions and nothing else of it. What comes back is data to be doubted: a story of it may hold words
only, and passes the story reader like one that a person wrote. Off unless an address is set.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .gear.web import Server, ask, session, wanted
from .presets import Presets
from .story import MOST_SCENES, Story, read
from .story_cells import clean
from .work import FilmError, Tick, idle

SETTING = "REELWRIGHT_CHAT_URL"
PATIENCE = 120.0  # seconds in which the server must say something
LONGEST = 2000  # characters of a prompt that was written anew
TOPIC = 2000  # characters
WORDS = ("prompt", "narration", "clip_action", "music_mood", "duration")  # of a scene: words and a length, no file and no engine
EDITOR = (
    "You improve prompts for video generation. Keep the subject and everything the writer asked for. Say the scene, the "
    "action, the camera, the light and the style in one paragraph of at most 80 words, in the language of the prompt. "
    "Answer with the new prompt only: no quotes, no list, no remarks."
)
WRITER = (
    "You write short narrated films. Answer with one JSON object and nothing else: "
    '{"title": "...", "scenes": [{"prompt": "...", "narration": "...", "clip_action": "...", "music_mood": "..."}]}. '
    "prompt: what is seen, one sentence with scene, action, light and style. narration: what is said, one or two plain "
    "sentences. Write narration and title in the language of the topic. No other keys."
)


@dataclass(frozen=True, slots=True)
class Chat:
    """A server and the name of a model there."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    wait: float = 1.0
    patience: float = PATIENCE

    @property
    def server(self) -> Server:
        """FilmError with the remedy if there is none, or if that cannot be one."""
        if not self.url:
            hint = f"Set {SETTING} (such as http://127.0.0.1:11434/v1) and REELWRIGHT_CHAT_MODEL. A story can also be written as plain text: one paragraph a scene."
            raise FilmError("No language model is set.", hint, SETTING)
        if not self.model:
            raise FilmError("The language model has no name.", "Set REELWRIGHT_CHAT_MODEL to one that the server has.", "REELWRIGHT_CHAT_MODEL")
        made = Server(
            self.url.rstrip("/"), "The language model's server", SETTING, self.key, self.wait, self.patience,
            "See whether REELWRIGHT_CHAT_MODEL is one that it has.",
        )  # fmt: skip
        if made.wrong:
            raise FilmError("The language model's address cannot be used.", made.wrong, SETTING)
        return made


def rewritten(prompt: str, chat: Chat, tick: Tick = idle) -> str:
    """A prompt with what it lacked, in the model's words. FilmError if the answer is no prompt."""
    if not prompt.strip():
        raise FilmError("There is no prompt to write anew.", "Say in a few words what is to be seen.", "prompt")
    text = clean(_answer(chat, EDITOR, prompt, tick)).strip()
    text = re.sub(r"\s+", " ", text).strip("\"'“”„« »")
    if not text or len(text) > LONGEST or text.startswith(("{", "[", "<", "```")):
        raise FilmError("The language model's answer is no prompt.", "Try once more, or another model.", "prompt")
    return text


def written(topic: str, scenes: int, chat: Chat, presets: Presets, tick: Tick = idle) -> Story:
    """A story about a topic, of so many scenes. FilmError if the answer is none, with every fault of it."""
    if not topic.strip() or len(topic) > TOPIC:
        raise FilmError("A topic is a few words or sentences.", f"Give up to {TOPIC:,} characters.", "topic")
    if not 1 <= scenes <= MOST_SCENES:
        raise FilmError(f"A story has 1 to {MOST_SCENES} scenes, not {scenes}.", "", "scenes")
    known = f"clip_action is one of: {', '.join(presets.moves)}. music_mood is one of: {', '.join(presets.moods)}."
    asked = f"Topic: {topic.strip()}\nWrite exactly {scenes} scenes."
    return read(_told(_answer(chat, f"{WRITER} {known}", asked, tick)), presets)


def _told(text: str) -> dict[str, Any]:
    """The story's plain data that an answer holds, one fence around it allowed; FilmError for anything else."""
    hint = "Try once more, or another model."
    fenced = re.fullmatch(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", text, re.DOTALL)
    try:
        told = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError) as error:
        raise FilmError("The language model's answer is not JSON.", hint) from error
    rows = told.get("scenes") if isinstance(told, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise FilmError("The language model's answer is no story.", hint)
    strange = sorted({str(key)[:40] for key in told if key not in ("title", "scenes")} | {str(key)[:40] for row in rows for key in row if key not in (*WORDS, "scene_number")})
    if strange:
        raise FilmError(f"The language model's story holds what none may hold: {', '.join(strange[:8])}.", hint)
    return {"title": told.get("title", ""), "scenes": [{key: row[key] for key in WORDS if key in row} for row in rows]}


def _answer(chat: Chat, system: str, user: str, tick: Tick) -> str:
    """What the model says."""
    told = asyncio.run(_asked(chat, system, user, tick))
    try:
        text = told["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        text = None
    if not isinstance(text, str) or not text.strip():
        raise FilmError("The language model has said nothing.", "Try once more, or another model.")
    return text


async def _asked(chat: Chat, system: str, user: str, tick: Tick) -> Any:
    server = chat.server
    said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    async with session(server) as to:
        body = {"model": chat.model, "messages": said, "stream": False}
        return await wanted(ask(to, server, "POST", "/chat/completions", json=body), lambda: tick(0.0))
