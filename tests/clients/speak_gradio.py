"""Asks a studio for a film with Gradio's own client and prints what came of it: `speak_gradio.py URL PICTURE FOLDER`."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path

from gradio_client import Client, handle_file

URL, PICTURE, FOLDER = sys.argv[1], sys.argv[2], sys.argv[3]
client = Client(URL, verbose=False, download_files=FOLDER)
told: dict = {"endpoints": sorted(client.view_api(print_info=False, return_format="dict")["named_endpoints"])}
small = {"size": "160x90", "quality": "draft", "music": "none", "captions": "none", "title": "Two hills"}
text = base64.b64encode(Path(PICTURE).read_bytes()).decode()
scenes = [
    {"image": handle_file(PICTURE), "duration": 0.5, "clip_action": "pan left"},
    {"image": text, "duration": 0.5, "clip_action": "zoom in", "transition": "fade"},
]
job = client.predict(scenes, small, api_name="/make_film")
told["job"] = job
told["events"] = [event["event"] for event in client.submit(job, api_name="/follow")]
told["status"] = client.predict(job, api_name="/status")
film, about = client.predict(job, api_name="/result")
told["film"] = [Path(film).read_bytes()[4:8].decode(), about["frames"]]
filled = client.predict("fill", [job], {"slow": 2}, api_name="/remake")
told["remade"] = [event["event"] for event in client.submit(filled, api_name="/follow")][-1:]
told["slow"] = client.predict(filled, api_name="/result")[1]["frames"]
both = client.predict("blend", [handle_file(film), job], {"seconds": 0.2}, api_name="/remake")
told["blended"] = [event["event"] for event in client.submit(both, api_name="/follow")][-1]
long = client.predict("chain", [handle_file(PICTURE)], {"seconds": 1, "prompts": "pan left\nzoom in", "size": "160x90"}, api_name="/remake")
told["chained"] = [[event["event"] for event in client.submit(long, api_name="/follow")][-1], client.predict(long, api_name="/result")[1]["frames"]]
told["moves"] = len(client.predict(api_name="/catalog")["moves"])
told["voices"] = {one["language"][:2] for one in client.predict("de", api_name="/voices")} == {"de"}
long = client.predict([{"image": handle_file(PICTURE), "duration": 60}], {"size": "1920x1080", "music": "none"}, api_name="/make_film")
told["cancelled"] = client.predict(long, api_name="/cancel")["state"]
for _ in range(100):
    if (state := client.predict(long, api_name="/status")["state"]) == "stopped":
        break
    time.sleep(0.1)
told["stopped"] = state


def error_of(*args, api_name):
    try:
        client.predict(*args, api_name=api_name)
    except Exception as error:
        return str(error)
    return ""


told["bad"] = error_of([{"image": text, "duration": 61}], {}, api_name="/make_film")
told["path"] = error_of([{"image": "/etc/passwd"}], {}, api_name="/make_film")
told["stranger"] = error_of([{"image": text}], {"folder": "/etc"}, api_name="/make_film")
told["file"] = error_of([{"image": {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}}], {}, api_name="/make_film")
told["no video"] = error_of("fill", [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], {"slow": 2}, api_name="/remake")
told["a picture"] = error_of("fill", [handle_file(PICTURE)], {"slow": 2}, api_name="/remake")
told["one of two"] = error_of("blend", [job], {}, api_name="/remake")
told["no verb"] = error_of("destroy", [job], {}, api_name="/remake")
told["a sound"] = error_of("edit", [job], {"narration": "Hear.", "voice": "/etc/passwd.wav"}, api_name="/remake")
told["absent"] = error_of("nobodys", api_name="/status")
told["not done"] = error_of(long, api_name="/result")
print(json.dumps(told))
