"""How films are marked, as whoever gets one finds it: what survives, what is noticed, what is said where a mark lacks."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipelines import account as accounts
from pipelines import certificate, credentials, ffmpeg, tag, watermark, watermark_reader
from pipelines.certificate import kept
from pipelines.events import Done, Warned
from pipelines.faces import Finder
from pipelines.marks import (
    BY_RULE,
    GIVEN,
    LEARNED,
    MIXED,
    MIXED_LEARNED,
    TERMS,
    Account,
    Identity,
    Marks,
    chosen,
    mixed,
)
from pipelines.presets import Presets
from pipelines.render import Studio
from pipelines.seal import seal
from pipelines.verify import Verdict, verified
from pipelines.video import combine
from pipelines.work import FilmError, idle
from studio import cli, settings

from . import measure, whole

ROOT = Path(__file__).parents[1]
STILLS = ROOT / "assets" / "stills"
SCENES = [
    {"image": "snow-lake.jpg", "narration": "A lake.", "clip_action": "slow pan right", "duration": 3},
    {"image": "green-heron.jpg", "clip_action": "slow zoom in", "duration": 3},
    {"image": None, "prompt": "a castle at night under stars", "duration": 2, "clip_action": "slow zoom out"},
]


@pytest.fixture(scope="module")
def own(presets: Presets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that signs."""
    folder = tmp_path_factory.mktemp("own")
    with whole.studio(presets, folder / "vault") as studio:
        yield replace(studio, marks=Marks(identity=kept(folder / "credentials")))


@pytest.fixture(scope="module")
def film(own: Studio, tmp_path_factory: pytest.TempPathFactory) -> whole.Shown:
    return whole.make(told(own.presets), own, tmp_path_factory.mktemp("film") / "film.mp4")


def told(presets: Presets, scenes: Any = SCENES, **said: Any) -> Any:
    return whole.story(presets, STILLS, scenes, **({"size": "640x360", "fps": 12, "title": "A day"} | said))


def check(path: Path, studio: Studio) -> Verdict:
    return verified(path, studio.marks.identity)


def again(film: Path, out: Path, *how: str) -> Path:
    """The film, changed by ffmpeg."""
    ffmpeg.run([*measure.MOV, film, *how, "-f", "mp4", out])
    return out


# What a film carries


def test_a_film_carries_every_mark_and_says_so(film: whole.Shown, own: Studio) -> None:
    found = check(film.path, own)
    assert found.ours and not found.tampered and found.kind == "video"
    assert found.said[0] == "Reelwright made this: its signature holds and its watermark is there."
    assert found.signed and found.signed.trusted and found.signed.title == "A day" and found.signed.source == MIXED
    assert found.watermark and found.watermark.certain and found.watermark.wrong == 0
    assert found.tag == (MIXED, "Reelwright")
    (done,) = (event for event in film.events if isinstance(event, Done))
    assert done.marks == {
        "made": "Synthetic in it: clips by Sketch, drawn by rule (no model); voice by espeak-ng (offline, every language, plain).",
        "credentials": "Content Credentials, signed (self-made certificate).",
        "watermark": "Watermark in every frame.",
        "tag": "Tag: composite.",
    }
    assert film.timeline["marks"] == done.marks | {"source": MIXED}


def test_each_scene_tells_what_was_given_and_what_was_drawn(film: whole.Shown, own: Studio) -> None:
    signed = check(film.path, own).signed
    assert signed is not None
    assert signed.given == ("Scene 1, picture", "Scene 2, picture")
    assert "Scene 1: Camera over a still picture" in signed.deeds and "Scene 3: drawn by Sketch, drawn by rule (no model)" in signed.deeds
    with film.path.open("rb") as file:
        import c2pa

        manifest = json.loads(c2pa.Reader("video/mp4", file).json())
    actions = next(iter(manifest["manifests"].values()))["assertions"][-1]["data"]["actions"]
    assert actions[0]["action"] == "c2pa.created" and actions[0]["digitalSourceType"] == TERMS + MIXED
    by_name = {action["description"]: action.get("digitalSourceType") for action in actions}
    assert by_name["Scene 1: Camera over a still picture"] is None, "nobody knows where a given picture comes from"
    assert by_name["Scene 3: drawn by Sketch, drawn by rule (no model)"] == TERMS + BY_RULE


