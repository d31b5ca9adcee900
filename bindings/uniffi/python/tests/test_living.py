"""Errors, events, cancellation and ends, as a Python program meets them."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import textwrap
from datetime import datetime, timezone

import chat_engine as chat
import pytest
from chat_engine import (
    AddParticipant,
    ChatEngine,
    ChatError,
    CreateRoom,
    ErrorCode,
    Event,
    Field,
    History,
    OpenRoom,
    SendMessage,
    UpdateParticipant,
)


def run(test):
    """A test that is a coroutine, with an engine and the room `job:42` of ann and ben."""

    def wrapped(*_):
        async def played():
            people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
            async with asyncio.timeout(120), ChatEngine.in_memory() as engine:
                room = await engine.host().create_room(CreateRoom(key="job:42", participants=people))
                await test(engine, room.id)

        asyncio.run(played())

    wrapped.__name__ = test.__name__
    return wrapped


@contextlib.contextmanager
def fails(code, said=""):
    with pytest.raises(ChatError) as raised:
        yield
    assert raised.value.code == code, str(raised.value)
    assert said in str(raised.value)
    assert "geheim" not in str(raised.value)


@run
async def test_wrong_arguments_are_refused_and_named(engine, room):
    ann = engine.session("ann")
    invalid = ErrorCode.INVALID_ARGUMENT
    with fails(invalid, "`client_id`"):
        await ann.send(room, SendMessage(content="x", client_id="a\0geheim"))
    with fails(invalid, "`read_seq`"):
        await ann.send(room, SendMessage(content="x", read_seq=-1))
    with fails(invalid, "`seq`"):
        await ann.mark_read(room, 2**53)
    with fails(invalid, "`message_id`"):
        await ann.message("geheim")
    with fails(invalid, "`key`"):
        await ann.room("no room")
    with fails(invalid, "`cursor`"):
        await ann.events().subscribe(OpenRoom(room=room, cursor="geheim"))
    with fails(invalid, "`user_id`"):
        engine.session("")
    with fails(invalid, "`user_id`"):
        engine.connection("a\nb", None)
    with fails(ErrorCode.TOO_LARGE, "`metadata`"):
        await ann.send(room, SendMessage(content="x", metadata={"huge": "x" * 9_000}))
    with fails(invalid, "`clear`"):
        await engine.host().update_participant(room, UpdateParticipant(user_id="ann", clear=[Field.TOPIC]))
    for wrong in [
        lambda: ann.send(room, SendMessage(content=5)),
        lambda: ann.send(room, "geheim"),
        lambda: ann.send(5, SendMessage(content="x")),
        lambda: ann.send(room, SendMessage(content="\ud800")),
        lambda: ann.mark_read(room, 2**64),
        lambda: ann.mark_read(room, 1.5),
        lambda: ann.mark_read(room, None),
    ]:
        # What is no text, or no integer, Python's own errors say, before the engine hears of it.
        with pytest.raises((TypeError, ValueError, AttributeError)):
            await wrong()
    assert (await ann.history(room)).results == []


@run
async def test_dates_and_json_are_pythons_own(engine, room):
    host = engine.host()
    until = datetime(2099, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    muted = await host.update_participant(room, UpdateParticipant(user_id="ann", muted_until=until))
    assert muted.muted_until == until
    freed = await host.update_participant(room, UpdateParticipant(user_id="ann", clear=[Field.MUTED_UNTIL]))
    assert freed.muted_until is None
    sent = await host.send(room, SendMessage(content="x", sender="ann", metadata={"deep": [1, None, "é"]}))
    assert sent.message.metadata == {"deep": [1, None, "é"]}
    assert (datetime.now(timezone.utc) - sent.message.created_at).total_seconds() < 60


@run
async def test_an_error_says_whether_to_retry(engine, room):
    await engine.close()
    with pytest.raises(ChatError) as raised:
        await engine.session("ann").send(room, SendMessage(content="x"))
    assert raised.value.code == ErrorCode.DRAINING
    assert raised.value.retryable and raised.value.retry_after_ms == 1_000
    assert [event async for event in engine.session("ann").events()] == []


@run
async def test_events_come_once_and_in_order_and_rooms_open_meanwhile(engine, room):
    ann = engine.session("ann")
    other = await engine.host().create_room(CreateRoom(participants=[AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]))
    async with engine.session("ben").events() as events:
        await events.subscribe(room)

        async def read():
            seqs = []
            async for event in events:
                match event:
                    case Event.CHAT_MESSAGE(room=there) if there == other.id:
                        return seqs
                    case Event.CHAT_MESSAGE(message=message):
                        seqs.append(message.seq)

        reading = asyncio.create_task(read())
        sends = [ann.send(room, SendMessage(content=str(n))) for n in range(300)]
        await asyncio.gather(events.subscribe(OpenRoom(room=other.id)), *sends)
        await ann.send(other.id, SendMessage(content="last"))
        assert await reading == list(range(1, 301))


@run
async def test_a_room_is_closed_by_its_key(engine, room):
    async with engine.session("ben").events() as events:
        await events.subscribe("job:42")
        await events.unsubscribe("job:42")
        await engine.session("ann").send(room, SendMessage(content="unheard"))
        [opened] = await events.subscribe("job:42")
        assert [message.content for message in opened.snapshot.messages] == ["unheard"]
        await engine.session("ann").send(room, SendMessage(content="heard"))
        async for event in events:
            if isinstance(event, Event.CHAT_MESSAGE):
                assert event.message.content == "heard"
                break


@run
async def test_giving_up_waiting_loses_nothing(engine, room):
    events = engine.session("ben").events()
    await events.subscribe(room)
    assert isinstance(await events.next(), Event.USER_JOINED)
    for n in range(50):
        waiting = asyncio.create_task(events.next())
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    sending = [asyncio.create_task(engine.session("ann").send(room, SendMessage(content=f"{n}", client_id=f"{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    # What was cancelled happened or did not; repeated under its name it has happened once.
    for n in range(50):
        await engine.session("ann").send(room, SendMessage(content=f"{n}", client_id=f"{n}"))
    assert (await engine.session("ann").room(room)).last_seq == 50
    seqs = []
    while len(seqs) < 50:
        event = await events.next()
        seqs.append(event.message.seq)
    assert seqs == list(range(1, 51))
    waiting = asyncio.create_task(events.next())
    await asyncio.sleep(0)
    events.close()
    assert await waiting is None


@run
async def test_giving_up_when_an_event_is_on_its_way_loses_nothing(engine, room):
    ann, events = engine.session("ann"), engine.session("ben").events()
    await events.subscribe(room)
    assert isinstance(await events.next(), Event.USER_JOINED)
    seqs = []
    for n in range(400):
        waiting = asyncio.create_task(events.next())
        await asyncio.sleep(0)
        sending = asyncio.create_task(ann.send(room, SendMessage(content=f"{n}")))
        # Given up at any turn of the loop: before the event is there, when it was taken and is on its way, or after.
        for _ in range(n % 100):
            await asyncio.sleep(0)
        waiting.cancel()
        try:
            seqs.append((await waiting).message.seq)
        except asyncio.CancelledError:
            pass
        await sending
    while len(seqs) < 400:
        seqs.append((await asyncio.wait_for(events.next(), 30)).message.seq)
    assert seqs == list(range(1, 401))


@run
async def test_a_connection_is_carried_over_any_socket(engine, room):
    async with engine.connection("ben", "job:42") as conn:
        frames = conn.frames()
        assert json.loads(await anext(frames))["type"] == "ready"
        conn.receive('{"action":"send_message","ref":1,"content":"hi"}')
        types = {json.loads(await anext(frames))["type"] for _ in range(3)}
        assert types == {"user_joined", "chat_message", "reply"}
        await engine.host().remove_participant(room, "ben")
        last = [json.loads(frame)["type"] async for frame in frames]
        assert last[-1] == "closing"
        assert conn.close_code() == 3501
    assert (await engine.session("ann").unread()) == 1


@run
async def test_what_is_no_text_is_answered_and_what_is_too_large_ends_a_connection(engine, room):
    async with engine.connection("ben", None) as conn:
        conn.receive(b"{}")
        conn.receive('{"action":"ping","ref":1}')
        frames = conn.frames()
        said = [json.loads(await anext(frames)) for _ in range(3)]
        assert [frame["type"] for frame in said] == ["ready", "error", "reply"]
        assert said[1]["code"] == "invalid_argument"
    for large in ["x" * (128 * 1024 + 1), b"x" * (128 * 1024 + 1)]:
        async with engine.connection("ben", None) as conn:
            conn.receive(large)
            assert [frame async for frame in conn.frames()] is not None
            assert conn.close_code() == 1009


@run
async def test_how_a_user_is_shown_whoever_lets_them_in_says(engine, room):
    await engine.session("ann", name="Ann", avatar="/ann.png").events().subscribe(room)
    async with engine.connection("ben", "job:42", name="Ben") as conn:
        await conn.next_frames()
        people = (await engine.host().participants(room)).results
        assert [(one.name, one.avatar) for one in people] == [("Ann", "/ann.png"), ("Ben", None)]


@run
async def test_calls_may_come_from_many_threads(engine, room):
    def work(n):
        async def send():
            for k in range(20):
                await engine.session("ann").send(room, SendMessage(content=f"{n}.{k}"))

        asyncio.run(send())

    await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(8)))
    assert (await engine.session("ben").unread()) == 160


@run
async def test_an_engine_closed_with_calls_in_flight_settles_each(engine, room):
    calls = [engine.session("ann").send(room, SendMessage(content=str(n))) for n in range(200)]
    results, _ = await asyncio.gather(asyncio.gather(*calls, return_exceptions=True), engine.close())
    assert len(results) == 200
    for failed in (result for result in results if isinstance(result, Exception)):
        assert failed.code == ErrorCode.DRAINING


def test_a_file_is_opened_once_at_a_time(tmp_path):
    async def played():
        path = str(tmp_path / "chat.db")
        async with await ChatEngine.open(path) as engine:
            await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
            await engine.session("ann").send("job:42", SendMessage(content="kept"))
            with fails(ErrorCode.STORAGE_UNAVAILABLE, "already in use"):
                await ChatEngine.open(path)
        async with await ChatEngine.open(path) as again:
            page = await again.session("ann").history("job:42", History(limit=1))
            assert page.results[0].content == "kept"
        (tmp_path / "notes").write_text("dear diary " * 500)
        with fails(ErrorCode.INVALID_ARGUMENT, "`path`"):
            await ChatEngine.open(str(tmp_path / "notes"))

    asyncio.run(played())


def test_a_close_that_is_given_up_goes_on(tmp_path):
    async def played():
        path = str(tmp_path / "chat.db")
        engine = await ChatEngine.open(path)
        waiting = asyncio.create_task(engine.host().events().next())
        # Given up as soon as it is begun.
        closing = engine.close()
        closing.send(None)
        closing.close()
        async with asyncio.timeout(60):
            assert await waiting is None
            while True:
                with contextlib.suppress(ChatError):
                    await (await ChatEngine.open(path)).close()
                    return

    asyncio.run(played())


def test_suspended_it_lets_go_of_the_file_and_resumed_it_has_what_others_wrote_meanwhile(tmp_path):
    async def played():
        path = str(tmp_path / "chat.db")
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        async with asyncio.timeout(120), await ChatEngine.open(path) as engine:
            room = await engine.host().create_room(CreateRoom(key="job:42", participants=people))
            events = engine.session("ann").events()
            [opened] = await events.subscribe(room.id)
            await engine.suspend()
            await engine.suspend()
            with fails(ErrorCode.SUSPENDED):
                await engine.session("ann").send(room.id, SendMessage(content="x"))
            async with await ChatEngine.open(path) as other:
                await other.session("ben").send(room.id, SendMessage(content="from elsewhere"))
                with fails(ErrorCode.STORAGE_UNAVAILABLE, "already in use"):
                    await engine.resume()
            await asyncio.gather(engine.resume(), engine.resume())
            async for event in events:
                if isinstance(event, Event.RESYNC):
                    break
            # Giving up on it takes nothing back.
            giving_up = asyncio.create_task(engine.suspend())
            await asyncio.sleep(0)
            giving_up.cancel()
            await engine.resume()
            [opened] = await engine.session("ann").events().subscribe(OpenRoom(room=room.id, cursor=opened.cursor))
            assert [change.message.content for change in opened.changes] == ["from elsewhere"]
            assert (await engine.session("ann").send(room.id, SendMessage(content="on we go"))).message.seq == 2
        with fails(ErrorCode.DRAINING):
            await engine.suspend()
        with fails(ErrorCode.DRAINING):
            await engine.resume()

    asyncio.run(played())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_of_a_program_with_an_engine_is_told_so_and_ends():
    program = """
        import asyncio, os, sys
        from chat_engine import *
        async def opened():
            return ChatEngine.in_memory()
        async def use(engine):
            for call in [lambda: engine.host().rooms(), lambda: engine.close(), opened]:
                try:
                    await call()
                except ChatError as error:
                    print(error.code.name, "fork" in error.reason, flush=True)
            print(await engine.host().events().next(), flush=True)
        engine = asyncio.run(opened())
        child = os.fork()
        if child == 0:
            asyncio.run(use(engine))
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(len(asyncio.run(engine.host().rooms()).results))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["STORAGE_UNAVAILABLE True"] * 3 + ["None", "0", "0"], done.stderr
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("end", ["await engine.close()", "pass", "sys.exit(0)"])
def test_a_program_ends_by_itself(end):
    program = f"""
        import asyncio, sys
        from chat_engine import *
        async def main():
            engine = ChatEngine.in_memory()
            await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
            events = engine.session("ann").events()
            await events.subscribe("job:42")
            listening = asyncio.create_task(events.next())
            listening = asyncio.create_task(events.next())
            await engine.session("ann").send("job:42", SendMessage(content="hi"))
            {end}
        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_everything_public_is_exported():
    # The protocols are for fakes in tests of one's own, `Impl` is for hooks written in Rust; `_generated` has them.
    generated = {name for name in chat._native.__all__ if not name.endswith(("Protocol", "Impl"))}
    # `leave` is called by itself, when the interpreter ends.
    assert generated - set(chat.__all__) == {"InternalError", "leave"}
