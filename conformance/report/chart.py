"""A conversation as a message chart: device and service, each message with its fields and octets.

Before the fault everything is as always, so only what comes from it on is shown with fields and octets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...harness.verdict.speech import FAULT, REQUEST, Speech
from .decode import Field, decode

BEFORE = 1
"""Messages before the fault that are shown with their fields."""
LAST = 6
"""Messages at the end that are shown with their fields where there is no fault."""
OCTETS = 1024
"""Octets of a message that are shown."""
WIDTH = 16
ENDS = {
    "finished": "the implementation closed the connection",
    "reset": "the implementation reset the connection",
    "flooded": "the implementation sent without end",
    None: "the implementation left the connection open",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line: a message of one side, or a note between both. Only some have fields and octets."""

    kind: Literal["message", "fault", "end"]
    sender: str
    title: str
    words: str = ""
    length: int = 0
    fields: tuple[Field, ...] = ()
    octets: str = ""


def chart(speech: Speech, tester: str, fault: str) -> Iterator[Line]:
    """The lines of a conversation; `tester` is the role that the tester played, `fault` says what it did."""
    first = next((at for at, one in enumerate(speech.messages) if one.name == FAULT), None)
    whole_from = len(speech.messages) - LAST if first is None else first - BEFORE
    for at, one in enumerate(speech.messages):
        if one.name == FAULT:
            yield Line("fault", tester, fault)
            continue
        message = decode(one)
        whole = at >= whole_from
        yield Line(
            "message", one.sender, message.title, message.words, one.length,
            message.fields if whole else (), dump(one.data, one.length) if whole else "",
        )  # fmt: skip
    if not any(one.name == REQUEST for one in speech.messages):
        yield Line("end", "", ENDS.get(speech.ended, ENDS[None]))


def dump(data: bytes, length: int) -> str:
    """Octets in lines of 16: offset, and the octets in hexadecimal digits."""
    shown = data[:OCTETS]
    lines = [f"{at:04x}  {shown[at : at + WIDTH].hex(' ')}" for at in range(0, len(shown), WIDTH)]
    more = length - len(shown)
    return "\n".join(lines) + (f"\n… {more:,} more octets" if more > 0 else "")


def answer(speech: Speech, tester: str) -> str:
    """How the implementation answered the fault: its last ALERT, RECEIPT or error after it, else nothing."""
    at = next((n for n, one in enumerate(speech.messages) if one.name == FAULT), len(speech.messages))
    said = [decode(one) for one in speech.messages[at + 1 :] if one.sender != tester]
    telling = [m for m in said if m.title in ("ALERT", "RECEIPT", "edhoc error", "tls alert")]
    return f"{telling[-1].title} {telling[-1].words}".strip() if telling else ""
