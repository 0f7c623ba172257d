"""Whether people in pictures agree: found in pictures and videos, asked on every way in, told by programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines import ffmpeg
from pipelines.darkroom import Darkroom
from pipelines.people import People
from pipelines.vault import Vault
from pipelines.work import FilmError
from studio import consent
from studio.production import start
from studio.project import edited
from studio.samples import Samples
from studio.takes import vary
from studio.ui.acts import begin
from studio.ui.handlers import Handlers
from studio.ui.rooms import Rooms
from studio.ui.views import look
from tests.served import Served, serving
from tests.test_generate_videos import SMALL, form
from tests.test_production import Works, works

__all__ = ["works"]
FACE = Path(__file__).parent / "data" / "astronaut.jpg"


@pytest.fixture
def people(vault: Vault) -> People:
    return People(vault)


def test_faces_are_found_in_pictures_and_videos_and_looked_for_once(people: People, room: Darkroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = cv2.imread(str(FACE))
    assert face is not None
    grey = np.full_like(face, 120)
    plain, late = tmp_path / "plain.png", tmp_path / "late.mp4"
    cv2.imwrite(str(plain), grey)
    for i, picture in enumerate([grey] * 12 + [face] * 12):
        cv2.imwrite(str(tmp_path / f"{i:02}.png"), picture)
    ffmpeg.run(["-framerate", 12, "-f", "image2", "-i", tmp_path / "%02d.png", "-pix_fmt", "yuv420p", "-f", "mp4", late])
    assert people.shown(FACE, room) and not people.shown(plain, room)
    assert people.shown(late, room), "it is there in the second half alone"
    monkeypatch.setattr(people, "_finder", None)  # nobody could look now
    assert people.shown(FACE, room) and not people.shown(plain, room) and people.shown(late, room)
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(b"<html>")
    with pytest.raises(FilmError):
        people.shown(torn, room)


def test_nothing_is_made_of_a_face_before_somebody_agrees(works: Works, room: Darkroom) -> None:
    document = works.project(1)
    (row,) = document.project.rows
    kept = document.keep(FACE, FACE.name)
    document.change(edited(row.id, "image", kept))
    consent.look(document, consent.pictures(document), works.desk.people, room)
    with pytest.raises(FilmError, match="shows a face"):
        start(works.desk, document)
    consent.agree(document, [kept], True)
    works.again()
    document = works.same(document)
    consent.look(document, consent.pictures(document), works.desk.people, room)
    assert not consent.awaited(document, consent.pictures(document)), "it is not asked again"
    assert start(works.desk, document)


def test_a_picture_that_nobody_looked_at_is_looked_at_when_a_film_is_asked_for(works: Works) -> None:
    document = works.project(1)
    (row,) = document.project.rows
    document.change(edited(row.id, "image", document.keep(FACE, FACE.name)))  # as in a project of before
    rooms = Rooms(works.desk, works.shelf, Samples(works.desk.studio, works.desk.people))
    with pytest.warns(UserWarning, match="seems to be a face"):
        Handlers(rooms).start(document.id, row.id)
    assert not document.works.job and look(rooms, document).faults[0].row == row.id
    with pytest.raises(FilmError, match="shows a face"):
        begin(rooms, document, row.id)
    with pytest.raises(FilmError, match="shows a face"):
        vary(works.desk, document, row.id, 2)
    rooms.samples.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("consent") / "data") as one:
        yield one


@pytest.mark.parametrize(("headers", "said"), [({}, True), ({"Reelwright-Consent": "no"}, True), ({"Reelwright-Consent": "yes"}, False)])
def test_programs_tell_it_and_are_never_refused(served: Served, headers: dict[str, str], said: bool) -> None:
    body, kind = form([("scene_1.jpg", FACE.read_bytes())])
    assert served.ask("POST", "/folders/people/images", body, kind).status == 200
    row: dict[str, Any] = {"scene_number": 1, "narration": "", "duration": 0.5, "clip_action": "pan right"}
    told = served.ask("POST", "/generateVideos/people", headers=headers, json={"sequence_data": [row], "generation_params": SMALL}).json
    assert told["success"] is True
    assert any("shows a face" in warning and "Reelwright-Consent: yes" in warning for warning in told["metadata"]["warnings"]) is said


def test_the_field_and_the_header_are_told_of(served: Served) -> None:
    told = json.dumps(served.ask("GET", "/openapi.json").json)
    assert told.count("Reelwright-Consent") >= 4
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    tools = served.ask("POST", "/mcp", json=asked).json["result"]["tools"]
    assert "consent" in next(tool for tool in tools if tool["name"] == "make_film")["inputSchema"]["properties"]
