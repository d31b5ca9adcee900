"""Runs the cases of the Autobahn test suite (PyPI: autobahntestsuite) against a WebSocket server that sends back what
it gets.

The suite is for Python 2 and Twisted. Here its case files are translated while they are loaded, and a small client of
RFC 6455 stands in for the one that they were written for. Strings of Python 2 are bytes; so a case's string is read as
Latin-1, one character for a byte, and turned into bytes where it is sent.

usage: python3 -W ignore run.py FOLDER-OF-THE-CASES HOST PORT PATH
"""

import asyncio
import base64
import binascii
import codecs
import collections
import hashlib
import os
import re
import struct
import sys
import time
import types
from lib2to3 import refactor

ONE_BYTE = "latin-1"
AT_ONCE = 8
PATIENCE_S = 60
# How long the server has to close the connection after both have said close.
CLOSE_S = 2

# 12 and 13 are about compression, which is not offered; 9.9 is of an older draft.
LEFT_OUT = re.compile(r"case(12|13|9_9|8|0)")

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def to_bytes(text):
    return text if isinstance(text, (bytes, bytearray)) else text.encode(ONE_BYTE)


def to_text(data):
    return data if isinstance(data, str) else bytes(data).decode(ONE_BYTE)


# ---- what the cases import --------------------------------------------------------------------------------------


class WebSocketProtocol:
    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_GOING_AWAY = 1001
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_UNSUPPORTED_DATA = 1003
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007


class Utf8Validator:
    def __init__(self):
        self.reset()

    def reset(self):
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def validate(self, data):
        try:
            self.decoder.decode(to_bytes(data))
        except UnicodeDecodeError:
            return (False, False, 0, 0)
        return (True, not self.decoder.getstate()[0], 0, 0)


def stand_in(name, **content):
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
    return module


stand_in("autobahn")
stand_in("autobahn.websocket")
stand_in("autobahn.websocket.protocol", WebSocketProtocol=WebSocketProtocol)
stand_in("autobahn.websocket.utf8validator", Utf8Validator=Utf8Validator)
hexadecimal = types.SimpleNamespace(b2a_hex=lambda data: binascii.b2a_hex(to_bytes(data)).decode())


# ---- loading the cases ------------------------------------------------------------------------------------------


class Suite:
    """The case files of a folder, each translated and loaded once."""

    def __init__(self, folder):
        self.folder = folder
        self.modules = {}
        wanted = refactor.get_fixers_from_package("lib2to3.fixes")
        unwanted = ("fix_import", "fix_unicode", "fix_future")
        self.translator = refactor.RefactoringTool([name for name in wanted if not name.endswith(unwanted)])

    def source(self, name):
        with open(os.path.join(self.folder, name + ".py"), "rb") as file:
            text = file.read().decode(ONE_BYTE).replace("\r\n", "\n")
        text = re.sub(r"^#.*coding[:=].*$", "", text, flags=re.M).expandtabs(4)
        text = str(self.translator.refactor_string(text.rstrip() + "\n", name))
        # What was encoded stays a string of one character for a byte.
        encode = r'.encode("utf-8","surrogatepass").decode("latin-1")'
        text = re.sub(r"""\.encode\((["'])utf-?8\1\)""", encode, text, flags=re.I)
        text = text.replace("(object, Case, )", "(Case, )")
        return text.replace("len(self.payload) / self.p", "len(self.payload) // self.p")

    def load(self, name):
        if name in self.modules:
            return self.modules[name]
        module = self.modules[name] = types.ModuleType("cases." + name)
        module.__dict__["_hexadecimal"] = hexadecimal
        lines = []
        for line in self.source(name).split("\n"):
            other = re.match(r"^from (case\w*) import (.*)$", line)
            if other:
                given = vars(self.load(other[1]))
                names = given if other[2].strip() == "*" else [name.strip() for name in other[2].split(",")]
                module.__dict__.update({name: given[name] for name in names if not name.startswith("__")})
                line = ""
            lines.append(re.sub(r"^import binascii\s*$", "binascii = _hexadecimal", line))
        exec(compile("\n".join(lines), name, "exec"), module.__dict__)
        return module

    def cases(self):
        """Every case by its number."""
        found = {}
        files = sorted(file[:-3] for file in os.listdir(self.folder) if file.endswith(".py"))
        for name in files:
            if not name.startswith("case") or name == "case" or LEFT_OUT.match(name):
                continue
            for value in list(vars(self.load(name)).values()):
                # Some files make their cases in a loop, and keep them in a list.
                for case in value if isinstance(value, list) else [value]:
                    if isinstance(case, type) and re.match(r"Case\d+(_\d+)+$", case.__name__):
                        found[tuple(int(part) for part in case.__name__[4:].split("_"))] = case
        return sorted(found.items())


