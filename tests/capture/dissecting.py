"""Conversations in this process as captures, and what tshark makes of them with our dissector."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from availability import not_available

from trustconn.harness.peer.keylog import KeyLog
from trustconn.harness.tester.conversation import Conversation
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.transport.pcap import Chunk, write_pcap
from trustconn.harness.wireshark.names import DISSECTOR

Role = Literal["device", "service"]


def tshark(*arguments: str) -> str:
    """Its output; without tshark there is nothing to test, and CI has to have it."""
    if shutil.which("tshark") is None:
        not_available("tshark not installed: apt-get install tshark")
    done = subprocess.run(["tshark", *arguments], capture_output=True, text=True, timeout=600, check=False)
    assert "Lua Error" not in done.stdout + done.stderr and done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@dataclass(frozen=True, slots=True)
class Capture:
    """A file of packets, and the log of their keys; None where nobody kept one."""

    pcap: Path
    keys: Path | None

    def _read(self, *arguments: str) -> str:
        keys = ["-o", f"tls.keylog_file:{self.keys}"] if self.keys else []
        return tshark("-n", "-2", "-X", f"lua_script:{DISSECTOR}", "-r", str(self.pcap), *keys, *arguments)

    def values(self, *fields: str) -> list[list[str]]:
        """For each field its values in the whole capture, in order."""
        wanted = [word for field in fields for word in ("-e", field)]
        rows = self._read("-T", "fields", "-E", "separator=;", "-E", "occurrence=a", *wanted).splitlines()
        columns = zip(*(row.split(";") for row in rows), strict=True)
        return [[value for cell in column if cell for value in cell.split(",")] for column in columns]

    def text(self) -> str:
        """Everything that tshark has to say."""
        return self._read("-V")


def captured(folder: Path, keys: Path | None, *conversations: Sequence[Chunk]) -> Capture:
    """Octets as a capture."""
    pcap = folder / "conversation.pcap"
    write_pcap(pcap, *conversations)
    return Capture(pcap, keys)


def played(
    folder: Path,
    role: Role,
    binding: str,
    play: Callable[[LocalIut, Conversation], None],
    *,
    logged: bool = True,
    suites: tuple[int, ...] = (),
    **options: Any,
) -> tuple[Capture, Conversation]:
    """A conversation with the reference peer of that role, up to OPEN and on as `play` says, and its capture."""
    iut, keys = LocalIut(role, binding=binding), folder / "keys.log"
    log = KeyLog(keys) if logged else None
    iut.key_log = log
    with iut.configured(**({"suites": suites} if suites else {})):
        if suites:
            options["suites"] = suites
        conversation = iut.converse(**options)
        conversation.until_open()
        play(iut, conversation)
    if log is not None:
        log.close()
    return captured(folder, keys if logged else None, conversation.transcript.chunks), conversation
