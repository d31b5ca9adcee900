"""The story that every language plays, through the package's public API."""

import asyncio
import enum
import json
from datetime import datetime, timezone
from pathlib import Path

import chat_engine as chat
import pytest

STORY = json.loads((Path(__file__).parents[3] / "scenario.json").read_text())

# Which record each argument is.
RECORDS = {
    "create_room": chat.CreateRoom,
    "update_room": chat.UpdateRoom,
    "add_participant": chat.AddParticipant,
    "update_participant": chat.UpdateParticipant,
    "send": chat.SendMessage,
    "edit": chat.EditMessage,
    "history": chat.History,
    "messages": chat.Paging,
    "rooms": chat.Paging,
    "participants": chat.Paging,
    "readers": chat.Paging,
    "update_me": chat.UpdateMe,
}
LISTS = {"participants": chat.AddParticipant, "attachments": chat.Attachment}
ENUMS = {
    "role": chat.Role,
    "kind": chat.RoomKind,
    "state": chat.RoomState,
    "message_type": chat.MessageType,
    "level": chat.Level,
}


def record(kind, fields):
    """A record from the story's JSON; `null` is said by `clear`."""
    said, clear = {}, [chat.Field[key.upper()] for key, value in fields.items() if value is None]
    for key, value in fields.items():
        if value is None:
            continue
        if key in ENUMS:
            value = ENUMS[key][value.upper()]
        elif key in LISTS:
            value = [record(LISTS[key], part) for part in value]
        elif key.endswith("_until"):
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        elif kind is chat.Attachment and key == "pages":
            key, value = "more", {"pages": value}
        said[key] = value
    return kind(**said, clear=clear) if clear else kind(**said)


def shown(value):
    """What the engine answered, as the story's JSON."""
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, list):
        return [shown(part) for part in value]
    if isinstance(value, dict):
        return value
    if hasattr(value, "__dict__"):
        fields = {key: shown(part) for key, part in vars(value).items()}
        return {**fields, **(fields.pop("more", None) or {})}
    return value


def contains(actual, expected, where):
    if isinstance(expected, list):
        assert len(actual) == len(expected), where
        for part, wanted in zip(actual, expected):
            contains(part, wanted, where)
    elif isinstance(expected, dict):
        for key, part in expected.items():
            contains((actual or {}).get(key), part, f"{where} .{key}")
    else:
        assert actual == expected, where


def test_the_story():
    asyncio.run(story())


async def story():
    saved, told = {}, {}

    def meant(value):
        if isinstance(value, str) and value.startswith("$"):
            return saved[value[1:]]
        if isinstance(value, list):
            return [meant(part) for part in value]
        if isinstance(value, dict):
            if "$repeat" in value:
                return value["$repeat"][0] * value["$repeat"][1]
            return {key: meant(part) for key, part in value.items()}
        return value

    async with chat.ChatEngine.in_memory() as engine:
        for n, step in enumerate(STORY["steps"], 1):
            where = f"step {n}: {json.dumps(step)[:120]}"
            actor = engine.host() if step["as"] == "host" else engine.session(step["as"])
            if "follow" in step:
                told[step["as"]] = actor.events()
                opened = await told[step["as"]].subscribe(*meant(step["follow"]))
                assert all(room.snapshot for room in opened), where
            elif "event" in step:
                kind = getattr(chat.Event, step["event"]["type"].upper())
                async with asyncio.timeout(60):
                    async for event in told[step["as"]]:
                        if isinstance(event, kind):
                            break
                contains({"type": step["event"]["type"], **shown(event)}, meant(step["event"]), where)
            else:
                kind = RECORDS.get(step["call"])
                args = [record(kind, arg) if isinstance(arg, dict) else arg for arg in meant(step["args"])]
                call = getattr(actor, step["call"])(*args)
                if "error" in step:
                    with pytest.raises(chat.ChatError) as raised:
                        await call
                    wanted = dict(step["error"])
                    assert raised.value.code == chat.ErrorCode[wanted.pop("code").upper()], (where, str(raised.value))
                    contains(shown(raised.value.details), wanted, where)
                else:
                    answer = shown(await call)
                    contains(answer, meant(step["ok"]), where)
                    for name, path in step.get("save", {}).items():
                        part = answer
                        for key in path.split("."):
                            part = part[key]
                        saved[name] = part
