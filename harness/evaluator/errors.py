"""What evaluation can refuse."""

from ...model.checks import CHECKS, Check


class CheckFailed(Exception):
    """A named check refused; `check` says which, and so how to answer."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(f"{check}: {reason}")
        self.check: Check = CHECKS[check]
        self.reason = reason


class GrammarError(ValueError):
    """Octets do not have the form of the pattern; `place` is the slot or structure that they were meant for."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place


class Unbound(LookupError):
    """A term needs a value that this role has neither been given nor received: a gap of the table."""
