"""Asks a studio for a film as an agent would, with the Model Context Protocol's own client: `speak_mcp.py URL PICTURE`."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import urllib.request
from pathlib import Path

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

URL, PICTURE = sys.argv[1], sys.argv[2]


async def main() -> dict:
    told: dict = {}
    async with streamablehttp_client(URL) as (read, write, _), ClientSession(read, write) as session:
        begun = await session.initialize()
        told["server"] = begun.serverInfo.name
        tools = (await session.list_tools()).tools
        told["tools"] = {tool.name: sorted(tool.inputSchema["properties"]) for tool in tools}

        async def call(name, **given):
            answer = await session.call_tool(name, given)
            return answer.structuredContent | {"isError": answer.isError}

        text = base64.b64encode(Path(PICTURE).read_bytes()).decode()
        told["picture"] = await call("upload_picture", base64=text)
        scenes = [
            {"picture_id": told["picture"]["picture_id"], "duration": 0.5, "clip_action": "pan left"},
            {"picture_base64": text, "duration": 0.5, "narration": ""},
        ]
        film = await call("make_film", scenes=scenes, size="160x90", quality="draft", music="none", captions="none", request_id="once")
        again = await call("make_film", scenes=scenes, size="160x90", quality="draft", music="none", captions="none", request_id="once")
        told["same"] = film["film_id"] == again["film_id"]
        told["status"] = await call("film_status", film_id=film["film_id"], wait_seconds=50)
        told["result"] = await call("film_result", film_id=film["film_id"])
        told["bytes"] = urllib.request.urlopen(told["result"]["film_url"]).read()[4:8].decode()
        remade = await call("remake_film", verb="edit", film_ids=[film["film_id"]], how={"look": "noir"})
        told["remade"] = (await call("film_status", film_id=remade["film_id"], wait_seconds=50))["state"]
        told["moods"] = len((await call("list_presets", kind="moods"))["moods"])
        told["kinds"] = sorted(await call("list_presets"))
        long = await call("make_film", scenes=[{"picture_id": told["picture"]["picture_id"], "duration": 60}], size="1920x1080", music="none")
        told["unconfirmed"] = await call("cancel_film", film_id=long["film_id"], confirm=False)
        told["cancelled"] = await call("cancel_film", film_id=long["film_id"], confirm=True)
        told["stopped"] = (await call("film_status", film_id=long["film_id"], wait_seconds=20))["state"]
        told["path"] = await call("make_film", scenes=[{"picture_base64": "/etc/passwd"}])
        told["image"] = await call("make_film", scenes=[{"image": "/etc/passwd"}])
        told["sound"] = await call("make_film", scenes=scenes, voice="/etc/passwd.wav")
        told["voice"] = await call("remake_film", verb="edit", film_ids=[film["film_id"]], how={"narration": "x", "voice": "/etc/passwd.wav"})
        told["verb"] = await call("remake_film", verb="__class__", film_ids=[film["film_id"]])
        told["strangers"] = await call("remake_film", verb="fill", film_ids=["../../../../etc/passwd"], how={"slow": 2})
        told["poisoned"] = await call("film_status", film_id="../../../../etc")
        told["unknown"] = await call("make_film", scenes=scenes, command="rm -rf /")
    return told


print(json.dumps(asyncio.run(main())))
