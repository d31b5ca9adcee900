"""Opening and closing, and many events, leave memory flat.

CHAT_MEMORY_ROUNDS and CHAT_MEMORY_EVENTS make it longer.
"""

import os
import subprocess
import sys
import textwrap

import pytest

ROUNDS = int(os.environ.get("CHAT_MEMORY_ROUNDS", 300))
EVENTS = int(os.environ.get("CHAT_MEMORY_EVENTS", 10_000))
# MiB. Only what is lost each time grows with the counts, and these do not.
ROOM_TO_GROW = 32


def grown(program: str, count: int, *args: object) -> float:
    """The MiB that a program of its own has grown by, between its warming up and its end."""
    source = textwrap.dedent(SHARED) + textwrap.dedent(program)
    command = [sys.executable, "-c", source, str(count), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300 + count / 10)
    assert done.returncode == 0, done.stderr
    before, after = (int(kib) / 1024 for kib in done.stdout.split())
    print(f"{count} times: {before:.1f} MiB before, {after:.1f} after")
    return after - before


SHARED = """
    import asyncio, gc, sys
    from chat_engine import *

    def measure():
        gc.collect()
        with open("/proc/self/status") as status:
            print(next(line.split()[1] for line in status if line.startswith("VmRSS:")))

    async def room_of(engine):
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        return await engine.host().create_room(CreateRoom(key="job:42", participants=people))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_opening_and_closing_leaves_memory_flat(tmp_path):
    program = """
        count, path = int(sys.argv[1]), sys.argv[2]

        async def rounds(count):
            for n in range(count):
                async with await ChatEngine.open(path) as engine:
                    room = await room_of(engine)
                    events = engine.session("ann").events()
                    await events.subscribe(room.id)
                    if n % 2:
                        events.close()

        async def main():
            await rounds(200)
            measure()
            await rounds(count)
            measure()

        asyncio.run(main())
    """
    assert grown(program, ROUNDS, tmp_path / "chat.db") < ROOM_TO_GROW


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_events_leave_memory_flat():
    # An edit replaces what was there. It is told to those who have the room open, and each time is waited for.
    program = """
        async def main():
            async with ChatEngine.in_memory() as engine:
                room = await room_of(engine)
                ann = engine.session("ann")
                events = ann.events()
                await events.subscribe(room.id)

                message = (await ann.send(room.id, SendMessage(content="hi"))).message

                async def edits(count):
                    for n in range(count):
                        await ann.edit(EditMessage(message_id=message.id, content=str(n)))
                        while not isinstance(await events.next(), Event.MESSAGE_EDITED):
                            pass

                await edits(2_000)
                measure()
                await edits(int(sys.argv[1]))
                measure()

        asyncio.run(main())
    """
    assert grown(program, EVENTS) < ROOM_TO_GROW
