"""The Videos API on the wire: what official clients never send, Azure's jobs, limits, lineage, webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.policy import shipped
from studio.api.outside import fetch, public
from studio.api.refusals import Refusal

from . import measure
from .served import Answer, Served, paints, serving, until
from .test_generate_videos import png
from .test_videos import CLIENTS, speak

SMALL = {"size": "160x90", "seconds": "0.5"}
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Listener(http.server.BaseHTTPRequestHandler):
    """Hears webhooks; the first of each is answered with 500. Serves a picture, and a redirect to somewhere private."""

    heard: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        heard = type(self).heard
        again = any(one["webhook-id"] == self.headers["webhook-id"] for one, _ in heard)
        heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200 if again else 500)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/turn":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        data = png("purple")
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, type[Listener]]]:
    kind = type("Listening", (Listener,), {"heard": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, listener: tuple[str, type[Listener]]) -> Iterator[Served]:
    told = {"webhook_url": listener[0] + "/hook", "webhook_secret": SECRET, "private_addresses": 1}
    with serving(tmp_path_factory.mktemp("served") / "data", **told) as one:
        yield one


def picture() -> str:
    return "data:image/png;base64," + base64.b64encode(png()).decode()


def create(served: Served, **more: Any) -> dict[str, Any]:
    answer = served.ask("POST", "/v1/videos", json={"prompt": "pan right", "input_reference": {"image_url": picture()}} | SMALL | more)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


def done(served: Served, video: dict[str, Any], home: str = "/v1") -> dict[str, Any]:
    def over() -> Any:
        told = served.ask("GET", f"{home}/videos/{video['id']}").json
        return told if told["status"] in ("completed", "failed") else None

    found: dict[str, Any] = until(over, 120)
    return found


def refused(answer: Answer, status: int, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    assert answer.status == status, answer.body
    error: dict[str, Any] = answer.json["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"] and error["code"]
    assert param is None or error["param"] == param, error
    assert code is None or error["code"] == code, error
    return error


def test_what_is_not_filmed_fails_with_its_own_code(served: Served) -> None:
    rule = shipped()
    words = " ".join(rule.words[str(group)][0].rstrip("*") for group in rule.rules["sexual_minors"].groups)
    told = done(served, create(served, prompt=words))
    assert told["status"] == "failed" and told["error"]["code"] == "moderation_blocked" and "sexual_minors" in told["error"]["message"]
    asked = {"prompt": words, "width": 128, "height": 72, "n_seconds": 1, "model": "sora"}
    job = served.ask("POST", "/openai/v1/video/generations/jobs?api-version=preview", json=asked).json
    found = until(lambda: (one := served.ask("GET", f"/openai/v1/video/generations/jobs/{job['id']}").json)["status"] == "failed" and one, 60)
    assert found["failure_reason"] == "input_moderation"


def test_every_home_of_the_api_and_either_header(served: Served) -> None:
    for home in ("/v1", "", "/openai", "/openai/v1"):
        answer = served.ask("POST", f"{home}/videos?api-version=preview", json={"prompt": "x", "input_reference": {"image_url": picture()}} | SMALL, headers={"api-key": "k"})
        assert answer.status == 200 and answer.headers["openai-poll-after-ms"]
        assert done(served, answer.json, home)["status"] == "completed"
        assert served.ask("DELETE", f"{home}/videos/{answer.json['id']}", headers={"Content-Type": "application/json"}).json["deleted"] is True


def test_pictures_by_address_by_base64_and_under_the_planned_name(served: Served, listener: tuple[str, type[Listener]]) -> None:
    plain = base64.b64encode(png("red")).decode()
    for given in ({"input_reference": {"image_url": listener[0] + "/p.png"}}, {"image": picture()}, {"image": plain}, {"image": listener[0] + "/p.png"}):
        answer = served.ask("POST", "/v1/videos", json={"prompt": "x"} | SMALL | given)
        assert answer.status == 200, answer.body
        assert done(served, answer.json)["status"] == "completed"
    for bad in ("nonsense!", listener[0] + "/turn", "file:///etc/passwd", "data:text/plain;base64,AAAA", base64.b64encode(b"GIF89a but not").decode()):
        refused(served.ask("POST", "/v1/videos", json={"prompt": "x", "image": bad}), 400, "image")


def test_forms_with_brackets_and_an_empty_file_beside_an_id(served: Served) -> None:
    video = done(served, create(served))

    def form(*fields: tuple[str, str], empty: str = "") -> tuple[bytes, dict[str, str]]:
        text = "".join(f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields)
        if empty:
            text += f'--cut\r\nContent-Disposition: form-data; name="{empty}"; filename="upload"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n'
        return f"{text}--cut--\r\n".encode(), {"Content-Type": "multipart/form-data; boundary=cut"}

    made = served.ask("POST", "/v1/videos", *form(("prompt", "x"), ("input_reference[image_url]", picture()), ("seconds", "1"), ("size", "160x90"), ("seed", "7")))
    assert made.status == 200 and made.json["seconds"] == "1"
    for empty in ("", "video"):
        longer = served.ask("POST", "/v1/videos/extensions", *form(("prompt", "on"), ("seconds", "0.5"), ("video[id]", video["id"]), empty=empty))
        assert longer.status == 200 and longer.json["seconds"] == "1", longer.body
    refused(served.ask("POST", "/v1/videos", *form(("prompt", "x"), ("characters[][id]", "char_1"))), 400, "characters[0].id")
    refused(served.ask("POST", "/v1/videos", *form(("a[b][c][d][e]", "x"))), 400)
    refused(served.ask("POST", "/v1/videos", b"--cut\r\nnonsense", {"Content-Type": "multipart/form-data; boundary=cut"}), 400)
    refused(served.ask("POST", "/v1/videos", b"--cut", {"Content-Type": "multipart/form-data"}), 400)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": ""}, "prompt"), ({"prompt": "   "}, "prompt"), ({"prompt": "x" * 32_001}, "prompt"), ({"prompt": 5}, "prompt"), ({"prompt": None}, "prompt"),
        ({"seconds": "0"}, "seconds"), ({"seconds": "61"}, "seconds"), ({"seconds": "many"}, "seconds"), ({"seconds": True}, "seconds"), ({"seconds": []}, "seconds"),
        ({"size": "1x1"}, "size"), ({"size": "161x90"}, "size"), ({"size": "huge"}, "size"), ({"size": 5}, "size"), ({"model": 5}, "model"), ({"model": "reelwright-none"}, "model"),
        ({"seed": -1}, "seed"), ({"seed": 2**32}, "seed"), ({"seed": 1.5}, "seed"), ({"style": "nonesuch"}, "style"), ({"engine": 5}, "engine"),
        ({"input_reference": 5}, "input_reference"), ({"input_reference": {}}, "input_reference"), ({"input_reference": {"image_url": "x", "file_id": "y"}}, "input_reference"),
        ({"input_reference": {"image_url": 5}}, "input_reference.image_url"), ({"characters": "x"}, "characters"), ({"characters": [{"id": "char_x"}] * 3}, "characters"),
        ({"captions": "loud"}, "captions"), ({"voice": "nobody at all"}, "voice"), ({"n": 1}, "n"), ({"narration": "x" * 5001}, "narration"), ({"clip_action": ["pan"]}, "clip_action"),
    ],
)  # fmt: skip
def test_bad_fields_are_refused_by_name_and_never_with_422(served: Served, change: dict[str, Any], param: str) -> None:
    refused(served.ask("POST", "/v1/videos", json={"prompt": "x"} | change), 400, param)


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b'{"prompt": NaN}', b'{"prompt": "a", "prompt": "b"}', b"[" * 10_000, b"\xff", b'{"prompt": "\\ud800"}x'])
def test_malformed_json_is_refused(served: Served, raw: bytes) -> None:
    refused(served.ask("POST", "/v1/videos", raw), 400)


def test_odd_words_are_kept_as_they_are(served: Served) -> None:
    for prompt in ("\ud800 lone", "\u202eright to left", "<script>", "'; drop table", "${7*7}", "🎬 ملعب"):
        video = create(served, prompt=prompt)
        assert served.ask("GET", f"/v1/videos/{video['id']}").status == 200
        served.ask("DELETE", f"/v1/videos/{video['id']}")


@pytest.mark.parametrize("identity", ["none", "..%2F..%2Fetc", "video_", "video_zz", "video_" + "0" * 36, "video_00%00", "x" * 3000, "%F0%9F%8E%AC"])
def test_ids_that_are_none_are_not_found(served: Served, identity: str) -> None:
    for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/content"), ("POST", "/remix")):
        answer = served.ask(method, f"/v1/videos/{identity}{rest}", json={"prompt": "x"})
        assert answer.status in (400, 404) and answer.json["error"]["code"]
    refused(served.ask("GET", f"/v1/videos/characters/{identity}"), 400 if "%00" in identity else 404)


def test_what_is_not_routed_has_the_same_shape(served: Served) -> None:
    for method, path in (("GET", "/v1/nothing"), ("PUT", "/v1/videos"), ("POST", "/v1/videos/x/y/z"), ("GET", "/openai/deployments/a"), ("GET", "/videos/a/b")):
        refused(served.ask(method, path), 404, code="unknown_url")


def test_not_ready_is_no_reason_to_try_again_and_deleting_stops_it(served: Served) -> None:
    slow = create(served, size="1920x1080", seconds="60")
    other = create(served, size="1920x1080", seconds="60")
    for video in (slow, other):
        refused(served.ask("GET", f"/v1/videos/{video['id']}/content"), 404, code="video_not_ready")
        refused(served.ask("POST", f"/v1/videos/{video['id']}/remix", json={"prompt": "x"}), 400, "video_id", "video_not_ready")
    for video in (slow, other):
        assert served.ask("DELETE", f"/v1/videos/{video['id']}").json == {"id": video["id"], "object": "video.deleted", "deleted": True}
        refused(served.ask("GET", f"/v1/videos/{video['id']}"), 404, code="not_found")
    assert done(served, create(served))["status"] == "completed"


def test_an_uploaded_video_is_made_over_and_goes_on(served: Served, tmp_path: Path) -> None:
    pictures = [np.full((90, 160, 3), (40 + 8 * n, 120, 60), np.uint8) for n in range(12)]
    mine = measure.video(tmp_path / "mine.mp4", pictures, 12, "-c:v", "libx264", "-preset", "ultrafast").read_bytes()

    def sent(path: str, **fields: str) -> dict[str, Any]:
        text = "".join(f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
        file = '--cut\r\nContent-Disposition: form-data; name="video"; filename="mine.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
        answer = served.ask("POST", path, f"{text}{file}".encode() + mine + b"\r\n--cut--\r\n", {"Content-Type": "multipart/form-data; boundary=cut"})
        assert answer.status == 200, answer.body
        return done(served, answer.json)

    def reds(video: dict[str, Any]) -> list[float]:
        (tmp_path / "got.mp4").write_bytes(served.ask("GET", f"/v1/videos/{video['id']}/content").body)
        return [float(picture[..., 0].mean()) for picture in measure.frames(tmp_path / "got.mp4", (160, 90))]

    over = sent("/v1/videos/edits", prompt="reverse, with a dragon")
    assert (over["status"], over["seconds"], over["size"]) == ("completed", "1", "160x90")
    assert "dragon" in over["metadata"]["warnings"][0]
    assert reds(over) == sorted(reds(over), reverse=True) and len(reds(over)) == 12, "every picture, the last one first"
    again = served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "black and white"})
    grey = done(served, again.json)
    assert reds(grey) == sorted(reds(grey)), "made of what was uploaded"
    refused(served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "a dragon"}), 400, "prompt")
    made = served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "a dragon", "engine": "wan-1.3b", "strength": "subtle"})
    failed = done(served, made.json)
    assert (failed["status"] == "failed" and "GPU" in str(failed["error"])) or "reelwright fetch" in str(failed["error"]), "a model, which is not here"
    refused(served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "a dragon", "engine": "camera"}), 400, "engine")
    refused(served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "noir", "strength": "subtle"}), 400, "engine")
    refused(served.ask("POST", f"/v1/videos/{over['id']}/remix", json={"prompt": "noir", "engine": "auto", "strength": "wild"}), 400, "strength")
    longer = sent("/v1/videos/extensions", prompt="go on", seconds="0.5")
    assert longer["seconds"] == "1.5" and len(reds(longer)) == 18
    more = served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "seconds": "0.5", "video": {"id": longer["id"]}})
    assert len(reds(done(served, more.json))) == 24


def test_an_extension_has_its_limits(served: Served) -> None:
    video = done(served, create(served))
    for n in range(6):
        answer = served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "seconds": "0.5", "video": {"id": video["id"]}})
        assert answer.status == 200, (n, answer.body)
        longer = done(served, answer.json)
        assert longer["remixed_from_video_id"] == video["id"] and float(longer["seconds"]) == pytest.approx(0.5 * (n + 2))
        video = longer
    refused(served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "seconds": "0.5", "video": {"id": video["id"]}}), 400, "video")
    refused(served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "seconds": "21", "video": {"id": video["id"]}}), 400, "seconds")
    refused(served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "video": {"id": video["id"]}}), 400, "seconds")
    refused(served.ask("POST", "/v1/videos/extensions", json={"prompt": "on", "seconds": "4"}), 400, "video")
    refused(served.ask("POST", "/v1/videos/edits", json={"prompt": "on", "video": {"id": "video_1"}}), 404)
    refused(served.ask("POST", "/v1/videos/edits", json={"prompt": "on", "video": "film.mp4"}), 400, "video")


def test_parts_of_a_video_and_its_head(served: Served) -> None:
    place = f"/v1/videos/{done(served, create(served))['id']}/content"
    whole = served.ask("GET", place, headers={"Accept": "application/binary"})
    assert whole.headers["content-type"] == "video/mp4" and "attachment" in whole.headers["content-disposition"] and whole.headers["etag"]
    assert served.ask("GET", place, headers={"Range": "bytes=10-19"}).body == whole.body[10:20]
    assert served.ask("GET", place, headers={"Range": "bytes=-5"}).body == whole.body[-5:]
    assert served.ask("GET", place, headers={"Range": f"bytes={len(whole.body)}-"}).status == 416
    assert served.ask("GET", place, headers={"Range": "bytes=nonsense"}).status in (200, 400, 416)
    head = served.ask("HEAD", place)
    assert head.status == 200 and int(head.headers["content-length"]) == len(whole.body) and not head.body


def test_speech_and_captions_of_our_own(served: Served) -> None:
    video = done(served, create(served, narration="Good morning.", voice="espeak:en", seconds="2", music_mood="calm", clip_action="zoom out", style="sepia", negative_prompt="rain"))
    assert video["status"] == "completed" and "negative prompt" in video["metadata"]["warnings"][1]
    assert served.ask("GET", f"/v1/videos/{video['id']}/content?variant=captions").body.startswith(b"WEBVTT")
    assert video["metadata"]["engines"]["music"] != "none"


def test_azures_jobs(served: Served, tmp_path: Path) -> None:
    picture_file = tmp_path / "a.png"
    picture = Image.new("RGB", (320, 90), "navy")
    picture.paste("red", (160, 0, 320, 90))
    picture.save(picture_file)
    items = json.dumps([{"frame_index": 0, "type": "image", "file_name": "a.png", "crop_bounds": {"left_fraction": 0.5, "right_fraction": 1}}])
    fields = {"prompt": "pan left", "model": "sora", "width": "160", "height": "90", "n_seconds": "1", "n_variants": "2", "inpaint_items": items}
    text = "".join(f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    part = '--cut\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    body = text.encode() + part.encode() + picture_file.read_bytes() + b"\r\n--cut--\r\n"
    top = "/openai/v1/video/generations"
    job = served.ask("POST", f"{top}/jobs?api-version=preview", body, {"Content-Type": "multipart/form-data; boundary=cut", "api-key": "k"}).json
    assert job["object"] == "video.generation.job" and job["id"].startswith("task_") and job["status"] in ("queued", "running") and job["n_variants"] == 2

    def over() -> Any:
        told = served.ask("GET", f"{top}/jobs/{job['id']}").json
        return told if told["status"] in ("succeeded", "failed") else None

    job = until(over, 60)
    assert job["status"] == "succeeded" and len(job["generations"]) == 2 and job["finished_at"] and (job["width"], job["height"]) == (160, 90)
    for one in job["generations"]:
        assert served.ask("GET", f"{top}/{one['id']}").json == one
        video = served.ask("GET", f"{top}/{one['id']}/content/video?quality=high")
        assert video.headers["content-type"] == "video/mp4" and video.headers["accept-ranges"] == "bytes" and video.headers["last-modified"]
        assert served.ask("HEAD", f"{top}/{one['id']}/content/video").headers["content-length"] == str(len(video.body))
        thumbnail = served.ask("GET", f"{top}/{one['id']}/content/thumbnail").body
        red, _, blue = Image.open(io.BytesIO(thumbnail)).convert("RGB").resize((1, 1)).getpixel((0, 0))
        assert red > 200 and blue < 60, "the part that was asked for, and nothing else"
    listed = served.ask("GET", f"{top}/jobs?limit=10&statuses=succeeded").json
    assert [one["id"] for one in listed["data"]] == [job["id"]] and listed["has_more"] is False
    words = served.ask("POST", f"{top}/jobs", json={"prompt": "only words", "width": 160, "height": 90, "n_seconds": 1, "model": "reelwright-camera"}).json
    if not paints(served):
        failed = until(lambda: (told := served.ask("GET", f"{top}/jobs/{words['id']}").json)["status"] == "failed" and told)
        assert "engine_missing" in failed["failure_reason"]
    assert served.ask("DELETE", f"{top}/jobs/{job['id']}").status == 204
    for answer in (served.ask("GET", f"{top}/jobs/{job['id']}"), served.ask("GET", f"{top}/gen_1"), served.ask("GET", f"{top}/jobs/x/y")):
        assert answer.status == 404 and {"code", "message", "param", "type", "inner_error"} == set(answer.json)
    for bad in ({"prompt": ""}, {"prompt": "x", "n_seconds": 21}, {"prompt": "x", "n_variants": 6}, {"prompt": "x", "inpaint_items": "[{}]"}, {"prompt": "x", "width": 63}, *({"prompt": "x", "inpaint_items": [{"type": "image", "file_name": "a", "crop_bounds": edges}]} for edges in ([], {"top_fraction": 1}, {"left_fraction": -1}, {"right": 1}))):
        assert served.ask("POST", f"{top}/jobs", json=bad).status == 400


def test_webhooks_are_signed_told_again_until_heard_and_never_twice_after(served: Served, listener: tuple[str, type[Listener]]) -> None:
    video, wrong = create(served), create(served, engine="nonesuch")
    kind = listener[1]

    def heard(identity: str) -> list[tuple[dict[str, str], bytes]]:
        return [one for one in list(kind.heard) if json.loads(one[1])["data"]["id"] == identity]

    until(lambda: len(heard(video["id"])) == 2 and len(heard(wrong["id"])) == 2, 40)
    for identity, what in ((video["id"], "video.completed"), (wrong["id"], "video.failed")):
        told = heard(identity)
        assert len({headers["webhook-id"] for headers, _ in told}) == 1
        headers, body = told[1]
        assert json.loads(body)["type"] == what and json.loads(body)["object"] == "event"
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        sign = hmac.new(key, f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(sign).decode()
    if (CLIENTS / "openai-3.52.0" / ".there").exists():
        headers, body = heard(video["id"])[1]
        sent = json.dumps([headers, body.decode()])
        assert speak("openai-3.52.0", "webhook", served.url, sent, SECRET)["event"] == ["video.completed", video["id"]]


PRIVATE = [
    "http://127.0.0.1/", "http://localhost/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/", "http://0/", "http://100.64.0.1/",
    "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://192.0.2.1/", "http://127.0.0.1:80@127.0.0.1/", "http://user:word@127.0.0.1/", "http://127.0.0.1:8080/",
    "http://8.8.8.8:22/", "https://8.8.8.8:8443/", "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/", "http:///etc", "http://", "http://[::1", "http://a b/",
    "http://127.0.0.1%2f@8.8.8.8:99/", "http://\u2460.\u2460.\u2460.\u2460:99/", "http://localhost\t/", "http://[0:0:0:0:0:ffff:10.0.0.1]/",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_no_address_leads_into_a_private_network(url: str) -> None:
    with pytest.raises(Refusal) as error:
        fetch(url, 1000, private=False)
    assert error.value.status == 400


def test_an_address_that_changes_after_it_was_looked_at_gains_nothing(monkeypatch: pytest.MonkeyPatch, listener: tuple[str, type[Listener]]) -> None:
    """A name that is public when it is asked for first, and this machine ever after: the connection goes to the first."""
    import socket

    port = int(listener[0].rpartition(":")[2])
    asked: list[str] = []
    went: list[Any] = []

    def resolve(name: str, *_rest: Any, **_more: Any) -> Any:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(address: Any, *_rest: Any, **_more: Any) -> Any:
        went.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Refusal):
        fetch("http://rebinds.example/", 1000, private=False)
    assert went == [("93.184.216.34", 80)] and asked == ["rebinds.example"]


def test_which_addresses_are_public() -> None:
    assert public("8.8.8.8") and public("2606:4700::1111") and not public("64:ff9b::1.2.3.4") and not public("fe80::1%eth0")


def test_webhooks_without_a_secret_are_refused_at_the_start(tmp_path: Path) -> None:
    import subprocess
    import sys

    from .served import ROOT, settings

    env = settings(tmp_path, webhook_url="https://example.com/hook")
    done = subprocess.run([sys.executable, "-m", "studio", "serve", "--port", "0"], capture_output=True, text=True, cwd=ROOT, env=env, timeout=60, check=False)
    assert done.returncode == 1 and "WEBHOOK_SECRET" in done.stderr