def test_no_path_and_no_file_name_gets_into_a_film(film: whole.Shown) -> None:
    content = film.path.read_bytes()
    for name in (str(STILLS), "snow-lake", str(film.path.parent), str(Path.home())):
        assert name.encode() not in content


def test_another_studio_finds_the_signature_whole_but_unknown(film: whole.Shown, tmp_path: Path) -> None:
    stranger = kept(tmp_path / "credentials")
    certificate.pair(stranger)
    found = verified(film.path, stranger)
    assert found.signed and found.signed.state == "intact" and not found.signed.trusted
    assert found.ours, "the watermark is the same everywhere"
    assert "cannot be told here" in found.said[1]


def test_nothing_changed_makes_nothing_anew_and_another_title_no_stretch(film: whole.Shown, own: Studio, tmp_path: Path) -> None:
    assert whole.make(told(own.presets), own, tmp_path / "same.mp4").made == {}
    assert set(whole.make(told(own.presets, title="Another"), own, tmp_path / "title.mp4").made) == {"join"}


def test_before_signing_the_same_story_is_the_same_bytes(film: whole.Shown, own: Studio, presets: Presets, tmp_path: Path) -> None:
    unsigned = replace(own, marks=Marks())
    with whole.studio(presets, tmp_path / "vault") as fresh:
        paths = [whole.make(told(presets, SCENES[:2]), studio, tmp_path / name).path for studio, name in ((unsigned, "a.mp4"), (fresh, "b.mp4"))]
    assert paths[0].read_bytes() == paths[1].read_bytes()


# What is noticed, and what survives


