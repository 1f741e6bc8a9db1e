"""Plays a trace to an implementation, and keeps what it answers.

Nothing here waits for a fixed time. A complete peer in this process answers at once; how many messages it sent after
each step is then what another implementation is waited for. What does not come within its own time, does not come.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from ...harness.tester.deviation import TesterFault
from ...harness.tester.local import LocalConnection
from .actions import ACTIONS
from .record import Record
from .sessions import Sessions
from .stage import BROKEN, Impossible
from .trace import Step, Trace

CERTIFICATES = 100
"""Identities that one trace may use."""


class Player(Sessions):
    """Plays one trace after the other."""

    def play(self, trace: Trace, guide: Record | None = None, *, case: int = 0) -> Record:
        """The record of a trace. `guide` is the complete peer's; `case` makes the tester's choices and certificates."""
        self.number = case * CERTIFICATES
        self.sessions, self.record, self._guide = {}, Record(), guide
        self._identities = {}
        with ExitStack() as stack:
            self._configure = lambda: stack.enter_context(self.iut.configured(**trace.configuration))
            if trace.configuration:
                self._configure()
            if any(item.do == "clock" for item in trace.steps):
                self.clock = stack.enter_context(self.iut.later())
            self._play(trace)
        return self.record

    def _step(self, item: Step) -> None:
        for playing in self.sessions.values():
            playing.puppet.at = self._at
        self._tried(lambda: self._do(item))
        self._tried(self._settle)  # Where a lie cannot be told the tester is silent, as to the complete peer.

    def _tried(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BROKEN:
            raise
        except (Exception, TesterFault):  # A tester that lies can trip over its own lie anywhere.
            self.record.passed_over.add(self._at)

    def _do(self, item: Step) -> None:
        if item.do not in ACTIONS:
            raise Impossible(item.do)
        ACTIONS[item.do](self, item)

    def _end(self) -> None:
        for playing in self.sessions.values():
            playing.conversation.close()
            connection = playing.conversation.connection
            if isinstance(connection, LocalConnection) and not connection.endpoint.closed:
                connection.endpoint.receive_eof()
