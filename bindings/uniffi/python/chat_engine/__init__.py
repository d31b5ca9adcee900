"""A chat engine inside your process.

    async with await ChatEngine.open("chat.db") as engine:
        room = await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
        await engine.session("ann").send(room.id, SendMessage(content="On my way"))

        async with engine.session("ann").events() as events:
            await events.subscribe("job:42")
            async for event in events:
                match event:
                    case Event.CHAT_MESSAGE(message=message):
                        print(message.content)

Calls are coroutines; cancelling one leaves the room unchanged or fully changed. What fails raises ``ChatError`` with
``code``, ``retry``, ``retry_after_ms`` and ``details``.
"""

from __future__ import annotations

import asyncio as _asyncio
import atexit as _atexit
from collections.abc import Awaitable as _Awaitable
from collections.abc import Callable as _Callable

from . import _generated as _native
from ._generated import (
    AddParticipant,
    Attachment,
    Attempt,
    ChatEngine,
    ChatError,
    Connection,
    CreateRoom,
    EditMessage,
    ErrorCode,
    ErrorDetails,
    Event,
    Events,
    Field,
    History,
    HookFailed,
    HistoryMode,
    Level,
    Marker,
    Markers,
    Message,
    MessagePage,
    MessageType,
    My,
    Opened,
    OpenRoom,
    Paging,
    Participant,
    ParticipantPage,
    PermissionHook,
    Question,
    ResyncReason,
    Retry,
    Role,
    Room,
    RoomInfo,
    RoomKind,
    RoomPage,
    RoomState,
    SendMessage,
    Sent,
    Session,
    Snapshot,
    UpdateMe,
    UpdateParticipant,
    UpdateRoom,
    Verdict,
)

# A thread of the engine that came back into an interpreter which is ending would take the process down with it.
_atexit.register(_native.leave)

__all__ = [name for name in dir() if not name.startswith("_") and name != "annotations"]


# The generated classes, with what Python expects of them. They are the same classes, so everything that grows in the
# engine is here at once.


def _say(error: ChatError) -> str:
    return error.reason


def _retryable(error: ChatError) -> bool:
    """Whether the same call can succeed later."""
    return error.retry == Retry.LATER


ChatError.__str__ = _say
ChatError.retryable = property(_retryable)


async def _enter(self):
    return self


async def _exit_engine(engine: ChatEngine, *_) -> None:
    await engine.shut_down()


class _Permit(PermissionHook):
    """A permission hook that is a coroutine, on the loop that opened the engine."""

    def __init__(self, permit: _Callable[[Attempt], _Awaitable[bool | Verdict]]):
        if not callable(permit):
            raise TypeError("`permit` must be a coroutine function")
        self._permit = permit
        self._loop = _asyncio.get_running_loop()
        # The loop itself holds tasks only weakly.
        self._tasks: set[_asyncio.Task] = set()

    def ask(self, question: Question) -> None:
        self._loop.call_soon_threadsafe(self._begin, question)

    def _begin(self, question: Question) -> None:
        task = self._loop.create_task(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: Question) -> None:
        verdict = None
        try:
            verdict = await self._permit(question.attempt())
        except Exception as error:
            # Whoever raised has not said yes. The caller hears only that there was no answer.
            self._loop.call_exception_handler({"message": "the permission hook raised", "exception": error})
        finally:
            if isinstance(verdict, bool):
                verdict = Verdict.ALLOW() if verdict else Verdict.DENY("the application says no")
            question.answer(verdict if isinstance(verdict, Verdict) else None)


_open, _in_memory = ChatEngine.open, ChatEngine.in_memory


async def _open_with(path: str, permit: _Callable[[Attempt], _Awaitable[bool | Verdict]] | None = None) -> ChatEngine:
    """Opens the file at ``path``, or makes it. One process has it open at a time.

    ``permit`` is a coroutine function that is asked before each command of a user, on the loop that calls this; not for
    those of the host, nor for reading and typing. It returns ``True``, ``False`` or ``Verdict.DENY(reason)``. It only
    forbids: what the engine's own rules refuse stays refused. Without a clear answer, because it raises, returns something
    else or takes over 2 s, the command fails with ``busy``; what it raises goes to the loop's exception handler.
    """
    return await _open(path, None if permit is None else _Permit(permit))


def _in_memory_with(permit: _Callable[[Attempt], _Awaitable[bool | Verdict]] | None = None) -> ChatEngine:
    """An engine that keeps everything in memory, for trials and tests; ``permit`` as in ``open``."""
    return _in_memory(None if permit is None else _Permit(permit))


ChatEngine.open, ChatEngine.in_memory = staticmethod(_open_with), staticmethod(_in_memory_with)
ChatEngine.__aenter__, ChatEngine.__aexit__ = _enter, _exit_engine
ChatEngine.close = ChatEngine.shut_down


_subscribe = Events.subscribe


async def _subscribe_to(self: Events, *rooms: str | OpenRoom) -> list[Opened]:
    """Opens rooms, each by its id or key from scratch, or as an ``OpenRoom`` from a cursor."""
    return await _subscribe(self, [OpenRoom(room=room) if isinstance(room, str) else room for room in rooms])


# How many are taken before others have their turn: what is ready is taken without waiting.
_TURN = 64


async def _next(self: Events | Connection):
    """The next of what comes, or ``None`` at the end. Giving up waiting loses nothing."""
    self._turn = (getattr(self, "_turn", 0) + 1) % _TURN
    if self._turn == 0:
        await _asyncio.sleep(0)
    while (taken := self.take()) is None:
        if not await self.ready():
            return None
    return taken


async def _next_event(events: Events) -> Event:
    event = await events.next()
    if event is None:
        raise StopAsyncIteration
    return event


async def _exit_stoppable(stoppable: Events | Connection, *_) -> None:
    stoppable.stop()


Events.subscribe = _subscribe_to
Events.next = Connection.next_frames = _next
Events.__aiter__, Events.__anext__ = (lambda events: events), _next_event
Events.__aenter__, Events.__aexit__ = _enter, _exit_stoppable
Events.close = Events.stop


async def _frames(self: Connection):
    """The frames to send, pulled: while a slow socket takes one, no others are made."""
    while (frames := await self.next_frames()) is not None:
        for frame in frames:
            yield frame


_receive = Connection.receive


def _receive_frame(self: Connection, frame: str | bytes) -> None:
    """Takes a frame from the peer; a binary one is answered with an error. Returns at once; after the end it does nothing."""
    if isinstance(frame, str):
        _receive(self, frame)
    else:
        self.receive_binary(frame)


Connection.receive = _receive_frame
Connection.frames = _frames
Connection.__aenter__, Connection.__aexit__ = _enter, _exit_stoppable
Connection.close = Connection.stop
