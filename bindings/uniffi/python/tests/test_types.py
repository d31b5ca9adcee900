"""What type checkers are told of the package: that it is so, and that they understand programs which use it."""

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
EXAMPLES = PACKAGE / "example"

# What the stub says otherwise on purpose.
ALLOWED = r"""
# At run time they are protocols as well, and say themselves that nobody makes one.
chat_engine\.(ChatEngine|Connection|Events|Question|Session)(\.__init__)?
# The field of the event lies over a method of all events.
chat_engine\.Event\.TYPING\.is_typing
# Nobody reads its types.
chat_engine\._generated\..*
"""

PROGRAM = """
from chat_engine import AddParticipant, Attempt, ChatEngine, ChatError, CreateRoom, Event, SendMessage, Verdict


async def permit(attempt: Attempt) -> bool | Verdict:
    return Verdict.DENY("closed") if attempt.room is None else True


async def main() -> str | None:
    async with await ChatEngine.open("chat.db", permit) as engine:
        room = await engine.host().create_room(CreateRoom(key="job:42", participants=[AddParticipant(user_id="ann")]))
        ann = engine.session("ann")
        async with ann.events() as events:
            await events.subscribe(room.id)
            try:
                reveal_type(await ann.send(room.id, SendMessage(content="On my way")))
            except ChatError as error:
                reveal_type(error.retry_after_ms if error.retryable else None)
            async for event in events:
                match event:
                    case Event.CHAT_MESSAGE(message=message):
                        return message.content
            reveal_type(await events.next())
        async with engine.connection("ann", "job:42") as connection:
            async for frame in connection.frames():
                reveal_type(frame)
    return None
"""

MISTAKES = {
    'CreateRoom(keey="job:42")': "call-arg",
    'SendMessage(content=b"bytes")': "arg-type",
    'ChatEngine.in_memory().session("ann").sent': "attr-defined",
    'ChatEngine.in_memory(permit=42)': "arg-type",
    'ChatEngine.in_memory().session("ann").events().subscribe("job:42")': "unused-coroutine",
    'Verdict.DENY()': "call-arg",
}


def mypy(*files: Path, cwd: Path) -> str:
    """What mypy says of programs that see the package as one that is installed."""
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--no-error-summary", "--check-untyped-defs"]
    environment = {**os.environ, "MYPYPATH": str(PACKAGE)}
    return subprocess.run([*command, *files], cwd=cwd, env=environment, capture_output=True, text=True).stdout


def test_the_stub_says_what_is_there(tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(ALLOWED)
    options = ["--allowlist", allowed, "--mypy-config-file", "pyproject.toml", "--ignore-missing-stub"]
    command = [sys.executable, "-m", "mypy.stubtest", "chat_engine", *options]
    said = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout


def test_a_program_is_understood(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    said = [line.split("note: ")[-1] for line in mypy("--strict", program, cwd=tmp_path).splitlines()]
    assert said == [
        'Revealed type is "chat_engine.Sent"',
        'Revealed type is "int | None"',
        'Revealed type is "chat_engine.Event | None"',
        'Revealed type is "str"',
    ]


def test_mistakes_are_found(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from chat_engine import ChatEngine, CreateRoom, SendMessage, Verdict\n" + "\n".join(MISTAKES))
    said = mypy(program, cwd=tmp_path).splitlines()
    found = [line.rsplit("[", 1)[-1].rstrip("]") for line in said if ": error: " in line]
    assert found == list(MISTAKES.values()), said


def test_the_examples_pass():
    examples = [file for file in EXAMPLES.glob("*.py") if not file.name.startswith("test_")]
    assert len(examples) >= 4 and mypy(*examples, cwd=EXAMPLES) == ""
