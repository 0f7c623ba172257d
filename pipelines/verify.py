"""What made this file, and is its mark whole: reads back credentials, watermark and tag of any file, ours or not.

A pure look: nothing is changed, nothing is asked of a server. What it cannot read it says in words, never by failing.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import certificate, credentials, tag, watermark_reader
from .credentials import Signed
from .marks import BY_RULE, LEARNED, MIXED, MIXED_LEARNED, Identity
from .video import demuxer
from .watermark_reader import Reading
from .work import FilmError

PICTURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n", "image/png"), (b"RIFF", "image/webp"), (b"GIF8", "image/gif"), (b"II*\0", "image/tiff"), (b"MM\0*", "image/tiff"))
VIDEOS = {"mov": "video/mp4", "avi": "video/avi"}
MEANS = {
    LEARNED: "made by a trained model",
    MIXED_LEARNED: "a mix in which a trained model made a part",
    BY_RULE: "drawn, spoken or played by rule, without a trained model",
    MIXED: "a mix of several things, given or made",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a file. `kind`: "video", "picture" or "other". `ours`: a mark that holds says Reelwright made it;
    a tag or a broken signature alone does not. `said`: all of it in sentences, the most important first."""

    kind: str
    ours: bool
    signed: Signed | None
    watermark: Reading | None
    tag: tuple[str, str] | None
    said: tuple[str, ...]

    @property
    def tampered(self) -> bool:
        return self.signed is not None and self.signed.state == "broken"

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON-plain data."""
        mark = self.watermark
        read = asdict(mark) | {"found": mark.found, "certain": mark.certain} if mark else None
        told = {"source": self.tag[0], "program": self.tag[1]} if self.tag else None
        credentials = asdict(self.signed) if self.signed else None
        return {"kind": self.kind, "ours": self.ours, "tampered": self.tampered, "credentials": credentials, "watermark": read, "tag": told, "said": list(self.said)}


def verified(path: Path, identity: Identity | None = None) -> Verdict:
    """What is known of the file. `identity`: who signs here, so that our own signature is known again.

    FilmError only where there is no such file.
    """
    if not path.is_file():
        raise FilmError(f"There is no file {path.name}.", "Check its name.", path.name)
    kind, mime = _kind(path)
    said: list[str] = []
    signed = _signed(path, mime, identity, said) if mime else None
    told = tag.read(path) if mime == "video/mp4" else None
    mark = _mark(path, kind, said)
    if told:
        what = MEANS.get(told[0], told[0] or "nothing about where it comes from")
        said.append(f"Its tag says: by {told[1] or 'an unnamed program'}; {what}. A tag is only words: anybody can write or remove it.")
    by_signature = bool(signed and signed.state == "intact" and signed.program.startswith("Reelwright"))
    ours = by_signature or bool(mark and mark.found)
    return Verdict(kind, ours, signed, mark, told, (_verdict(kind, signed, mark, ours, told), *said))


def _kind(path: Path) -> tuple[str, str]:
    """("video", "picture" or "other"; its type, or empty), by its first bytes."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1"):
        return "picture", f"image/{head[8:12].decode().replace('mif1', 'heif')}"
    if mime := next((mime for magic, mime in PICTURES if head.startswith(magic)), ""):
        if mime == "image/webp" and head[8:12] != b"WEBP":
            mime = ""
        if mime:
            return "picture", mime
    try:
        return "video", VIDEOS.get(demuxer(path), "")
    except FilmError:
        return "other", ""


def _signed(path: Path, mime: str, identity: Identity | None, said: list[str]) -> Signed | None:
    try:
        signed = credentials.read(path, mime, certificate.authority(identity) if identity else "")
    except FilmError as error:
        said.append(f"{error.message} {error.hint}")
        return None
    if signed is None:
        said.append("It has no Content Credentials. Many sites and programs take them out.")
        return None
    if signed.state == "broken":
        said.append(f"Its Content Credentials do not hold: {', '.join(signed.why) or 'they cannot be read'}. The file was changed after it was signed, or they were put there from another file.")
        return signed
    who = "by this studio's own certificate" if signed.trusted else f"by a certificate that calls itself {signed.signer or 'nobody'}; whether that is true cannot be told here"
    said.append(f"Its Content Credentials hold: nothing was changed since it was signed, {who}.")
    what = MEANS.get(signed.source, signed.source)
    said.append(f"They say: made with {signed.program or 'an unnamed program'}" + (f"; {what}." if what else "."))
    said += [f"- {deed}" for deed in signed.deeds[:60]]
    return signed


def _mark(path: Path, kind: str, said: list[str]) -> Reading | None:
    if kind == "other":
        return None
    try:
        with tempfile.TemporaryDirectory(prefix="reelwright-") as folder:
            read = watermark_reader.of_video if kind == "video" else watermark_reader.of_picture
            mark = read(path, Path(folder))
    except FilmError as error:
        said.append(f"Its pictures cannot be read: {error.message}")
        return None
    numbers = f"it stands out {mark.stands_out:g}-fold, {mark.bits - mark.wrong} of {mark.bits} bits are right, {mark.frames} frames were looked at"
    if mark.certain:
        said.append(f"Reelwright's watermark is in its pictures, without doubt ({numbers}).")
    elif mark.found:
        said.append(f"Reelwright's watermark is in its pictures ({numbers}).")
    else:
        said.append(f"No watermark of Reelwright's is found ({numbers}). That proves nothing: heavy changes take it out.")
    return mark


def _verdict(kind: str, signed: Signed | None, mark: Reading | None, ours: bool, told: tuple[str, str] | None) -> str:
    if kind == "other":
        return "This is no video and no picture that can be read; nothing can be said of it."
    if signed and signed.state == "broken":
        return "This file was changed after it was signed." + (" Its pictures still carry Reelwright's watermark." if mark and mark.found else "")
    if ours:
        held = [name for name, there in (("its signature holds", signed and signed.state == "intact"), ("its watermark is there", mark and mark.found)) if there]
        return f"Reelwright made this: {' and '.join(held)}."
    if signed:
        return f"Made with {signed.program or 'another program'}, as its credentials say."
    if told and told[1] == "Reelwright":
        return "Its tag alone says that Reelwright made this; nothing proves it."
    return "Nothing says who made this. That does not mean that no model did."
