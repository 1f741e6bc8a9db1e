"""Where a learned machine differs from the table's, how bad that is, and which requirement says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ...model.protocol.tables import BINDINGS
from .letters import LETTERS
from .mealy import Mealy, Word
from .patterns import patterns, violation
from .play import CRASHED, END, HUNG, messages

CRITICAL, HIGH, INTEROPERABILITY, LOW = SEVERITIES = ("critical", "high", "interoperability", "low")
"""From the worst down."""
REFUSING = ("ALERT", "edhoc_error", "tls_alert")
ENDING = frozenset({"ALERT", "CLOSE", "app_close", "clock"})
"""Letters whose end is no refusal."""
HANDSHAKE_STATES = frozenset(
    state for make in BINDINGS.values() for states in make().states.values() for state in states
)
"""Of the table over every binding: states before the channel stands."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A shortest word to a transition that the table does not have: its last letter is answered otherwise.

    `state` is the table's state before it.
    """

    word: Word
    state: str
    learned: str
    expected: str
    severity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A bug pattern that a word shows."""

    name: str
    word: Word
    severity: str
    requirement: str


def differences(learned: Mealy, table: Mealy) -> list[Difference]:
    """Every pair of states that the same answers lead to, letter by letter; the worst first, then the shortest."""
    found = [
        Difference(word, state, ours, theirs, *_judged(learned, word, state, ours, theirs))
        for word, state, ours, theirs in _differing(learned, table)
    ]
    return sorted(found, key=lambda d: (SEVERITIES.index(d.severity), len(d.word)))


def _differing(learned: Mealy, table: Mealy) -> Iterator[tuple[Word, str, str, str]]:
    start = (learned.states[0], table.states[0])
    access: dict[tuple[str, str], Word] = {start: ()}
    queue, seen = deque([start]), set[tuple[str, str, str, str]]()
    while queue:
        mine, state = queue.popleft()
        for letter in learned.alphabet:
            (ours, following), (theirs, after) = learned.steps[mine, letter], table.steps[state, letter]
            word = (*access[mine, state], letter)
            if ours != theirs:
                if (state, letter, ours, theirs) not in seen:
                    seen.add((state, letter, ours, theirs))
                    yield word, state, ours, theirs
            elif (following, after) not in access:
                access[following, after] = word
                queue.append((following, after))


def findings(learned: Mealy, role: str, binding: str) -> list[Finding]:
    """The bug patterns that the machine shows."""
    words = ((pattern, violation(learned, pattern)) for pattern in patterns(role, binding))
    return [Finding(p.name, word, p.severity, p.requirement) for p, word in words if word is not None]


# --- how bad ---------------------------------------------------------------------------------------------------------


def refusals(output: str) -> list[str]:
    """What an output refuses with: an alert, an error of the handshake, a receipt with a code."""
    return [m for m in messages(output) if m.startswith(REFUSING) or ("RECEIPT" in m and ":" in m)]


def _answers(output: str) -> list[str]:
    refused = refusals(output)
    return [m for m in messages(output) if m not in refused and not m.startswith("CLOSE")]


def _ends(output: str) -> bool:
    return END in output.split(" ")


def _judged(learned: Mealy, word: Word, state: str, ours: str, theirs: str) -> tuple[str, str]:
    """`ours` is the implementation's answer, `theirs` the table's."""
    letter = LETTERS[word[-1]]
    refused = letter.name not in ENDING and (bool(refusals(theirs)) or (_ends(theirs) and not messages(theirs)))
    if CRASHED in ours:
        return HIGH, "dies on one message"
    if HUNG in ours:
        return HIGH, "neither answers nor ends"
    if _opens_unauthenticated(learned, word):
        return CRITICAL, "reaches OPEN without an authenticating message"
    if _ends(theirs) and not _ends(ours):
        return _lives_on(learned, word, ours, refused)
    if _ends(ours) and not _ends(theirs):
        if letter.unauthenticated and state.partition(" ")[0] not in HANDSHAKE_STATES:
            return HIGH, "an unauthenticated message ends an open session"
        return INTEROPERABILITY, "refuses what must be accepted"
    if refused:
        if _answers(ours) and not refusals(ours):
            return HIGH, "answers success where the table refuses"
        return LOW, "refuses otherwise than required" if refusals(ours) else "silent where a refusal is required"
    if refusals(ours):
        return INTEROPERABILITY, "refuses what must be accepted"
    return INTEROPERABILITY, "another answer than the table's"


def _lives_on(learned: Mealy, word: Word, ours: str, refused: bool) -> tuple[str, str]:
    if refused and _answers(ours):
        return HIGH, "answers success where the table refuses"
    if not refused or learned.after(word) != learned.after(word[:-1]):
        return HIGH, "goes on where the table ends"
    return LOW, "silent where a refusal is required"


def _opens_unauthenticated(learned: Mealy, word: Word) -> bool:
    """Whether data passes after this word, although no message of it, and none to come, needs the peer's key."""
    forged = [letter for letter in learned.alphabet if LETTERS[letter].authenticates]
    if any(LETTERS[letter].authenticates for letter in word):
        return False
    start = learned.after(word)
    seen, queue = {start}, deque([start])
    while queue:
        state = queue.popleft()
        for letter in learned.alphabet:
            if letter in forged or letter == "restart":
                continue
            output, following = learned.steps[state, letter]
            if any(m.startswith(("VERDICT", "DATA")) or m in ("RECEIPT_I", "RECEIPT_R") for m in messages(output)):
                return True
            if following not in seen:
                seen.add(following)
                queue.append(following)
    return False


def differing_transitions(learned: Mealy, table: Mealy) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The (state, letter) pairs that are answered otherwise, of the learned machine and of the table's."""
    mine, theirs = set(), set()
    for word, state, _, _ in _differing(learned, table):
        mine.add((learned.after(word[:-1]), word[-1]))
        theirs.add((state, word[-1]))
    return mine, theirs
