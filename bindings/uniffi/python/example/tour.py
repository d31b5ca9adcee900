"""A chat inside an asyncio program, no server: `python tour.py`."""

import asyncio

from chat_engine import AddParticipant, ChatEngine, CreateRoom, Event, SendMessage


async def main() -> None:
    async with ChatEngine.in_memory() as engine:
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        room = await engine.host().create_room(CreateRoom(key="job:42", participants=people))
        async with engine.session("ben").events() as events:
            await events.subscribe("job:42")
            await engine.session("ann").send(room.id, SendMessage(content="On my way 🚲"))
            async for event in events:
                match event:
                    case Event.CHAT_MESSAGE(message=message):
                        print(f"{message.sender}: {message.content}")
                        break
        print("unread:", await engine.session("ben").unread())


if __name__ == "__main__":
    asyncio.run(main())
