"""The application's permission hook, as a coroutine."""

import asyncio
import gc
import subprocess
import sys
import textwrap
import weakref

import pytest
from chat_engine import (
    AddParticipant,
    ChatEngine,
    ChatError,
    CreateRoom,
    ErrorCode,
    PermissionHook,
    SendMessage,
    Verdict,
)


def played(permit, test):
    """Runs a test with an engine that has the hook, and the room `job:42` of ann and ben."""

    async def play():
        people = [AddParticipant(user_id="ann"), AddParticipant(user_id="ben")]
        async with asyncio.timeout(120), ChatEngine.in_memory(permit) as engine:
            await engine.host().create_room(CreateRoom(key="job:42", participants=people))
            await test(engine)
            return [message.content for message in (await engine.host().history("job:42")).results]

    return asyncio.run(play())


async def refused(code, call):
    with pytest.raises(ChatError) as raised:
        await call
    assert raised.value.code == code, str(raised.value)
    return raised.value


def test_it_is_asked_about_the_commands_of_users_and_what_it_says_holds():
    asked = []

    async def permit(attempt):
        asked.append(attempt)
        await asyncio.sleep(0)
        content = attempt.command.get("content")
        return {"no": False, "why": Verdict.DENY("the job is over")}.get(content, True)

    async def test(engine):
        ann = engine.session("ann")
        await ann.send("job:42", SendMessage(content="yes", metadata={"deep": [1, None]}))
        assert (asked[0].user, asked[0].action, asked[0].room.key) == ("ann", "send_message", "job:42")
        assert asked[0].command["metadata"] == {"deep": [1, None]}
        await ann.create_room(CreateRoom())
        assert (asked[1].action, asked[1].room) == ("create_room", None)
        assert str(await refused(ErrorCode.FORBIDDEN, ann.send("job:42", SendMessage(content="no")))) == "not allowed: the application says no"
        assert str(await refused(ErrorCode.FORBIDDEN, ann.send("job:42", SendMessage(content="why")))) == "not allowed: the job is over"
        await refused(ErrorCode.NOT_FOUND, engine.session("eve").send("job:42", SendMessage(content="why")))
        assert len(asked) == 4

    assert played(permit, test) == ["yes"]


def test_one_that_raises_says_something_else_or_nothing_in_time_forbids_for_now():
    async def permit(attempt):
        match attempt.command.get("content"):
            case "raise":
                raise RuntimeError("the database is away")
            case "cancel":
                raise asyncio.CancelledError
            case "never":
                await asyncio.Event().wait()
            case "none":
                return None
            case "text":
                return "True"
            case "number":
                return 1
        return True

    async def test(engine):
        ann = engine.session("ann")
        wrong = ["raise", "cancel", "never", "none", "text", "number"]
        sends = [refused(ErrorCode.BUSY, ann.send("job:42", SendMessage(content=content))) for content in wrong]
        errors = await asyncio.gather(*sends)
        assert all(error.retryable and error.retry_after_ms == 1_000 for error in errors)
        await ann.send("job:42", SendMessage(content="it goes on"))

    assert played(permit, test) == ["it goes on"]


def test_what_is_no_coroutine_function_forbids_for_now():
    async def test(engine):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        await refused(ErrorCode.BUSY, engine.session("ann").send("job:42", SendMessage(content="x")))

    assert played(lambda attempt: True, test) == []


def test_what_cannot_be_called_is_refused(tmp_path):
    async def test():
        for permit in [True, False, "allow", 0]:
            with pytest.raises(TypeError, match="`permit`"):
                ChatEngine.in_memory(permit)
            with pytest.raises(TypeError, match="`permit`"):
                await ChatEngine.open(str(tmp_path / "chat.db"), permit)

    asyncio.run(test())


def test_what_one_raises_its_loop_is_told():
    raised, told = RuntimeError("the database is away"), []

    async def permit(attempt):
        raise raised

    async def test(engine):
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        await refused(ErrorCode.BUSY, engine.session("ann").send("job:42", SendMessage(content="x")))

    assert played(permit, test) == []
    assert told == [raised]


def test_a_hook_of_ones_own_kind_may_fail_or_lose_its_question():
    class Raises(PermissionHook):
        def ask(self, question):
            raise RuntimeError("the database is away")

    class Loses(PermissionHook):
        def ask(self, question):
            pass

    async def test(hook):
        from chat_engine import _in_memory

        async with asyncio.timeout(120), _in_memory(hook) as engine:
            await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
            await refused(ErrorCode.BUSY, engine.session("ann").send("job:42", SendMessage(content="x")))

    for hook in [Raises(), Loses()]:
        asyncio.run(test(hook))


def test_a_loop_that_is_gone_answers_nothing():
    async def permit(attempt):
        return True

    async def open_one():
        engine = ChatEngine.in_memory(permit)
        await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
        return engine

    engine = asyncio.run(open_one())
    asyncio.run(refused(ErrorCode.BUSY, engine.session("ann").send("job:42", SendMessage(content="x"))))
    asyncio.run(engine.close())


def test_closing_lets_go_of_it():
    class Permit:
        async def __call__(self, attempt):
            return True

    async def test():
        permit = Permit()
        kept = weakref.ref(permit)
        engine = ChatEngine.in_memory(permit)
        await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
        ann = engine.session("ann")
        await ann.send("job:42", SendMessage(content="x"))
        del permit
        await engine.close()
        gc.collect()
        assert kept() is None
        await refused(ErrorCode.DRAINING, ann.send("job:42", SendMessage(content="x")))

    asyncio.run(test())


@pytest.mark.parametrize("end", ["await engine.close()", "pass", "sys.exit(0)"])
def test_a_program_ends_by_itself_while_its_hook_is_asked(end):
    program = f"""
        import asyncio, sys
        from chat_engine import *
        async def main():
            asked = asyncio.Event()
            async def permit(attempt):
                asked.set()
                await asyncio.Event().wait()
            engine = ChatEngine.in_memory(permit)
            await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
            sending = asyncio.create_task(engine.session("ann").send("job:42", SendMessage(content="hi")))
            await asked.wait()
            {end}
        asyncio.run(main())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
