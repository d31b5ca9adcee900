import pytest
from back_end import app
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect


def until(socket, kind):
    while (frame := socket.receive_json())["type"] != kind:
        pass
    return frame


def test_two_people_chat_about_a_job_over_the_back_ends_own_route():
    with TestClient(app) as back:
        back.post("/jobs/42")
        with (
            back.websocket_connect("/chat", headers={"x-user": "client"}) as client,
            back.websocket_connect("/chat", headers={"x-user": "cleaner"}) as cleaner,
        ):
            cleaner.send_json({"action": "subscribe", "room": "job:42", "ref": 1})
            until(cleaner, "reply")
            client.send_json({"action": "send_message", "room": "job:42", "content": "Is the key there?"})
            assert until(cleaner, "chat_message")["message"]["content"] == "Is the key there?"
            assert back.get("/unread", headers={"x-user": "cleaner"}).json() == 1
        with back.websocket_connect("/chat") as stranger, pytest.raises(WebSocketDisconnect) as closed:
            stranger.receive_text()
        assert closed.value.code == 3500