def test_one_changed_byte_is_noticed(film: whole.Shown, own: Studio, tmp_path: Path) -> None:
    content = bytearray(film.path.read_bytes())
    content[len(content) // 2] ^= 1
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(content)
    found = check(changed, own)
    assert found.tampered
    assert found.said[0].startswith("This file was changed after it was signed.")
    assert found.signed and found.signed.why == ("assertion.bmffHash.mismatch",)


@pytest.mark.parametrize("how", [
    ("-c", "copy"),
    ("-c:v", "libx264", "-preset", "veryfast", "-crf", "28"),
    ("-vf", "scale=320:180", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"),
    ("-vf", "scale=854:480", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26"),
    ("-vf", "crop=520:300:60:30", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
], ids=["copied", "crf 28", "half size", "scaled up", "cropped"])  # fmt: skip
def test_the_watermark_outlives_the_signature(how: tuple[str, ...], film: whole.Shown, own: Studio, tmp_path: Path) -> None:
    found = check(again(film.path, tmp_path / "again.mp4", *how), own)
    assert found.signed is None and found.tag is None
    assert found.watermark and found.watermark.found and found.ours, found.said
    assert found.watermark.wrong <= (0 if how[0] == "-c" else 5)


def test_films_joined_by_copying_keep_it(film: whole.Shown, own: Studio, tmp_path: Path) -> None:
    assert combine([film.path, film.path], tmp_path / "both.mp4", "none", 0.0, own.presets, own.vault, idle).startswith("copied")
    found = check(tmp_path / "both.mp4", own)
    assert found.watermark and found.watermark.certain


def test_a_single_picture_of_the_film_may_carry_enough(film: whole.Shown, own: Studio, tmp_path: Path) -> None:
    ffmpeg.run([*measure.MOV, film.path, "-frames:v", 1, "-update", 1, "-f", "image2", "-c:v", "png", tmp_path / "one.png"])
    found = check(tmp_path / "one.png", own)
    assert found.kind == "picture" and found.watermark and found.watermark.frames == 1


def test_what_is_not_ours_is_not_taken_for_ours(own: Studio, tmp_path: Path) -> None:
    for still in STILLS.glob("*.jpg"):
        found = check(still, own)
        assert not found.ours and found.watermark and not found.watermark.found, still.name
        assert found.said[0] == "Nothing says who made this. That does not mean that no model did."
    noise = np.random.default_rng(5)
    pictures = (noise.integers(16, 235, (90, 160, 3), np.uint8) for _ in range(12))
    assert not check(measure.video(tmp_path / "noise.mp4", pictures, 12), own).ours


def test_without_marks_nothing_is_drawn_and_it_says_so(own: Studio, tmp_path: Path) -> None:
    shown = whole.make(told(own.presets, SCENES[1:2]), replace(own, marks=Marks(watermark=False, tag=False)), tmp_path / "bare.mp4")
    found = check(shown.path, own)
    assert (found.ours, found.signed, found.tag) == (False, None, None) and found.watermark and not found.watermark.found
    marks = shown.timeline["marks"]
    assert all("left out" in marks[name] for name in ("credentials", "watermark", "tag"))
    assert marks["made"] == "Nothing in it is synthetic but what was given may be: no model and no rule of ours made a part."


def test_the_mark_is_not_seen(photo: Path) -> None:
    class Grey:
        def frames(self, start: int, count: int) -> Iterator[Any]:
            for level in range(start, start + count):
                yield np.full((540, 640), level, np.uint8)

    inked = watermark.Inked(Grey(), 640, 360)
    for level, frame in zip(range(16, 236), inked.frames(16, 220), strict=True):
        changed = frame[:360].astype(int) - level
        assert frame[:360].min() >= 16 and frame[:360].max() <= 235, "limited range"
        assert abs(changed).max() <= 2 and abs(float(changed.mean())) < 0.5
        assert 10 * np.log10(255**2 / (changed**2).mean()) > 45
        assert (frame[360:] == level).all(), "colours stay"


def test_the_pattern_is_the_same_for_ever() -> None:
    assert watermark.word() == b"RW\x01\x92"
    assert "".join("+" if cell > 0 else "-" for cell in watermark.tile().pattern[0]) == PATTERN
    assert watermark_reader.SIZES[0] == 1.0, "whole films are found at once"


PATTERN = "+-++-++++++---+-++-+-+++-+++-++-"


# Who signs


def test_a_self_made_pair_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    identity = kept(tmp_path / "credentials")
    first = certificate.pair(identity)
    assert certificate.pair(identity) == first and first.kind == "ES256"
    if os.name == "posix":
        assert stat.S_IMODE(identity.key.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "credentials").stat().st_mode) == 0o700
    assert {path.name for path in tmp_path.iterdir()} == {"credentials"}
    assert certificate.authority(identity).count("BEGIN CERTIFICATE") == 1
    assert first.key.decode() not in repr(first)


def pair(folder: Path, locked: bool = False) -> Identity:
    """A certificate of one's own, P-384, with its authority."""
    keys, now = [ec.generate_private_key(ec.SECP384R1()) for _ in range(2)], certificate.datetime.now(certificate.UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Film House"), x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Root", "Ada")]
    made = []
    for i, key in enumerate(keys):
        usage = x509.KeyUsage(True, False, False, False, False, i == 0, i == 0, False, False)
        builder = x509.CertificateBuilder().subject_name(names[i]).issuer_name(names[0]).public_key(key.public_key()).serial_number(7 + i)
        builder = builder.not_valid_before(now - certificate.timedelta(days=1)).not_valid_after(now + certificate.timedelta(days=9))
        builder = builder.add_extension(x509.BasicConstraints(i == 0, None), True).add_extension(usage, True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False)
        if i:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        made.append(builder.sign(keys[0], hashes.SHA384()))
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in reversed(made)))
    lock = BestAvailableEncryption(b"x") if locked else NoEncryption()
    (folder / "mine.key").write_bytes(keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return Identity(folder / "chain.pem", folder / "mine.key")


ACCOUNT = Account("A film", BY_RULE, {"clips": "Sketch"})


def test_ones_own_certificate_signs(film: whole.Shown, tmp_path: Path) -> None:
    identity = pair(tmp_path)
    marks, warned = seal(film.path, tmp_path / "out.mp4", ACCOUNT, Marks(identity=identity))
    assert marks["credentials"] == "Content Credentials, signed (chain.pem certificate)." and not warned
    signed = verified(tmp_path / "out.mp4", identity).signed
    assert signed and signed.trusted and "Film House" in signed.signer


@pytest.mark.parametrize("how", ["locked", "no key", "no pem", "another's key"])
def test_a_film_that_cannot_be_signed_is_delivered_and_says_so(how: str, film: whole.Shown, tmp_path: Path) -> None:
    identity = pair(tmp_path, locked=how == "locked")
    if how == "no key":
        identity.key.unlink()
    if how == "no pem":
        identity.key.write_text("nothing")
    if how == "another's key":
        (tmp_path / "other").mkdir()
        identity = replace(identity, key=pair(tmp_path / "other").key)
    marks, warned = seal(film.path, tmp_path / "out.mp4", ACCOUNT, Marks(identity=identity))
    if how == "another's key" and not warned:
        assert verified(tmp_path / "out.mp4").tampered, "such a signature does not hold"
        return
    assert (tmp_path / "out.mp4").read_bytes() == film.path.read_bytes()
    assert len(warned) == 1 and warned[0].hint and marks["credentials"] == warned[0].message


def test_without_the_library_a_film_is_made_unsigned(own: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "find_spec", lambda _name: None)
    shown = whole.make(told(own.presets, SCENES[1:2]), own, tmp_path / "film.mp4")
    assert [event.hint for event in shown.events if isinstance(event, Warned)] == [credentials.missing()]
    assert "pip install c2pa-python" in str(credentials.missing())
    assert "not signed" in shown.timeline["marks"]["credentials"]
    found = check(shown.path, own)
    assert found.signed is None and found.watermark and found.watermark.found and any("cannot be read here" in line for line in found.said)


def test_a_given_picture_keeps_its_own_credentials(own: Studio, tmp_path: Path) -> None:
    import c2pa

    pair_ = certificate.pair(own.marks.identity)  # type: ignore[arg-type]
    claim = {"claim_generator_info": [{"name": "Another"}], "title": "p1", "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": TERMS + LEARNED}]}}]}
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, pair_.chain, pair_.key, None)
    whole.pictures(tmp_path / "pictures", 1)
    given, out = tmp_path / "pictures" / "p1.png", tmp_path / "pictures" / "signed.png"
    with c2pa.Signer.from_info(info) as signer, c2pa.Builder(claim) as builder, given.open("rb") as source, out.open("w+b") as target:
        builder.sign(signer, "image/png", source, target)
    alone = verified(tmp_path / "pictures" / "signed.png", own.marks.identity)
    assert alone.kind == "picture" and alone.signed and alone.signed.source == LEARNED
    assert alone.said[0] == "Made with Another, as its credentials say."
    story = whole.story(own.presets, tmp_path / "pictures", [{"image": "signed.png", "duration": 1}], fps=4)
    made = whole.make(story, own, tmp_path / "film.mp4")
    with made.path.open("rb") as file:
        manifests = json.loads(c2pa.Reader("video/mp4", file).json())["manifests"]
    assert sorted(one["claim_generator_info"][0]["name"] for one in manifests.values()) == ["Another", "Reelwright"]
    assert not check(made.path, own).tampered


