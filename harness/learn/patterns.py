"""Bug patterns: small automata over letters and outputs, checked on a whole learned machine.

Each says what no implementation may do on any word, whatever the table's other states are. A pattern is a function from
what it remembers, a letter and an output to what it remembers next, or `VIOLATED`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from ...model.checks import CHECKS
from ...model.protocol.proofs import proof_of
from ...model.table import NET
from ..tester.session import OPPOSITE
from .letters import LETTERS
from .mealy import Mealy, Word
from .play import END, messages

VIOLATED = "violated"
Memory = Hashable
Step = Callable[[Memory, str, str], Memory]
ENDINGS = ("ALERT", "CLOSE")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`severity` and `requirement` are those of a word that shows it."""

    name: str
    severity: str
    requirement: str
    start: Memory
    step: Step


def kinds(output: str) -> list[str]:
    """Messages of an output without the sender's letter: `VERDICT`, and `VERDICT:96` where there is a code."""
    return [m.replace("_I", "").replace("_R", "") if m[:1].isupper() else m for m in messages(output)]


def _data_passes(letter: str, output: str) -> bool:
    """Data was accepted, or sent."""
    said = kinds(output)
    return "DATA" in said or (letter == "DATA" and "RECEIPT" in said)


def _authenticated(answers: frozenset[str]) -> Step:
    """Nothing of the session, and no answer to an authenticated peer, before a message that only its key can make."""

    def step(memory: Memory, letter: str, output: str) -> Memory:
        if letter == "restart":
            return False
        if memory or LETTERS[letter].authenticates:
            return True
        session = [k for k in kinds(output) if k[:1].isupper() and not k.startswith(ENDINGS)]
        return VIOLATED if session or answers.intersection(messages(output)) else False

    return step


def _evidence(memory: Memory, letter: str, output: str) -> Memory:
    """An affirming verdict answers fresh evidence of this channel, and nothing else."""
    return VIOLATED if "VERDICT" in kinds(output) and letter != "ATT" else memory


def _both_verdicts(memory: Memory, letter: str, output: str) -> Memory:
    """Data needs the verdicts of both sides, neither rejecting, neither past its time."""
    if letter == "restart":
        return (False, False, False)
    assert isinstance(memory, tuple)
    mine, peers, expired = memory
    if _data_passes(letter, output) and not (mine and peers):
        return VIOLATED
    if letter == "clock":
        return (False, False, True)
    if letter.startswith("VERDICT") and END not in output.split(" "):
        peers = letter == "VERDICT"
    return (mine or "VERDICT" in kinds(output), peers, expired)


def _over(memory: Memory, letter: str, output: str) -> Memory:
    """After CLOSE or ALERT, its own or the peer's, nothing of the session is said."""
    if letter == "restart":
        return False
    said = kinds(output)
    if memory and any(k[:1].isupper() and not k.startswith(ENDINGS) for k in said):
        return VIOLATED
    return memory or (letter in ENDINGS and END in output.split(" ")) or any(k.startswith(ENDINGS) for k in said)


def _requirement(check: str) -> str:
    return CHECKS[check].requirement


def patterns(role: str, binding: str) -> tuple[Pattern, ...]:
    """The patterns for an implementation of that role over that binding."""
    proof = proof_of(OPPOSITE[role], binding)
    answers = frozenset(message.name for message in proof.row.sends if message.channel == NET)
    return (
        Pattern(
            "authenticated without a signature", "critical", _requirement(proof.check), False, _authenticated(answers)
        ),
        Pattern(
            "verdict without fresh evidence", "critical", _requirement("eat_signature_verifies"), None, _evidence
        ),
        Pattern(
            "data without both verdicts in force", "high", _requirement("frame_is_expected"),
            (False, False, False), _both_verdicts,
        ),
        Pattern("session after its end", "high", _requirement("frame_is_expected"), False, _over),
    )  # fmt: skip


def violation(machine: Mealy, pattern: Pattern) -> Word | None:
    """A shortest word on which the machine shows the pattern."""
    start = (machine.states[0], pattern.start)
    found: dict[tuple[str, Memory], Word] = {start: ()}
    queue = deque([start])
    while queue:
        state, memory = queue.popleft()
        for letter in machine.alphabet:
            output, following = machine.steps[state, letter]
            after = pattern.step(memory, letter, output)
            word = (*found[state, memory], letter)
            if after == VIOLATED:
                return word
            if (following, after) not in found:
                found[following, after] = word
                queue.append((following, after))
    return None
