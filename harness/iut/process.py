"""One subprocess of an implementation under test: its own process group, bounded standard error, an end that is told.

Waiting is by the kernel's notice (pidfd) where there is one. A crash is not a refusal: `Exit` keeps them apart.
"""

import atexit
import contextlib
import math
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..deadline import Deadline

STDERR_KEPT = 1 << 16
"""Bytes of standard error that are kept, the latest ones."""
_DRAIN = 2.0
"""Seconds in which the rest of the standard error of an ended process must come: children can hold it open."""
_KILLED = 5.0
"""Seconds in which a killed process must be gone."""
_QUOTED = 80
_LAST_WORDS = 200
_CRASH = re.compile(
    rb"Traceback \(most recent call last\)|AddressSanitizer|UndefinedBehaviorSanitizer|panicked at|^panic: |SIGSEGV|"
    rb"terminate called after|Segmentation fault|Assertion .* failed",
    re.MULTILINE,
)


class ProcessError(Exception):
    """A command could not be started, or did not end."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: exit code or signal; `asked` when the tester told it to; `report` quotes a crash report."""

    code: int | None
    signal: int | None
    asked: bool = False
    report: str = ""

    @property
    def crashed(self) -> bool:
        """A fatal signal, a shell's code for one, or a crash report on standard error; never our own signal."""
        by_signal = self.signal is not None and not self.asked
        return by_signal or bool(self.report) or (self.code is not None and 128 < self.code < 160 and not self.asked)

    def __str__(self) -> str:
        if self.signal is not None:
            text = f"ended by {signal.Signals(self.signal).name}" + (" as asked" if self.asked else "")
        else:
            text = f"exit code {self.code}"
        return f"crashed: {text}" + (f" ({self.report})" if self.report else "") if self.crashed else text


_running: "weakref.WeakSet[Process]" = weakref.WeakSet()


@atexit.register
def _kill_all() -> None:
    for process in list(_running):
        process.kill()


class Process:
    """A started command. With `talks` its standard input and output are pipes, else it has neither."""

    def __init__(
        self, command: Sequence[str], folder: Path, *, talks: bool = False, variables: Mapping[str, str] | None = None
    ) -> None:
        """Starts `command` in `folder`; `variables` are added to the environment.

        Raises:
            ProcessError: it cannot be started.
        """
        pipe = subprocess.PIPE if talks else subprocess.DEVNULL
        self._command = list(command)
        try:
            self._popen = subprocess.Popen(
                self._command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=None if variables is None else {**os.environ, **variables},
                process_group=0,
            )
        except (OSError, ValueError) as error:
            raise ProcessError(f"{command[0]} cannot be started: {error}") from error
        self._asked = False
        self._exit: Exit | None = None
        self._stderr = bytearray()
        self._drain = threading.Thread(target=self._drain_stderr, daemon=True)
        self._drain.start()
        _running.add(self)

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._popen.pid

    def pipes(self) -> tuple[int, int]:
        """Descriptors to read its output and to write its input, once; the caller closes them."""
        assert self._popen.stdout and self._popen.stdin, "started without pipes"
        descriptors = os.dup(self._popen.stdout.fileno()), os.dup(self._popen.stdin.fileno())
        self._popen.stdout.close()
        self._popen.stdin.close()
        return descriptors

    def wait(self, deadline: Deadline) -> Exit:
        """How it ended. Raises `ProcessError` when it has not by the deadline."""
        if self._exit is None:
            try:
                self._wait(deadline)
            except subprocess.TimeoutExpired:
                raise ProcessError(f"{shlex.join(self._command)} has not ended in time") from None
            self._drain.join(_DRAIN)
            code = self._popen.returncode
            report = "" if self._asked else self._crash_report()
            self._exit = Exit(code if code >= 0 else None, -code if code < 0 else None, self._asked, report)
        return self._exit

    def poll(self) -> Exit | None:
        """How it ended, or None while it runs."""
        return self.wait(Deadline.after(_DRAIN)) if self._exit or self._popen.poll() is not None else None

    def stop(self, deadline: Deadline) -> Exit:
        """Ends it: SIGTERM to its group, SIGKILL when the deadline has passed. One that ended before keeps its exit."""
        if (ended := self.poll()) is None:
            self._asked = True
            self._signal(signal.SIGTERM)
            with contextlib.suppress(ProcessError):
                ended = self.wait(deadline)
        self.kill()
        return ended or self.wait(Deadline.after(_KILLED))

    def kill(self) -> None:
        """SIGKILL to the whole group, also to what a process that ended has left behind."""
        if self._popen.poll() is None:
            self._asked = True
        self._signal(signal.SIGKILL)
        _running.discard(self)

    def stderr(self) -> str:
        """The latest standard error, at most `STDERR_KEPT` bytes."""
        return bytes(self._stderr).decode(errors="backslashreplace")

    def describe(self) -> str:
        """How it ended and its last words, in one line; empty while it runs."""
        with contextlib.suppress(ProcessError):
            ended, last_line = self.wait(Deadline.after(_DRAIN)), self.stderr().strip().rpartition("\n")[2]
            words = "".join(character for character in last_line if character.isprintable())[-_LAST_WORDS:]
            return f"{ended}: {words}" if words else str(ended)
        return ""

    def peak_memory(self) -> int | None:
        """Largest resident set so far in bytes; None where the system does not tell, or after its end."""
        with contextlib.suppress(OSError):
            if found := re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{self.pid}/status").read_text()):
                return int(found[1]) * 1024
        return None

    def open_files(self) -> int | None:
        """Number of open file descriptors; None where the system does not tell, or after its end."""
        with contextlib.suppress(OSError):
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        return None

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop(Deadline.after(_KILLED))

    def wait_end_or(self, descriptor: int, deadline: Deadline) -> None:
        """Returns when it has ended, when `descriptor` can be read, or when the deadline has passed."""
        if self._popen.poll() is None:
            with self._end() as end:
                _wait_readable((descriptor, *end), deadline)

    @contextlib.contextmanager
    def _end(self) -> Iterator[list[int]]:
        """A descriptor that can be read once the process has ended; none where the system has no such thing."""
        if sys.platform != "linux":
            yield []
            return
        descriptor = os.pidfd_open(self.pid)
        try:
            yield [descriptor]
        finally:
            os.close(descriptor)

    def _wait(self, deadline: Deadline) -> None:
        if self._popen.poll() is None:
            with self._end() as end:
                _wait_readable(end, deadline)
            self._popen.wait(0 if end else deadline.remaining)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _drain_stderr(self) -> None:
        assert self._popen.stderr
        with self._popen.stderr as stream:
            while data := os.read(stream.fileno(), STDERR_KEPT):
                self._stderr += data
                del self._stderr[:-STDERR_KEPT]

    def _crash_report(self) -> str:
        found = _CRASH.search(self._stderr)
        return found[0].decode(errors="backslashreplace")[:_QUOTED].rstrip(" :(") if found else ""


def _wait_readable(descriptors: Collection[int], deadline: Deadline) -> None:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    if descriptors:
        poll.poll(math.ceil(deadline.remaining * 1000))
