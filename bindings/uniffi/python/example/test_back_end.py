import asyncio
import contextlib
import json

import httpx
import pytest
import uvicorn
import websockets
from back_end import app


@contextlib.asynccontextmanager
async def served():
    """The back end on a port of its own; gives where it is."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    # The system takes connections from here on, before the server looks at them: nobody waits for it to be up.
    listening = server.config.bind_socket()
    listening.listen()
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield "{}:{}".format(*listening.getsockname())
    finally:
        server.should_exit = True
        await serving


def connect(at: str, **headers: str):
    return websockets.connect(f"ws://{at}/chat", additional_headers=headers, proxy=None)


async def until(socket, kind: str) -> dict:
    while (frame := json.loads(await socket.recv()))["type"] != kind:
        pass
    return frame


async def chat() -> None:
    async with asyncio.timeout(60), served() as at, httpx.AsyncClient(base_url=f"http://{at}", trust_env=False) as back:
        assert (await back.post("/jobs/42")).status_code == 201
        async with connect(at, **{"x-user": "client"}) as client, connect(at, **{"x-user": "cleaner"}) as cleaner:
            await cleaner.send(json.dumps({"action": "subscribe", "room": "job:42", "ref": 1}))
            await until(cleaner, "reply")
            await client.send(json.dumps({"action": "send_message", "room": "job:42", "content": "Is the key there?"}))
            assert (await until(cleaner, "chat_message"))["message"]["content"] == "Is the key there?"
            assert (await back.get("/unread", headers={"x-user": "cleaner"})).json() == 1
            await client.send(b"no text")
            assert "text frame" in (await until(client, "error"))["message"]
            await client.send(json.dumps({"action": "subscribe", "room": "job:42"}))
            await until(cleaner, "user_joined")
            await client.close()
            assert (await until(cleaner, "user_left"))["user_id"] == "client"
        async with connect(at) as stranger:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await stranger.recv()
            assert closed.value.rcvd.code == 3500


def test_two_people_chat_about_a_job_over_the_back_ends_own_route():
    asyncio.run(chat())
