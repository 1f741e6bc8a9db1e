"""The table's machine: the reference peer, which interprets the table, explored in this process with the same letters.

What is found is kept beside this file, and a test replays it: `python -m trustconn.harness.learn.table_machine`
makes it anew.

A state is what the interpreter holds that can matter for an answer: its state of the table, its registers, which
deadlines run, and what the tester's side keeps. States that no word tells apart are then one.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Hashable, Sequence
from itertools import product
from pathlib import Path

from ...model.checks import CHECKS
from ...model.protocol.attestation import REGISTERS
from ...model.protocol.labels import LABEL_REGISTERS
from ...model.protocol.local import EXPIRED_TIMEOUT, HANDSHAKE_TIMEOUT
from ...model.protocol.session import CLOSING
from ...model.table import Table
from ..evaluator.run import Run
from ..peer.endpoint import Endpoint
from ..tester.local import LocalConnection, LocalIut
from ..tester.session import OPPOSITE, Role
from .bindings import BINDINGS
from .letter import VERBS, Letter
from .letters import alphabet
from .mealy import Mealy, Word
from .play import ENDED, Play, answer, begin

FINAL = "CLOSED"
DEADLINES = {
    HANDSHAKE_TIMEOUT.name: "handshake_ends_in_time", EXPIRED_TIMEOUT.name: "expired_session_ends",
}  # fmt: skip
"""The check behind a deadline; behind any other it is the verdict that did not come."""
FOLDER = Path(__file__).parent / "machines"


class LocalSystem:
    """A reference peer in this process that words are played to. What is not said at once is never said."""

    def __init__(self, iut: LocalIut, letters: Sequence[Letter]) -> None:
        self.iut, self.past = iut, begin(iut)
        self.letters = {letter.name: letter for letter in letters}

    def play(self, word: Sequence[str]) -> tuple[list[str], Hashable, str]:
        """The outputs, and where the peer stands: everything that matters, and the name of that."""
        with Play(self.iut, self.past) as play:
            outputs = [self._answer(play, letter) for letter in word]
            if play.ended:
                return outputs, FINAL, FINAL
            endpoint = _endpoint(play)
            return outputs, _standing(endpoint, play), _name(endpoint)

    def refusal(self, word: Sequence[str]) -> str | None:
        """The check with which the peer refuses the last letter of a word, if it does."""
        with Play(self.iut, self.past) as play:
            for name in word[:-1]:
                self._answer(play, name)
            endpoint = _endpoint(play)
            before, role, state = len(endpoint.events), endpoint.role, endpoint.state
            self._answer(play, word[-1])
            for event in endpoint.events[before:]:
                if event.name in ("refused", "data_refused") and event.fields.get("check") in CHECKS:
                    return str(event.fields["check"])
                if event.name == "timeout":
                    checks = (DEADLINES[name] for name in DEADLINES if endpoint.table.candidates(role, state, name))
                    return next(checks, "verdict_comes_in_time")
        return None

    def _answer(self, play: Play, name: str) -> str:
        letter = self.letters[name]
        if play.ended and letter.verb != "restart":
            return ENDED
        told = play.act(letter)
        play.drain()
        return answer(told + play.fresh(), play.ended)


def _endpoint(play: Play) -> Endpoint:
    connection = play.conversation.connection
    assert isinstance(connection, LocalConnection)
    return connection.endpoint


def table_machine(role: Role, binding: str, letters: Sequence[Letter], *, table: Table | None = None) -> Mealy:
    """The machine of the table's `role` over a binding, with the table's names of states."""
    system = LocalSystem(LocalIut(role, binding=binding, table=table), letters)
    names_of_letters = tuple(letter.name for letter in letters)
    _, start, name = system.play(())
    numbers, names = {start: "0"}, {"0": name}
    access: dict[str, Word] = {"0": ()}
    steps: dict[tuple[str, str], tuple[str, str]] = {}
    queue = deque(access)
    while queue:
        state = queue.popleft()
        for letter in names_of_letters:
            outputs, standing, name = system.play((*access[state], letter))
            if standing not in numbers:
                number = numbers[standing] = str(len(numbers))
                names[number], access[number] = name, (*access[state], letter)
                queue.append(number)
            steps[state, letter] = (outputs[-1], numbers[standing])
    machine = Mealy(names_of_letters, tuple(names), steps).minimal()
    return machine.renamed(_unique({state: names[state] for state in machine.states}))


def kept_machine(role: str, binding: str) -> Mealy:
    """The machine that was found for the profile over a binding, with all letters."""
    return Mealy.from_data(json.loads(_file(role, binding).read_text(encoding="utf-8")))


def _file(role: str, binding: str) -> Path:
    return FOLDER / f"{role}-{binding}.json"


def write_machines() -> None:
    """Explore both roles over each binding, and keep what is found."""
    for role, binding in product(OPPOSITE.values(), BINDINGS):
        machine = table_machine(role, binding, alphabet(role, binding, full=True, verbs=VERBS))
        _file(role, binding).write_text(machine.to_json(), encoding="utf-8")


def _unique(names: dict[str, str]) -> dict[str, str]:
    """States of one name are numbered."""
    total, count = Counter(names.values()), Counter[str]()
    unique: dict[str, str] = {}
    for state, name in names.items():
        count[name] += 1
        unique[state] = name if total[name] == 1 else f"{name} ({count[name]})"
    return unique


def _standing(endpoint: Endpoint, play: Play) -> Hashable:
    if endpoint.state == CLOSING:
        return CLOSING  # After its own CLOSE a peer looks at nothing that it holds.
    peer = play.peer
    kept = tuple(sorted((name, bool(messages)) for name, messages in peer.kept.items() if messages))
    return (
        endpoint.state, _registers(endpoint), _deadlines(endpoint), peer.state, _registers(peer), kept,
    )  # fmt: skip


def _registers(endpoint: Endpoint) -> Hashable:
    run: Run = endpoint.run
    terms = [t for r in REGISTERS.values() for t in (r.outstanding, r.pending)]
    unsent = LABEL_REGISTERS[endpoint.letter].unsent
    return (*(run.values.get(t) for t in terms), len(run.values.get(unsent, b"")) > 1)


def _deadlines(endpoint: Endpoint) -> Hashable:
    """Which deadlines are still to come: the clock's letter is longer than any, so how long does not matter."""
    now = endpoint.world.time()
    return tuple(sorted((name, at > now) for name, at in endpoint.timers.armed().items()))


def _name(endpoint: Endpoint) -> str:
    run, me, peer = endpoint.run, endpoint.letter, endpoint.peer
    flags = []
    if endpoint.state in ("OPEN", "EXPIRED"):
        if run.values.get(REGISTERS[peer].outstanding) == _TRUE:
            flags.append("ATT due")
        if run.values.get(REGISTERS[me].pending) == _TRUE:
            flags.append("VERDICT due")
    return ", ".join([endpoint.state, *flags])


_TRUE = b"\xf5"

if __name__ == "__main__":
    write_machines()
