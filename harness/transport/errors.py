"""What the transport refuses: each error names the check of `model.checks` that failed."""

from ...model.checks import CHECKS, Check


class TransportError(Exception):
    """The peer broke a rule of the transport; the connection cannot go on."""

    def __init__(self, check: str, detail: str) -> None:
        super().__init__(f"{check}: {detail}")
        self.check = check
        """The name of the failed check."""

    @property
    def declaration(self) -> Check:
        """The check as declared: its requirement and how it is refused."""
        return CHECKS[self.check]


class UnitError(TransportError):
    """A unit of unknown kind or unacceptable length."""


class RecordError(TransportError):
    """A record that does not open here, or one too many."""


class FrameError(TransportError):
    """A frame longer than it may be."""
