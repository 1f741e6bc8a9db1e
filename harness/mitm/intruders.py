"""What an intruder without any key can do to one session: each does one thing, at one place, and says when it did."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..tester.session import OPPOSITE, Role
from .binding import Position, Rewrite
from .wire import Intruder, Middle


class Chunked(Intruder):
    """Every unit in pieces of `size` octets."""

    def __init__(self, size: int) -> None:
        self._size = size

    def unit(self, middle: Middle, sender: Role, number: int, unit: bytes) -> None:
        for at in range(0, len(unit), self._size):
            middle.send(OPPOSITE[sender], unit[at : at + self._size])
        self.reached = f"passed on in pieces of {self._size} octets"


class AtPosition(Intruder, ABC):
    """Acts on one unit; `act` does it."""

    done = "acted on"

    def __init__(self, at: Position) -> None:
        self.at = at

    @property
    def receiver(self) -> Role:
        """For whom the unit was meant."""
        return OPPOSITE[self.at.sender]

    def unit(self, middle: Middle, sender: Role, number: int, unit: bytes) -> None:
        if sender == self.at.sender and number == self.at.number and not self.reached:
            self.note(unit)
            self.act(middle, unit)
        else:
            self.others(middle, sender, unit)

    def others(self, middle: Middle, sender: Role, unit: bytes) -> None:
        """Any other unit."""
        middle.send(OPPOSITE[sender], unit)

    @abstractmethod
    def act(self, middle: Middle, unit: bytes) -> None:
        """The unit is here."""

    def note(self, unit: bytes) -> None:
        """Say that it happened."""
        self.reached = (
            f"{self.done} {self.at.message}, unit {self.at.number} of the {self.at.sender}, {len(unit)} octets"
        )


class Drop(AtPosition):
    """It never arrives."""

    done = "dropped"

    def act(self, middle: Middle, unit: bytes) -> None:
        return


class Duplicate(AtPosition):
    """It arrives twice."""

    done = "doubled"

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self.receiver, unit + unit)


class Hold(AtPosition):
    """It and whatever follows it that way are held back."""

    done = "held back"

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self.held: list[bytes] = []
        self._end_is_due = False

    def act(self, middle: Middle, unit: bytes) -> None:
        self.held = [unit]

    def others(self, middle: Middle, sender: Role, unit: bytes) -> None:
        if self.held and sender == self.at.sender:
            self.held.append(unit)
        else:
            middle.send(OPPOSITE[sender], unit)

    def end(self, middle: Middle, sender: Role) -> None:
        if self.held and sender == self.at.sender:
            self._end_is_due = True
        else:
            super().end(middle, sender)

    def release(self, middle: Middle) -> None:
        """Let it go."""
        held, self.held = self.held, []
        middle.send(self.receiver, b"".join(held))
        if self._end_is_due:
            super().end(middle, self.at.sender)


class Delay(Hold):
    """It and whatever follows it that way arrive when nothing else comes any more."""

    done = "delayed"

    def quiet(self, middle: Middle) -> bool:
        if not self.held:
            return False
        self.release(middle)
        return True


class Cross(AtPosition):
    """In its place arrives the unit that another session's intruder holds, who gets this one."""

    done = "put the unit of another live session in the place of"

    def __init__(self, at: Position, other: Hold) -> None:
        super().__init__(at)
        self._other = other

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self.receiver, self._other.held[0])
        self._other.held[0] = unit


class Swap(AtPosition):
    """It arrives behind the next unit of its sender."""

    done = "arrives behind its successor:"

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self._held = b""

    def act(self, middle: Middle, unit: bytes) -> None:
        self._held, self.reached = unit, ""

    def others(self, middle: Middle, sender: Role, unit: bytes) -> None:
        if self._held and sender == self.at.sender:
            self.note(self._held)
            unit, self._held = unit + self._held, b""
        middle.send(OPPOSITE[sender], unit)

    def unit(self, middle: Middle, sender: Role, number: int, unit: bytes) -> None:
        if self._held:
            self.others(middle, sender, unit)
        else:
            super().unit(middle, sender, number, unit)


class Again(AtPosition):
    """It arrives, and once more when the conversation has been had."""

    done = "sent again"

    def __init__(self, at: Position) -> None:
        super().__init__(at)
        self._recorded = b""

    def act(self, middle: Middle, unit: bytes) -> None:
        self._recorded, self.reached = unit, ""
        middle.send(self.receiver, unit)

    def before_close(self, middle: Middle) -> bool:
        if self._recorded:
            self.note(self._recorded)
            middle.send(self.receiver, self._recorded)
        return bool(self._recorded)


class Reflect(AtPosition):
    """It comes back to its sender; `also` says that it arrives as well."""

    done = "reflected"

    def __init__(self, at: Position, *, also: bool = False) -> None:
        super().__init__(at)
        self._also = also

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self.at.sender, unit)
        if self._also:
            middle.send(self.receiver, unit)


class Change(AtPosition):
    """It arrives changed."""

    def __init__(self, at: Position, rewrite: Rewrite, what: str) -> None:
        super().__init__(at)
        self.done = f"changed {what} of"
        self._rewrite = rewrite

    def act(self, middle: Middle, unit: bytes) -> None:
        changed = self._rewrite(unit)
        if changed == unit:
            self.reached = ""
        middle.send(self.receiver, changed)


class Replace(AtPosition):
    """Something else arrives, made when the unit is here."""

    def __init__(self, at: Position, make: Callable[[], bytes], what: str) -> None:
        super().__init__(at)
        self.done = f"put {what} in the place of"
        self._make = make

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self.receiver, self._make())


class Insert(AtPosition):
    """Something arrives before it, at the end `to`."""

    def __init__(self, at: Position, to: str, octets: bytes, what: str) -> None:
        super().__init__(at)
        self.done = f"sent {what} to the {to} before"
        self._to, self._octets = to, octets

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self._to, self._octets)
        middle.send(self.receiver, unit)


class Truncate(AtPosition):
    """It arrives, or with `half` its first half does, and both directions end there; with `reset` by RST."""

    done = "cut after"

    def __init__(self, at: Position, *, reset: bool = False, half: bool = False) -> None:
        super().__init__(at)
        self._reset, self._half = reset, half

    def act(self, middle: Middle, unit: bytes) -> None:
        middle.send(self.receiver, unit[: len(unit) // 2] if self._half else unit)
        for leg in middle.legs.values():
            leg.finish(reset=self._reset)
