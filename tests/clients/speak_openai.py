"""Speaks to a studio with one version of OpenAI's own client and prints what came of it: run in a process of its own.

`speak_openai.py WHAT BASE_URL PICTURE`: the client is whichever lies on the path.
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore", DeprecationWarning)

import openai  # noqa: E402

WHAT, BASE, PICTURE = sys.argv[1], sys.argv[2], Path(sys.argv[3])
SMALL = {"size": "160x90", "seconds": "1"}
client = openai.OpenAI(base_url=BASE, api_key="any")
told: dict = {"version": openai.__version__}


def made(**more):
    return client.videos.create_and_poll(prompt="a slow pan right over hills", input_reference=PICTURE, poll_interval_ms=100, **(SMALL | more))


def error_of(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {"kind": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param, "type": error.type}
    return None


if WHAT == "create":
    usual = client.videos.create(prompt="A quiet lake")
    told["usual"] = usual.to_dict()
    data = PICTURE.read_bytes()
    forms = {"bytes": data, "tuple": ("me.png", data, "image/png"), "handle": PICTURE.open("rb"), "path": PICTURE, "buffer": io.BytesIO(data)}
    for name, form in forms.items():
        told[name] = client.videos.create(prompt="pan left", input_reference=form, seconds="8", size="160x90").to_dict()
    told["number"] = client.videos.create(prompt="pan left", input_reference=data, seconds=8, size="160x90").to_dict()
    address = "data:image/png;base64," + __import__("base64").b64encode(data).decode()
    extra = {"input_reference": {"image_url": address}, "seed": 7, "clip_action": "zoom in", "engine": "camera", "style": "noir"}
    told["extra"] = client.videos.create(prompt="hills", extra_body=extra, size="160x90", seconds="1").to_dict()
    told["unknown_file"] = error_of(lambda: client.videos.create(prompt="hills", extra_body={"input_reference": {"file_id": "file_1"}}))
    told["strange"] = error_of(lambda: client.videos.create(prompt="hills", extra_body={"n": 2}))
    told["empty"] = error_of(lambda: client.videos.create(prompt=""))
    told["models"] = [one.id for one in client.models.list()]
elif WHAT == "poll":
    done = made()
    told["done"] = done.to_dict()
    usual = client.videos.create_and_poll(prompt="pan right", input_reference=PICTURE, **SMALL)
    told["usual"] = usual.to_dict()
    failed = client.videos.create_and_poll(prompt="nothing but words", poll_interval_ms=100, extra_body={"engine": "camera"}, **SMALL)
    told["failed"] = failed.to_dict()
    raw = client.videos.with_raw_response.create(prompt="pan right", input_reference=PICTURE, **SMALL)
    told["header"] = raw.headers.get("openai-poll-after-ms")
    for variant in (None, "video", "thumbnail", "spritesheet", "audio", "last_frame", "timeline"):
        answer = client.videos.download_content(done.id, **({"variant": variant} if variant else {}))
        content = answer.read()
        told[f"content {variant}"] = [answer.response.headers["content-type"], content[:16].hex(), len(content)]
    told["bad variant"] = error_of(lambda: client.videos.download_content(done.id, variant="gif"))
    told["no captions"] = error_of(lambda: client.videos.download_content(done.id, variant="captions"))
    told["failed content"] = error_of(lambda: client.videos.download_content(failed.id))
    remixed = client.videos.remix(done.id, prompt="the same hills, zoom in")
    told["remix"] = client.videos.poll(remixed.id, poll_interval_ms=100).to_dict()
    gone = client.videos.delete(done.id)
    told["deleted"] = gone.to_dict()
    told["gone"] = error_of(lambda: client.videos.retrieve(done.id))
    told["gone content"] = error_of(lambda: client.videos.download_content(done.id))
elif WHAT == "more":
    done = made()
    edit = getattr(client.videos, "edit", None)
    if edit:
        first = client.videos.edit(prompt="now zoom out", video=openai.omit, extra_body={"video": {"id": done.id}})
        told["edit"] = client.videos.poll(first.id, poll_interval_ms=100).to_dict()
        longer = client.videos.extend(prompt="go on", seconds="2", video=openai.omit, extra_body={"video": {"id": done.id}})
        told["extend"] = client.videos.poll(longer.id, poll_interval_ms=100).to_dict()
        film = client.videos.download_content(done.id).read()
        other = client.videos.extend(prompt="go on", seconds="1", video=film)
        told["extend file"] = client.videos.poll(other.id, poll_interval_ms=100).to_dict()
        again = client.videos.edit(prompt="pan left", video=film)
        told["edit file"] = client.videos.poll(again.id, poll_interval_ms=100).to_dict()
        hero = client.videos.create_character(name="Mossy", video=film)
        told["character"] = hero.to_dict()
        told["character again"] = client.videos.get_character(hero.id).to_dict()
        told["long name"] = error_of(lambda: client.videos.create_character(name="x" * 81, video=film))
        told["no name"] = error_of(lambda: client.videos.create_character(name="", video=film))
        used = client.videos.create_and_poll(prompt="Mossy walks", poll_interval_ms=100, extra_body={"characters": [{"id": hero.id}]}, **SMALL)
        told["used"] = used.to_dict()
        told["traversal"] = error_of(lambda: client.videos.retrieve("../../etc/passwd"))
elif WHAT == "list":
    ids = [client.videos.create(prompt=f"number {n}", input_reference=PICTURE, **SMALL).id for n in range(5)]
    told["ids"] = ids
    told["paged"] = [one.id for one in client.videos.list(limit=2)]
    told["rising"] = [one.id for one in client.videos.list(limit=2, order="asc")]
    told["hundred"] = len(client.videos.list(limit=100).data)
    told["none"] = client.videos.list(limit=0).to_dict()
    told["too many"] = error_of(lambda: client.videos.list(limit=101))
    told["unknown"] = error_of(lambda: client.videos.list(after="video_00"))
elif WHAT == "azure":
    for name, azure in {
        "deployments": openai.AzureOpenAI(azure_endpoint=BASE, api_version="2026-01-01", api_key="any"),
        "v1": openai.AzureOpenAI(base_url=BASE + "/openai/v1/", api_version="preview", api_key="any"),
    }.items():
        video = azure.videos.create(prompt="pan right", input_reference=PICTURE, model="sora-2", **SMALL)
        done = azure.videos.poll(video.id, poll_interval_ms=100)
        told[name] = [done.status, azure.videos.download_content(video.id).read()[4:8].decode()]
elif WHAT == "key":
    told["wrong"] = error_of(lambda: openai.OpenAI(base_url=BASE, api_key="sk-wrong").videos.list())
    told["right"] = error_of(lambda: openai.OpenAI(base_url=BASE, api_key=str(sys.argv[3])).videos.list())
elif WHAT == "webhook":
    headers, body = json.loads(sys.argv[3])
    client.webhooks.verify_signature(body, headers, secret=sys.argv[4])
    event = client.webhooks.unwrap(body, headers, secret=sys.argv[4])
    told["event"] = [event.type, event.data.id]
print(json.dumps(told))
