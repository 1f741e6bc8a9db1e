"""What an implementation under test holds of the machine, and whether it grows with the connections that it served."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .process import Process

FILES_EVERY = 8
"""Connections for which one more open file is no leak: above one in eight, some kind of connection keeps its own."""
MEMORY_EACH = 8 << 10
"""Octets more for each connection that are no leak: caches and logs of a bounded length fill as connections come."""
MEMORY_NOISE = 6 << 20
"""Octets by which resident memory grows by itself: a collector lets garbage lie, an allocator takes whole arenas."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Open files and resident memory in octets, of a process and its children, after so many connections."""

    connections: int
    files: int
    memory: int


def usage(process: Process, connections: int) -> Usage | None:
    """What the process group holds now; None where the system does not tell, or after its end."""
    files = memory = 0
    for pid in _group(process.pid):
        with suppress(OSError):
            files += sum(1 for _ in (pid / "fd").iterdir())
            found = re.search(r"VmRSS:\s*(\d+) kB", (pid / "status").read_text())
            memory += int(found[1]) << 10 if found else 0
    return Usage(connections, files, memory) if files and memory else None


def _group(group: int) -> Iterator[Path]:
    """Folders in /proc of the processes of a group."""
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and os.getpgid(int(name)) == group:
                yield Path("/proc", name)


def thirds(noted: Sequence[Usage]) -> tuple[Usage, Usage, Usage]:
    """Start, middle and end: after a third of the connections, for what is set aside once, after two thirds, and now.

    Each is the least of what was noted about then: a test may hold many connections at once for a moment.
    """
    last = noted[-1]
    start, middle = (_about(noted, last.connections * part // 3) for part in (1, 2))
    return start, middle, last


def _about(noted: Sequence[Usage], connections: int) -> Usage:
    at = min(range(len(noted)), key=lambda index: abs(noted[index].connections - connections))
    near = noted[max(0, at - 1) : at + 2]
    return Usage(noted[at].connections, min(u.files for u in near), min(u.memory for u in near))


def leak(noted: Sequence[Usage], what: str) -> str:
    """How `what`, "files" or "memory", grew with the connections in both spans; nothing where it did not."""
    points = thirds(noted)
    grown = [_grown(points[i], points[i + 1], what) for i in (0, 1)]
    if not all(grown):
        return ""
    return f"{what}: " + ", ".join(f"{getattr(p, what)} after {p.connections} connections" for p in points)


def _grown(before: Usage, after: Usage, what: str) -> bool:
    count = after.connections - before.connections
    if what == "files":
        return after.files - before.files > count // FILES_EVERY + 1
    return after.memory - before.memory > count * MEMORY_EACH + MEMORY_NOISE
