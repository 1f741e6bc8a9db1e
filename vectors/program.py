"""A program that answers vectors: one JSON object a line each way, in bounded time and size.

Request: `{"id", "operation", "input"}`. Reply: `{"id", "result", "output"?, "refusal"?, "reason"?}`, where `result` is
`valid`, `invalid` or `unsupported`, `output` holds what the operation computes and `refusal` may say how the program
would refuse on the wire. The next request is written when the reply to the last has come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ..harness.deadline import Deadline
from ..harness.iut.channel import ChannelClosed, ChannelError, ChannelTimeout, LineChannel, LineTooLong
from ..harness.iut.messages import quoted
from ..harness.iut.process import Process
from .store import Stored
from .vector import Json

RESULTS = ("valid", "invalid", "unsupported")
_KEYS = {"id", "result", "output", "refusal", "reason"}
_END = 2.0
"""Seconds that a program has to end when its input has."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a program answered."""

    result: str
    output: Mapping[str, Json] = field(default_factory=dict)
    refusal: str = ""
    reason: str = ""


class NoReply(Exception):
    """The program died, hung or answered something else; the text says what, and it has to be started again."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Program:
    """A started program. Raises ProcessError when it cannot be started."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        self._seconds = seconds
        self._process = Process(command, Path.cwd(), talks=True)
        self._channel = LineChannel(*self._process.pipes())

    def ask(self, vector: Stored) -> Reply:
        """The reply to one vector. Raises NoReply."""
        request = {"id": vector.id, "operation": vector.operation, "input": vector.input}
        deadline = Deadline.after(self._seconds)
        try:
            self._channel.send(json.dumps(request).encode() + b"\n", deadline)
            line = self._channel.receive(deadline)
        except ChannelTimeout:
            raise NoReply("hung", f"no reply in {self._seconds:g} seconds") from None
        except LineTooLong as error:
            raise NoReply("garbage", f"a reply without end: {error}") from error
        except ChannelClosed:
            raise NoReply("died", self._process.describe() or "it closed its output") from None
        except ChannelError as error:
            raise NoReply("died", str(error)) from error
        return _reply(line, vector.id)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._channel.close()
        self._process.stop(Deadline.after(_END))


def _reply(line: bytes, expected: str) -> Reply:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise NoReply("garbage", f"not JSON: {quoted(line)}") from None
    if not isinstance(said, dict) or not said.keys() <= _KEYS:
        raise NoReply("garbage", f"not a reply: {quoted(line)}")
    if said.get("id") != expected:
        raise NoReply("garbage", f"a reply to another request: {quoted(line)}")
    if said.get("result") not in RESULTS:
        raise NoReply("garbage", f"result is none of {', '.join(RESULTS)}: {quoted(line)}")
    output, words = said.get("output", {}), [said.get(name, "") for name in ("refusal", "reason")]
    if not isinstance(output, dict) or not all(isinstance(word, str) for word in words):
        raise NoReply("garbage", f"output is no object, or a refusal or reason no text: {quoted(line)}")
    return Reply(said["result"], output, *words)
