"""The rich environment of a split device (ISO/IEC 27071, figure 2): it has the network, and nothing else.

    python -m trustconn.harness.peer.rich HOST:PORT

The trusted environment, another process with the keys and the channel, dials the address that this one prints as a JSON
line; octets are carried to HOST:PORT and back. What runs here can do what anyone on the network can. It ends with its
standard input, so that it never outlives the device that started it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

from ..iut.address import Address

CHUNK = 1 << 16


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Octets one way until their end, which is passed on."""
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def serve(target: Address) -> None:
    """Carries until standard input ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))
        for end in (writer, far_writer):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1")
    host, port = server.sockets[0].getsockname()[:2]
    print(json.dumps({"host": host, "port": port}), flush=True)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    await reader.read()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Address.parse(sys.argv[1])))
