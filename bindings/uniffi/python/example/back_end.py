"""A back end of one's own, with FastAPI, its own login, and the chat carried over its own WebSocket route.

    uvicorn back_end:app
"""

import asyncio
import contextlib
import os

from chat_engine import AddParticipant, ChatEngine, CreateRoom
from fastapi import FastAPI, Header, WebSocket


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI):
    path = os.environ.get("CHAT_DB")
    async with await ChatEngine.open(path) if path else ChatEngine.in_memory() as engine:
        app.state.chat = engine
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/jobs/{job}", status_code=201)
async def open_job(job: str):
    people = [AddParticipant(user_id="client"), AddParticipant(user_id="cleaner")]
    room = await app.state.chat.host().create_room(CreateRoom(key=f"job:{job}", participants=people))
    return {"room": room.id}


@app.get("/unread")
async def unread(x_user: str = Header()):
    return await app.state.chat.session(x_user).unread()


@app.websocket("/chat")
async def chat(socket: WebSocket):
    await socket.accept()
    user = socket.headers.get("x-user")
    if not user:
        await socket.close(3500)
        return
    # ANCHOR: carry
    async with app.state.chat.connection(user, None) as connection:
        receiving = asyncio.create_task(receive(socket, connection))
        try:
            async for frame in connection.frames():
                await socket.send_text(frame)
        finally:
            receiving.cancel()
        if (code := connection.close_code()) is not None:
            await socket.close(code)


async def receive(socket: WebSocket, connection) -> None:
    try:
        while (message := await socket.receive())["type"] == "websocket.receive":
            text = message.get("text")
            connection.receive(message["bytes"] if text is None else text)
    finally:
        # Whatever went wrong: nobody is online whom nobody hears.
        connection.close()
# ANCHOR_END: carry
