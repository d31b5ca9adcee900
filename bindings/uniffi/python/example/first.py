import asyncio

from chat_engine import AddParticipant, ChatEngine, CreateRoom, Event, SendMessage


async def main():
    async with await ChatEngine.open("chat.db") as engine:
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        room = await engine.host().create_room(CreateRoom(key="job:42", participants=people))
        async with engine.session("ben").events() as events:
            await events.subscribe(room.id)
            await engine.session("ann").send(room.id, SendMessage(content="On my way"))  # now it is on the disk
            async for event in events:
                match event:
                    case Event.CHAT_MESSAGE(message=message):
                        print(f"{message.sender}: {message.content}")
                        break
        print(await engine.session("ben").unread(), "unread")


asyncio.run(main())
