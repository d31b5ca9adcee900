"""What a call costs from Python.

``python3 bench/calls.py SECONDS`` says on one line how many microseconds each kind takes; ``cargo xtask bench bindings``
sets it beside the same in Rust.
"""

import asyncio
import json
import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chat_engine import AddParticipant, ChatEngine, CreateRoom, Event, SendMessage  # noqa: E402

SECONDS = float(sys.argv[1])
# Fits what may wait for a subscriber.
BATCH = 512


async def micros(work):
    """Repeats ``work``, which says how long its calls took and how many they were: first to warm up, then to measure."""
    for _ in range(2):
        took, calls, end = 0.0, 0, perf_counter() + SECONDS
        while perf_counter() < end:
            time, count = await work()
            took += time
            calls += count
    return took / calls * 1e6


def calls(count, call):
    """``count`` times the same call."""

    async def work():
        begun = perf_counter()
        for _ in range(count):
            call()
        return perf_counter() - begun, count

    return work


async def main():
    async with ChatEngine.in_memory() as engine:
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        room = (await engine.host().create_room(CreateRoom(key="job:42", participants=people))).id
        ann, ben = engine.session("ann"), engine.session("ben")

        async with engine.connection("ann", None) as connection:
            scalar = await micros(calls(1_000, connection.close_code))

        object_ = await micros(calls(1_000, lambda: engine.session("ann")))

        async def reads():
            begun = perf_counter()
            for _ in range(100):
                await ann.unread()
            return perf_counter() - begun, 100

        awaited = await micros(reads)

        async with ben.events() as events:
            await events.subscribe(room)

            async def batch():
                # What is sent is there when its call returns, and waits; taking it is what is measured.
                await asyncio.gather(*(ann.send(room, SendMessage(content="On my way")) for _ in range(BATCH)))
                begun, count, messages = perf_counter(), 0, 0
                while messages < BATCH:
                    messages += isinstance(await events.next(), Event.CHAT_MESSAGE)
                    count += 1
                return perf_counter() - begun, count

            event = await micros(batch)

    print(json.dumps({"scalar": scalar, "object": object_, "async": awaited, "event": event}))


asyncio.run(main())
