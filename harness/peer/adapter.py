"""The adapter's side of the control plane for the reference peers: verbs to a `PeerHost`, events pushed as they happen.

A request that is no request gets an error reply, never an exception; the end of the tester's stream ends the process.
"""

import asyncio
import base64
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from ..iut.features import as_message
from ..iut.messages import MAX_LINE, PROTOCOL, Message, MessageError, check, decode, encode, verbs
from .host import HostError, PeerHost

MOST_UNREAD = 32 << 20
"""Bytes that wait for a tester who does not read; then the process ends."""
FLUSH = 2.0
"""Real seconds for the last reply to be read."""


class Adapter:
    """Serves one tester. `host` is set before `serve`; `push` is for its events."""

    host: PeerHost

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._stopped, self._pushes = False, True
        self._unsent = bytearray()

    def push(self, event: Mapping[str, Any]) -> None:
        """Sends an event, unless they are kept. Whether it matches the schema is the tester's to judge, as ever."""
        if self._pushes:
            self._write(event)

    async def serve(self) -> None:
        """Answers requests in their order until `stop`, the end of the stream or a line that is too long."""
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError):
            while not self._stopped:
                self._write(await self._answer(await self._reader.readuntil()))
            self._flush()
            self._writer.close()
            async with asyncio.timeout(FLUSH):
                await self._writer.wait_closed()

    def _write(self, message: Mapping[str, Any]) -> None:
        """What one step of a connection leads to goes out in one piece."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += encode(message)

    def _flush(self) -> None:
        self._writer.write(bytes(self._unsent))
        self._unsent.clear()
        if self._writer.transport.get_write_buffer_size() > MOST_UNREAD:
            self._writer.transport.abort()

    async def _answer(self, line: bytes) -> Message:
        identifier = 0
        try:
            request = decode(line)
            if type(number := request.get("id")) is int and 0 <= number < 1 << 32:
                identifier = number
            verb = request.get("verb")
            if verb not in verbs():
                raise HostError("unknown_verb", f"no verb {str(verb)[:80]!r}")
            check(f"request.{verb}", request)
            return {"id": identifier, "ok": await _VERBS[verb](self, request)}
        except MessageError as error:
            return _error(identifier, "bad_request", str(error))
        except HostError as error:
            return _error(identifier, error.code, str(error))

    async def _hello(self, request: Message) -> Message:
        options = self.host.options
        return {
            "protocol": PROTOCOL,
            "role": options.role,
            "name": f"trustconn reference {options.role}",
            "version": _version(),
            "verbs": list(verbs()),
            "holds_events": True,
            "features": as_message(self.host.features),
        }

    async def _provision(self, request: Message) -> Message:
        configuration = {key: value for key, value in request.items() if key not in ("id", "verb", "folder")}
        self.host.provision(Path(request["folder"]) if "folder" in request else None, configuration)
        return {}

    async def _start(self, request: Message) -> Message:
        host, port = await self.host.listen()
        return {"host": host, "port": port}

    async def _connect(self, request: Message) -> Message:
        return {"connection": await self.host.dial(request["host"], request["port"])}

    async def _send(self, request: Message) -> Message:
        content = base64.b64decode(request["content"])
        self.host.send(request["connection"], content, request["content_type"])
        return {}

    async def _close(self, request: Message) -> Message:
        self.host.close(request["connection"])
        return {}

    async def _events(self, request: Message) -> Message:
        """The oldest ones first, as many as a line can hold."""
        self._pushes = request.get("push", self._pushes)
        found, size, events = [], 0, self.host.events
        known = request["since"] - events[0]["seq"] + 1 if events else 0
        recent = len(events) - request.get("latest", len(events))
        for event in islice(events, max(0, known, recent), None):
            size += len(encode(event))
            if size > MAX_LINE // 2:
                break
            found.append(event)
        return {"events": found}

    async def _clock(self, request: Message) -> Message:
        return {"now": self.host.set_clock(now=request.get("now"), advance=request.get("advance", 0))}

    async def _restart(self, request: Message) -> Message:
        self.host.restart()
        return {}

    async def _stop(self, request: Message) -> Message:
        self._stopped = True
        self.host.drop()
        return {}


_VERBS: dict[str, Callable[[Adapter, Message], Awaitable[Message]]] = {
    name: getattr(Adapter, f"_{name}") for name in verbs()
}


@cache
def _version() -> str:
    return version("trustconn")


def _error(identifier: int, code: str, message: str) -> Message:
    return {"id": identifier, "error": {"code": code, "message": message[:4096]}}


async def on_stdio() -> Adapter:
    """An adapter on standard input and output."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), sys.stdout.buffer
    )
    return Adapter(reader, asyncio.StreamWriter(transport, protocol, None, loop))


async def on_socket(host: str, port: int) -> Adapter:
    """An adapter on a socket that it dials. Raises OSError."""
    return Adapter(*await asyncio.open_connection(host, port, limit=MAX_LINE))
