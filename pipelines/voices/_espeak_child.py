"""The espeak-ng library in a process of its own: requests as JSON lines on stdin, speech on stdout. Knows no film.

Runs by its path with `python -I -S`, LIBRARY and DATA-FOLDER, needs the standard library only, and ends with its stdin.
First it tells what it has: {"voices": [[id, languages, name]...], "variants": [...]}. A request is
{"text", "voice", "wpm"}; its answer is {"words": [[character, sample]...], "bytes": n}, each followed by n bytes of
16-bit mono PCM at {"rate"}, and at last {"end": true}. {"pronounce": text, "voice"} is answered with
{"clauses": [[first, last, IPA, [[first, last, IPA] of each word by itself...]]...]}.

The library's sound depends on what it said before and on the time it was started. So each line is spoken by a fork of
the fresh library, with one seed; where there is no fork, one child speaks one line and whoever asked starts another.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import sys
from typing import Any, BinaryIO

SYNCHRONOUS, DO_NOT_EXIT = 2, 0x8000
BUFFER_MS = 500
LONGEST = 300  # seconds for one line; five thousand characters take one
RATE_PARAMETER = 1
IPA_TIED = 0x02 | 0x80 | ord("^") << 8
BY_CHARACTER, UTF8 = 1, 1  # UTF8 alone: neither SSML nor phoneme codes in the text mean anything
WORD = 1


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("spare", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("more", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def _say(out: BinaryIO, message: dict[str, Any], sound: bytes = b"") -> None:
    out.write(json.dumps(message).encode() + b"\n" + sound)
    out.flush()


def _voices(library: ctypes.CDLL) -> list[list[str]]:
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    listed = library.espeak_ListVoices(None)
    voices: list[list[str]] = []
    while listed[len(voices)]:
        voice = listed[len(voices)].contents
        # Its first language stands after one byte of priority; the file's name is unique, the language is not.
        name, language = voice.name.decode("utf-8", "replace"), voice.languages[1:].decode("utf-8", "replace")
        voices.append([voice.identifier.decode().rpartition("/")[2].lower(), language, name.strip()])
    return voices


def _speak(library: ctypes.CDLL, request: dict[str, Any], out: BinaryIO) -> None:
    parent = os.getppid()

    def heard(sound: Any, samples: int, events: Any) -> int:
        words, i = [], 0
        while events and events[i].type:
            if events[i].type == WORD:
                words.append([events[i].text_position - 1, events[i].sample])
            i += 1
        data = ctypes.string_at(sound, samples * 2) if samples > 0 else b""
        try:
            _say(out, {"words": words, "bytes": len(data)}, data)
        except OSError:
            os._exit(1)
        if os.getppid() != parent:
            os._exit(1)  # nobody wants the rest
        return 0

    callback = _CALLBACK(heard)
    library.espeak_SetSynthCallback(callback)
    text = str(request["text"]).encode("utf-8", "ignore")
    failed = library.espeak_SetVoiceByName(str(request["voice"]).encode())
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # breath is noise, seeded with the clock otherwise
    library.espeak_SetParameter(RATE_PARAMETER, int(request["wpm"]), 0)
    failed = failed or library.espeak_Synth(text, len(text) + 1, 0, BY_CHARACTER, 0, UTF8, None, None)
    library.espeak_Synchronize()
    _say(out, {"end": True} if not failed else {"end": True, "failed": failed})


def _pronounce(library: ctypes.CDLL, request: dict[str, Any], out: BinaryIO) -> None:
    if library.espeak_SetVoiceByName(str(request["voice"]).encode()):
        _say(out, {"failed": 1})
        return
    text = str(request["pronounce"])
    clauses = [
        [first, last, sounds, [[first + a, first + b, _sounds(library, text[first + a : first + b])] for a, b in _tokens(text[first:last])]]
        for first, last, sounds in _clauses(library, text)
    ]
    _say(out, {"clauses": clauses})


def _clauses(library: ctypes.CDLL, text: str) -> list[tuple[int, int, str]]:
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    raw = text.encode("utf-8", "ignore")
    held = ctypes.create_string_buffer(raw)
    start = ctypes.addressof(held)
    at, found, first = ctypes.c_void_p(start), [], 0
    while at.value:
        sounds = library.espeak_TextToPhonemes(ctypes.byref(at), UTF8, IPA_TIED) or b""
        # It has read one character of what comes next.
        last = len(raw[: at.value - start].decode("utf-8", "ignore")) - 1 if at.value else len(text)
        if last <= first and at.value:
            continue
        found.append((first, last, sounds.decode("utf-8", "replace")))
        first = last
    return found


def _sounds(library: ctypes.CDLL, word: str) -> str:
    return " ".join(sounds for _, _, sounds in _clauses(library, word))


def _tokens(text: str) -> list[tuple[int, int]]:
    return [(one.start(), one.end()) for one in re.finditer(r"\S+", text)]


def _apart(library: ctypes.CDLL, request: dict[str, Any], out: BinaryIO) -> None:
    """Speak in a fork, so that nothing of it stays."""
    fork = os.fork()
    if not fork:
        signal.alarm(LONGEST)  # should it hang, and its parent be gone
        _answer(library, request, out)
        os._exit(0)
    if os.waitpid(fork, 0)[1]:
        sys.exit(1)


def _answer(library: ctypes.CDLL, request: dict[str, Any], out: BinaryIO) -> None:
    (_pronounce if "pronounce" in request else _speak)(library, request, out)


def main(library_path: str, data: str) -> None:
    """Serve requests until stdin ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not fall between the answers
    library = ctypes.CDLL(library_path)
    rate = library.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, os.path.dirname(data).encode(), DO_NOT_EXIT)
    if rate <= 0:
        sys.exit(1)
    _say(out, {"rate": rate, "voices": _voices(library), "variants": sorted(os.listdir(f"{data}/voices/!v"))})
    for line in sys.stdin.buffer:
        (_apart if hasattr(os, "fork") else _answer)(library, json.loads(line), out)


if __name__ == "__main__":
    main(*sys.argv[1:3])
