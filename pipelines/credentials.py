"""Content Credentials (C2PA): a film's account of itself, signed into it. Read back, they tell whether a byte changed.

Signing is the last thing that happens to a film: whoever packs it anew takes the credentials out. Each signature is new,
so two signed films differ by it; before signing, the same story is the same bytes. Nothing is asked of any server:
no time-stamp, no list of trusted signers. Knows no watermark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import certificate
from .marks import TERMS, Account, Given, Identity
from .vault import digest
from .work import FilmError

INSTALL = "pip install c2pa-python"
KINDS = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".gif": "image/gif", ".avif": "image/avif", ".tif": "image/tiff", ".tiff": "image/tiff", ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".m4a": "audio/mp4"}
UNKNOWN = "application/octet-stream"
BLOCK = 1 << 20
# What the library keeps in memory while it signs, however long a film is: it is hashed in pieces, and goes by way of a file.
SMALL = {"backing_store_memory_threshold_in_mb": 16, "merkle_tree_chunk_size_in_kb": 1024}
QUIET = {"core": SMALL, "builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False}}


@dataclass(frozen=True, slots=True)
class Signed:
    """What a file's credentials say. `state`: "intact" (and `trusted`: by a certificate that we were given to trust),
    or "broken"; `why` are the C2PA codes of what failed. `source`: the film's term; `deeds`: what was done, in words."""

    state: str
    trusted: bool
    signer: str
    program: str
    title: str
    source: str
    deeds: tuple[str, ...]
    given: tuple[str, ...]
    why: tuple[str, ...]


def missing() -> str | None:
    """None, or what is lacking for signing and reading, and the remedy."""
    return None if find_spec("c2pa") else f"Content Credentials need c2pa-python: {INSTALL}"


def warm(identity: Identity) -> None:
    """Load the library, and make the certificate if there is none yet, so that they are there when the film is."""
    if not missing():
        _library()
        certificate.pair(identity)


@cache
def _library() -> Any:
    import c2pa

    return c2pa


def sign(made: Path, out: Path, account: Account, identity: Identity, mime: str = "video/mp4") -> None:
    """`made` with its credentials at `out`, which must be another file. FilmError if it cannot be signed."""
    if lack := missing():
        raise FilmError("It is not signed: a library is missing.", lack)
    c2pa = _library()
    told, given = manifest(account, mime)
    with _telling("It is not signed: "):
        pair = certificate.pair(identity)
        info = c2pa.C2paSignerInfo(getattr(c2pa.C2paSigningAlg, pair.kind), pair.chain, pair.key, None)
        context = c2pa.Context.from_dict(QUIET)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(told, context=context) as builder:
            for one, path in given:
                with path.open("rb") as file:
                    builder.add_ingredient(json.dumps(one), one["format"], file)
            with made.open("rb") as source, out.open("w+b") as target:
                builder.sign(signer, mime, source, target)


def manifest(account: Account, mime: str = "video/mp4") -> tuple[dict[str, Any], list[tuple[dict[str, Any], Path]]]:
    """The C2PA manifest, and what is to be added to it from its own file, because it has credentials of its own."""
    plain, own = [], []
    for i, one in enumerate(account.given):
        told = _ingredient(i, one)
        if told["format"] != UNKNOWN and _has_credentials(one.path):
            own.append((told, one.path))
        else:
            plain.append(told)
    actions: list[dict[str, Any]] = [{"action": "c2pa.created", "description": account.said, "digitalSourceType": TERMS + account.source}]
    for deed in account.deeds:
        action: dict[str, Any] = {"action": deed.action, "description": deed.said}
        if deed.source:
            action["digitalSourceType"] = TERMS + deed.source
        if deed.given is not None:
            action["parameters"] = {"ingredientIds": [f"given{deed.given}"]}
        actions.append(action)
    told = {
        "claim_generator_info": [{"name": "Reelwright", "version": _version()}],
        "title": account.title,
        "format": mime,
        "ingredients": plain,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }
    return told, own


def _ingredient(i: int, one: Given) -> dict[str, Any]:
    told = {"title": one.name, "relationship": "componentOf", "label": f"given{i}", "instance_id": f"given{i}"}
    told["format"] = KINDS.get(one.path.suffix.lower(), UNKNOWN)
    if one.path.is_file():
        told["description"] = f"sha256:{digest(one.path)}"
    return told


def _has_credentials(path: Path) -> bool:
    """Whether the file seems to have some: only then is it given to the library that reads them."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        last = b""
        while block := file.read(BLOCK):
            if b"c2pa" in (last + block):
                return True
            last = block[-8:]
    return False


def read(path: Path, kind: str, trusted: str = "") -> Signed | None:
    """What a file's credentials say; None if it has none. `trusted`: certificates in PEM whose signatures count as ours.

    FilmError if the library is missing or cannot read the file.
    """
    if lack := missing():
        raise FilmError("Content Credentials cannot be read here.", lack)
    c2pa = _library()
    wanted: dict[str, Any] = {"verify": {"verify_trust": bool(trusted), "remote_manifest_fetch": False, "ocsp_fetch": False}}
    if trusted:
        wanted["trust"] = {"trust_anchors": trusted}
    try:
        with path.open("rb") as file, c2pa.Reader(kind, file, context=c2pa.Context.from_dict(wanted)) as reader:
            told = json.loads(reader.json())
            state = str(reader.get_validation_state())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error) or "no JUMBF data" in str(error):
            return None
        return Signed("broken", False, "", "", "", "", (), (), (str(error)[:200],))
    return _signed(told, state)


def _signed(told: dict[str, Any], state: str) -> Signed:
    active = told.get("manifests", {}).get(told.get("active_manifest"), {})
    info, programs = active.get("signature_info", {}), active.get("claim_generator_info") or [{}]
    actions = [
        action
        for one in active.get("assertions", ())
        if str(one.get("label", "")).startswith("c2pa.actions")
        for action in one.get("data", {}).get("actions", ())
    ]
    first: dict[str, Any] = next((action for action in actions if action.get("action") == "c2pa.created"), {})
    failed = told.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
    codes = {str(one.get("code", "")) for one in [*failed, *told.get("validation_status", ())]} - {"signingCredential.untrusted"}
    return Signed(
        state="intact" if state.endswith(("Valid", "Trusted")) and "Invalid" not in state else "broken",
        trusted=state.endswith("Trusted"),
        signer=", ".join(str(info[name]) for name in ("common_name", "issuer") if info.get(name)),
        program=" ".join(str(programs[0][name]) for name in ("name", "version") if programs[0].get(name)),
        title=str(active.get("title", "")),
        source=str(first.get("digitalSourceType", "")).rpartition("/")[2],
        deeds=tuple(str(action.get("description") or action.get("action", "")) for action in actions),
        given=tuple(str(one.get("title", "")) for one in active.get("ingredients", ())),
        why=tuple(sorted(codes)),
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("reelwright")
    except PackageNotFoundError:
        return "from a checkout"


@contextmanager
def _telling(what: str) -> Iterator[None]:
    """What the library says, in our words."""
    try:
        yield
    except _library().C2paError as error:
        hint = "Look at the certificate and its key: `reelwright doctor`."
        raise FilmError(f"{what}{str(error)[:200]}.", hint) from error
