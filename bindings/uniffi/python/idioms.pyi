# What `__init__.py` makes of the generated classes; `stub.py` puts it where type checkers look.
import datetime
import enum
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

_Ask = Callable[[Attempt], Awaitable[bool | Verdict]]

class ChatError(Exception):
    code: ErrorCode
    reason: str
    retry: Retry
    retry_after_ms: int | None
    details: ErrorDetails
    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed later."""

class HookFailed(Exception): ...

class ChatEngine:
    @staticmethod
    async def open(path: str, permit: _Ask | None = ...) -> ChatEngine:
        """Opens the file at ``path``, or makes it. One process has it open at a time.

        ``permit`` is a coroutine function that is asked before each command of a user, on the loop that calls this; not
        for those of the host, nor for reading and typing. It returns ``True``, ``False`` or ``Verdict.DENY(reason)``.
        """
    @staticmethod
    def in_memory(permit: _Ask | None = ...) -> ChatEngine:
        """An engine that keeps everything in memory, for trials and tests; ``permit`` as in ``open``."""
    async def close(self) -> None:
        """Finishes what was accepted, ends every subscription and lets go of the file."""
    async def __aenter__(self) -> ChatEngine: ...
    async def __aexit__(self, *_: object) -> None: ...

class Events:
    async def subscribe(self, *rooms: str | OpenRoom) -> list[Opened]:
        """Opens rooms, each by its id or key from scratch, or as an ``OpenRoom`` from a cursor."""
    async def next(self) -> Event | None:
        """The next of what comes, or ``None`` at the end. Giving up waiting loses nothing."""
    def close(self) -> None:
        """Ends it and closes its rooms."""
    def __aiter__(self) -> AsyncIterator[Event]: ...
    async def __anext__(self) -> Event: ...
    async def __aenter__(self) -> Events: ...
    async def __aexit__(self, *_: object) -> None: ...

class Connection:
    async def next_frames(self) -> list[str] | None:
        """The next of what comes, or ``None`` at the end. Giving up waiting loses nothing."""
    def frames(self) -> AsyncIterator[list[str]]: ...
    def close(self) -> None:
        """Ends it."""
    async def __aenter__(self) -> Connection: ...
    async def __aexit__(self, *_: object) -> None: ...
