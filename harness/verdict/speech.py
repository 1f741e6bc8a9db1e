"""What was said in a conversation, in plain text: kept for tests that did not pass, for people to read.

The transcript has the octets that passed; here stand the messages inside, as their sender made them or their receiver
opened them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self, cast, get_args

from ..transport.pcap import Sender

FAULT = "fault"
"""Stands before the first message in which the tester did what no honest party does; it has no octets."""
FRAME, UNIT, OCTETS = "frame", "unit", "octets"
"""What was not made as a message of the table: a frame, kind and payload of a unit, or something else."""
REQUEST, REPLY = "request", "reply"
"""What a verifier is asked, in the place of a device, and what it answers."""
MOST, KEPT = 400, 1 << 16
"""Messages of a conversation, and octets of a message, that are kept."""


class SpeechError(ValueError):
    """A file that holds no speeches. The message names the line."""


class Spoken(NamedTuple):
    """A message: the role that sent it, its name in the table or one of those above, and its octets or the first."""

    sender: Sender
    name: str
    data: bytes
    length: int
    """Octets of the whole."""


@dataclass(slots=True)
class Speech:
    """One conversation, oldest message first. `ended` says how the implementation ended it, if it did."""

    messages: list[Spoken] = field(default_factory=list)
    ended: str | None = None

    def add(self, sender: Sender, name: str, data: bytes) -> None:
        """One more message, while there are few."""
        if len(self.messages) < MOST:
            self.messages.append(Spoken(sender, name, data[:KEPT], len(data)))

    def fault_comes(self, sender: Sender, *, now: bool) -> None:
        """The fault goes out with the next message, or with the one that is going out now."""
        self.messages.insert(len(self.messages) - now, Spoken(sender, FAULT, b"", 0))

    @classmethod
    def of_exchange(cls, turns: Iterable[tuple[Sender, bytes]]) -> Self:
        """Of an exchange with a verifier, whose octets are what was said."""
        speech = cls()
        for sender, data in turns:
            speech.add(sender, REQUEST if sender == "device" else REPLY, data)
        return speech

    def to_json(self, test: str, conversation: str) -> dict[str, Any]:
        """As in `messages-ROLE.jsonl`, for a conversation of a test."""
        messages = [
            {"sender": one.sender, "name": one.name, "data": one.data.hex(), "length": one.length}
            for one in self.messages
        ]
        return {"test": test, "conversation": conversation, "ended": self.ended, "messages": messages}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From an object of the file. Raises KeyError, TypeError and ValueError."""
        messages = [
            Spoken(_sender(one["sender"]), str(one["name"]), bytes.fromhex(one["data"]), int(one["length"]))
            for one in data["messages"]
        ]
        return cls(messages, data["ended"])


def _sender(name: str) -> Sender:
    for sender in get_args(Sender):
        if sender == name:
            return cast(Sender, sender)
    raise ValueError(f"sender {name!r}")


def read_speeches(path: Path) -> Iterator[tuple[str, str, Speech]]:
    """Test, name of the conversation and speech of each line. Raises SpeechError, and OSError."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                data = json.loads(line)
                yield str(data["test"]), str(data["conversation"]), Speech.from_json(data)
            except (ValueError, KeyError, TypeError) as error:
                raise SpeechError(f"{path.name}, line {number}: {error!r}") from error