# ---- the client -------------------------------------------------------------------------------------------------


def comparable(events):
    def plain(part):
        return to_text(part) if isinstance(part, (bytes, bytearray)) else part

    return [tuple(plain(part) for part in event) for event in events]


class Client(WebSocketProtocol):
    """One connection, as the cases expect to find it: they call the methods with names of the original."""

    def __init__(self, host, port, path):
        self.host, self.port, self.path = host, port, path
        self.state = self.STATE_CONNECTING
        self.factory = types.SimpleNamespace(isServer=False)
        self.autoFragmentSize = 0
        self.createWirelog = True
        self.txFrameStats, self.rxFrameStats = collections.Counter(), collections.Counter()
        self.trafficStats = None
        self.connectionWasOpen = self.wasClean = False
        self.closedByMe = self.failedByMe = self.droppedByMe = False
        self.remoteCloseCode = self.remoteCloseReason = self.localCloseCode = self.localCloseReason = None
        self.closeSent = False
        self.queue = asyncio.Queue()
        self.timers = []

    # What the cases call.

    def enableWirelog(self, enabled):
        pass

    def continueLater(self, delay, act, tag=None):
        self.later(delay, lambda: act() if self.state != self.STATE_CLOSED else None)

    def killAfter(self, delay):
        self.continueLater(delay, self.failConnection)

    def closeAfter(self, delay):
        self.continueLater(delay, self.sendClose)

    def failConnection(self):
        self.failedByMe = self.droppedByMe = True
        self.writer.transport.abort()

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None, chopsize=None, sync=False):
        data = to_bytes(payload)
        self.txFrameStats[opcode] += 1
        if payload_len is not None and data:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        key = to_bytes(mask) if mask else os.urandom(4)
        first = (0x80 if fin else 0) | (rsv & 7) << 4 | opcode & 15
        self.put(head(first, len(data)) + key + masked(data, key), chopsize)

    def beginMessage(self, isBinary=False):
        self.streamed = BINARY if isBinary else TEXT

    def beginMessageFrame(self, length):
        self.key, self.offset = os.urandom(4), 0
        self.txFrameStats[self.streamed] += 1
        self.put(head(0x80 | self.streamed, length) + self.key)

    def sendMessageFrameData(self, payload, sync=False):
        data = to_bytes(payload)
        self.put(bytes(byte ^ self.key[(self.offset + n) % 4] for n, byte in enumerate(data)))
        self.offset += len(data)

    def endMessage(self):
        pass

    def sendMessage(self, payload, isBinary=False, fragmentSize=None, **_):
        data = to_bytes(payload)
        size = fragmentSize or self.autoFragmentSize or max(1, len(data))
        parts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
        for n, part in enumerate(parts):
            opcode = 0 if n else BINARY if isBinary else TEXT
            self.sendFrame(opcode, part, fin=n == len(parts) - 1)

    def sendPing(self, payload=""):
        self.sendFrame(PING, payload)

    def sendClose(self, code=None, reason=None):
        self.sendCloseFrame(code, reason)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False, reason=None):
        if self.state != self.STATE_OPEN and not isReply:
            return
        reason = reasonUtf8 if reasonUtf8 is not None else reason
        self.state = self.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode, self.localCloseReason = code, reason
        number = struct.pack("!H", code) if code is not None else b""
        self.sendFrame(CLOSE, number + (to_bytes(reason) if reason else b""))
        self.closeSent = True

    # How it is done.

    def later(self, delay, act):
        self.timers.append(asyncio.get_running_loop().call_later(delay, act))

    def put(self, data, chopsize=None):
        self.queue.put_nowait((data, chopsize or len(data) or 1))

    async def write(self):
        while True:
            data, size = await self.queue.get()
            try:
                for at in range(0, len(data), size):
                    self.writer.write(data[at : at + size])
                    # What is chopped is to arrive in pieces.
                    await asyncio.sleep(0)
                await self.writer.drain()
            except (ConnectionError, RuntimeError):
                return

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=2**26)
        self.writer.get_extra_info("socket").setsockopt(6, 1, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = await self.reader.readuntil(b"\r\n\r\n")
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert b" 101 " in answer.split(b"\r\n")[0] and base64.b64encode(accept) in answer, answer
        self.state, self.connectionWasOpen = self.STATE_OPEN, True

    async def run(self, kind):
        await self.open()
        case = kind(self)
        case.compare = lambda one, other: comparable(one) == comparable(other)
        writing = asyncio.create_task(self.write())
        case.onOpen()
        try:
            await self.read(case)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except ServersFault as fault:
            self.failedByMe = True
            print("   the server sent", fault)
        self.state = self.STATE_CLOSED
        writing.cancel()
        for timer in self.timers:
            timer.cancel()
        self.writer.transport.abort()
        case.onConnectionLost(self.failedByMe)
        return case

    async def read(self, case):
        message = None
        while True:
            opcode, fin, data = await self.frame()
            if opcode == CLOSE:
                self.remoteCloseCode = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None
                self.wasClean = True
                if not self.closeSent:
                    self.sendCloseFrame(self.remoteCloseCode, isReply=True)
                self.state = self.STATE_CLOSING
                self.later(CLOSE_S, self.drop)
            elif opcode == PING:
                self.sendFrame(PONG, data)
            elif opcode == PONG:
                case.onPong(to_text(data))
            elif opcode in (TEXT, BINARY) and message is None or opcode == 0 and message is not None:
                message = message or (opcode, [])
                message[1].append(data)
                if fin:
                    (opcode, parts), message = message, None
                    whole = b"".join(parts)
                    if opcode == TEXT:
                        whole.decode("utf-8")
                    if self.state == self.STATE_OPEN:
                        case.onMessage(to_text(whole), opcode == BINARY)
            else:
                raise ServersFault(f"a frame with opcode {opcode} where none may be")

    async def frame(self):
        first, second = await self.reader.readexactly(2)
        length = second & 127
        if second >> 7 or first & 0x70:
            raise ServersFault("a frame that is masked, or has reserved bits")
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        data = await self.reader.readexactly(length)
        opcode, fin = first & 15, first >> 7
        if opcode >= 8 and (length > 125 or not fin):
            raise ServersFault("a control frame that is long, or in pieces")
        return opcode, fin, data

    def drop(self):
        self.droppedByMe = True
        self.writer.transport.abort()


class ServersFault(Exception):
    """The server sent what no server may."""


def head(first, length):
    if length < 126:
        return bytes([first, 0x80 | length])
    if length < 65536:
        return bytes([first, 0x80 | 126]) + struct.pack("!H", length)
    return bytes([first, 0x80 | 127]) + struct.pack("!Q", length)


def masked(data, key):
    size = len(data)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(size, "big")


# ---- the run ----------------------------------------------------------------------------------------------------


def is_bad(behaviour, closing):
    return behaviour == "FAILED" or closing in ("FAILED", "WRONG CODE", "UNCLEAN") and behaviour != "INFORMATIONAL"


async def main(folder, host, port, path):
    cases = Suite(folder).cases()
    places = asyncio.Semaphore(AT_ONCE)
    began = time.monotonic()
    results = {}

    async def one(number, kind):
        async with places:
            try:
                case = await asyncio.wait_for(Client(host, int(port), path).run(kind), PATIENCE_S)
                results[number] = (case.behavior, case.behaviorClose, f"{case.result} / {case.resultClose}")
            except Exception as error:
                results[number] = ("FAILED", "", repr(error))

    await asyncio.gather(*[one(number, kind) for number, kind in cases])
    for number, (behaviour, closing, why) in sorted(results.items()):
        if is_bad(behaviour, closing):
            print("FAILED", ".".join(map(str, number)), behaviour, closing, why[:150])
    by_kind = collections.Counter(behaviour for behaviour, _, _ in results.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(by_kind.items()))
    print(f"{len(results)} cases in {time.monotonic() - began:.1f} s: {kinds}")
    failed = sum(is_bad(behaviour, closing) for behaviour, closing, _ in results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(asyncio.run(main(*sys.argv[1:])))
