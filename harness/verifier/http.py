"""A verifier over HTTP/1.1: each request is the content of a POST, its reply the content of a 200.

h11 reads and writes HTTP; connections, octets and seconds are bounded here. Whoever is slow waits for nobody but
himself: each connection has a task of its own.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import h11

from ...spec import identifiers
from .appraisal import MAX_REQUEST, Verifier
from .streams import SECONDS

_MEDIA_TYPES = identifiers()["media_type"]
REQUEST_TYPE: str = _MEDIA_TYPES["verifier_request"]
REPLY_TYPE: str = _MEDIA_TYPES["verifier_reply"]
MOST_CONNECTIONS = 64
MOST_HEADERS = 1 << 14
"""Octets of a request before its content."""
_CHUNK = 1 << 14


class Unfit(Exception):
    """A request over HTTP that is none to a verifier; `status` answers it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class HttpServer:
    """Serves one verifier. `seconds` bound a request, from its first octet or the last reply on."""

    def __init__(self, verifier: Verifier, seconds: float = SECONDS) -> None:
        self.verifier, self.seconds = verifier, seconds
        self._connections = 0

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Begin; raises OSError."""
        return await asyncio.start_server(self._serve, host, port, limit=_CHUNK)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEADERS)
            with suppress(TimeoutError, ConnectionError):
                await self._requests(connection, reader, writer)
        finally:
            self._connections -= 1
            writer.close()

    async def _requests(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One after the other, as long as the connection is kept."""
        while True:
            async with asyncio.timeout(self.seconds):
                try:
                    content = await self._request(connection, reader)
                    if content is None:
                        return
                    sent = _response(connection, 200, self.verifier.answer(content))
                except Unfit as unfit:
                    sent = _response(connection, unfit.status)
                except h11.RemoteProtocolError as error:
                    sent = _response(connection, error.error_status_hint)
                writer.write(sent)
                await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _request(self, connection: h11.Connection, reader: asyncio.StreamReader) -> bytes | None:
        """The content of the next request; None at the end of the connection."""
        content = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_CHUNK))
            elif isinstance(event, h11.Request):
                self._judge(event)
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > MAX_REQUEST:
                    raise Unfit(413)
            elif isinstance(event, h11.EndOfMessage):
                return bytes(content)
            else:
                return None

    def _judge(self, request: h11.Request) -> None:
        headers = dict(request.headers)
        if self._connections > MOST_CONNECTIONS:
            raise Unfit(503)
        if request.method != b"POST":
            raise Unfit(405)
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != REQUEST_TYPE.encode():
            raise Unfit(415)
        if int(headers.get(b"content-length", b"0")) > MAX_REQUEST:
            raise Unfit(413)


def _response(connection: h11.Connection, status: int, content: bytes = b"") -> bytes:
    """A whole response; one without content ends the connection."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return b""
    headers = [("Content-Length", str(len(content))), ("Cache-Control", "no-store")]
    headers += [("Content-Type", REPLY_TYPE)] if status == 200 else [("Connection", "close")]
    parts = (
        connection.send(h11.Response(status_code=status, headers=headers)),
        connection.send(h11.Data(data=content)),
        connection.send(h11.EndOfMessage()),
    )
    return b"".join(part for part in parts if part)