# What is told


@pytest.mark.parametrize(("parts", "term"), [
    ([GIVEN], GIVEN), ([LEARNED], LEARNED), ([BY_RULE, BY_RULE], BY_RULE), ([GIVEN, BY_RULE], MIXED),
    ([GIVEN, LEARNED], MIXED_LEARNED), ([BY_RULE, LEARNED], MIXED_LEARNED), ([MIXED, LEARNED], MIXED_LEARNED),
])  # fmt: skip
def test_terms_of_mixtures(parts: list[str], term: str) -> None:
    assert mixed(parts) == term


def test_every_engine_says_what_comes_from_it(own: Studio) -> None:
    told = {(role, name): accounts.source_of(own.crew, role, name) for role, name, _ in own.crew.everybody()}
    by_rule = {("clips", "sketch"), ("pictures", "sketch"), ("voices", "espeak"), ("music", "bandstand")}
    assert {one for one, source in told.items() if source == BY_RULE} == by_rule
    assert {one for one, source in told.items() if source == GIVEN} == {("clips", "camera"), ("clips", "card")}
    assert set(told.values()) == {GIVEN, BY_RULE, LEARNED}


def test_the_setting_names_marks() -> None:
    assert chosen("all") == {"credentials", "watermark", "tag"} and chosen("none") == chosen("") - chosen("all") == set()
    assert chosen("tag, Watermark") == {"tag", "watermark"}
    with pytest.raises(FilmError, match="no mark"):
        chosen("stamp")


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff", b"\0\0\0\x18ftypisom" + b"\0" * 40, b"RIFF\0\0\0\0WEBP", os.urandom(3000)], ids=range(6))
def test_any_file_gets_a_plain_answer(content: bytes, own: Studio, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(content)
    found = check(tmp_path / "file.bin", own)
    assert not found.ours and found.said and json.loads(json.dumps(found.plain))["ours"] is False


def test_a_tag_alone_proves_nothing(tmp_path: Path, own: Studio) -> None:
    path = measure.video(tmp_path / "plain.mp4", (np.full((90, 160, 3), 90, np.uint8) for _ in range(4)), 4)
    tag.add(path, tag.packet(ACCOUNT))
    found = check(path, own)
    assert found.tag == (BY_RULE, "Reelwright") and not found.ours
    assert found.said[0] == "Its tag alone says that Reelwright made this; nothing proves it."


def test_the_command_line_tells_it(film: whole.Shown, own: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert own.marks.identity and own.marks.identity.folder
    monkeypatch.setenv("REELWRIGHT_DATA", str(own.marks.identity.folder.parent))
    assert cli.main(["verify", str(film.path)]) == 0
    assert "Reelwright made this" in capsys.readouterr().out.splitlines()[0]
    content = film.path.read_bytes()
    (tmp_path / "bad.mp4").write_bytes(content[:-2000] + bytes([content[-2000] ^ 1]) + content[-1999:])
    assert cli.main(["verify", "--json", str(film.path), str(tmp_path / "bad.mp4"), str(tmp_path / "none.mp4")]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line.get("ours"), line.get("tampered")) for line in lines] == [(True, False), (True, True), (None, None)]
    assert cli.main(["verify", str(tmp_path / "none.mp4")]) == 1


@pytest.mark.parametrize("captions", ["none", "burned"])
def test_a_label_stands_in_the_corner_of_every_frame(captions: str, own: Studio, tmp_path: Path) -> None:
    scene = [{"image": "sea-sunset.jpg", "narration": "Sea.", "duration": 1, "clip_action": "static"}]
    said = {"captions": captions, "fps": 4, "size": "320x180"}
    films = [whole.make(told(own.presets, scene, label=label, **said), own, tmp_path / f"{len(label)}.mp4").path for label in ("", "AI-made {\\fs99}")]
    for plain, labelled in zip(*(measure.frames(path, (320, 180), "gray") for path in films), strict=True):
        changed = np.abs(plain.astype(int) - labelled.astype(int)) > 25
        assert changed[:30, 160:].sum() > 40
        assert not changed[40:, :].any() and not changed[:, :120].any()


def test_a_face_is_found_and_a_landscape_is_none() -> None:
    """Large, and with much around it; our own stills show nobody."""
    import cv2

    finder = Finder(settings.HOME / "assets" / "faces" / "full_range.tflite")
    portrait = cv2.imread(str(Path(__file__).parent / "data" / "astronaut.jpg"))
    assert finder.shows_face(portrait)
    assert finder.shows_face(cv2.copyMakeBorder(portrait, 100, 100, 200, 200, cv2.BORDER_REPLICATE))
    for still in sorted((settings.HOME / "assets" / "stills").glob("*.jpg")):
        assert finder.likeness(cv2.imread(str(still))) < 0.4, still.name
