"""The implementation as the learner sees it: words in, outputs out, everything asked once.

An answer is complete when it is known to be: a PONG came back behind it, the implementation ended, or our FIN was
answered by its end. Where PING is legal is the table's word, or while the answers differ from the table's, the
tester's own state. No answer is waited for by the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aalpy.base import SUL

from ..deadline import Deadline
from ..iut.control import ControlError
from ..iut.process import ProcessError
from ..tester.live import IutSession
from ..tester.local import LocalIut
from ..tester.session import OPPOSITE, Iut
from ..verdict.transcript import Transcript
from .letter import Letter, Past
from .mealy import Mealy, Word
from .play import CRASHED, END, ENDED, HUNG, RESTARTED, Play, answer, begin, messages, verbs

PONG = "PONG"


@dataclass(slots=True)
class Node:
    """What is known after a word: its last output, and the first conversations in which that was seen."""

    output: str = ""
    transcripts: list[Transcript] = field(default_factory=list)
    following: dict[str, Node] = field(default_factory=dict)
    suspect: bool = False
    """It ended where the table goes on: perhaps it was the probe that ended it, so FIN has to tell."""


class NonDeterministic(Exception):
    """The same word was answered in two ways."""

    def __init__(self, word: Word, first: str, second: str, transcripts: tuple[list[Transcript], list[Transcript]]):
        super().__init__(f"{' '.join(word)}: {first!r}, then {second!r}")
        self.word, self.first, self.second, self.transcripts = word, first, second, transcripts


class System(SUL):  # type: ignore[misc]  # AALpy is not typed.
    """`table` predicts; what it predicts is never taken for an answer. `renew` starts the implementation again."""

    def __init__(
        self,
        iut: Iut,
        letters: Sequence[Letter],
        table: Mealy,
        *,
        renew: Callable[[], Iut] | None = None,
        progress: Callable[[System], None] = lambda system: None,
    ) -> None:
        super().__init__()
        self.iut, self.table = iut, table
        self.role, self.binding = OPPOSITE[iut.opposite], iut.binding
        self.letters = {letter.name: letter for letter in letters}
        self.past = self._begin()
        self.root = Node()
        self.resets = 1
        self._renew, self._progress = renew, progress
        self._local = isinstance(iut, LocalIut)
        if isinstance(iut, LocalIut):
            iut.drops = True

    def _begin(self) -> Past:
        past = begin(self.iut)
        if "events" in verbs(self.iut):
            self.iut.moment()  # What that session told its application is not taken for what the next one tells.
        return past

    # --- what the learner asks ---------------------------------------------------------------------------------------

    def query(self, word: Sequence[str]) -> list[str]:
        """The outputs to a word. Raises `NonDeterministic`."""
        self.num_queries += 1
        self.num_steps += len(word)
        while (known := self.known(word)) is None:
            self.play(word)
            self._progress(self)
        return known

    def known(self, word: Sequence[str]) -> list[str] | None:
        """The outputs to a word that was answered before."""
        node, outputs = self.root, []
        for name in word:
            following = node.following.get(name)
            if following is None or not following.output:
                return None
            node = following
            outputs.append(node.output)
        return outputs

    def node(self, word: Sequence[str]) -> Node:
        """What is known after a word that was answered."""
        node = self.root
        for name in word:
            node = node.following[name]
        return node

    def words(self) -> Iterator[tuple[Word, list[str]]]:
        """Every word that was answered, the short ones first."""
        level: list[tuple[Word, list[str], Node]] = [((), [], self.root)]
        while level:
            following = []
            for word, outputs, node in level:
                if word:
                    yield word, outputs
                following += [((*word, k), [*outputs, n.output], n) for k, n in node.following.items() if n.output]
            level = following

    def pre(self) -> None:
        """Words are played as a whole."""

    def post(self) -> None:
        """Words are played as a whole."""

    def step(self, letter: str) -> str:
        """Never: words are played as a whole."""
        raise TypeError("words are played as a whole")

    # --- playing -----------------------------------------------------------------------------------------------------

    def play(self, word: Sequence[str]) -> None:
        """Play a word up to the first letter whose answer can only be made sure of by ending."""
        self.resets += 1
        node, state = self.root, self.table.states[0]
        agrees, gone, over = True, False, False
        with Play(self.iut, self.past) as play:
            for position, name in enumerate(word):
                expected, after = self.table.steps[state, name]
                known = node.following.get(name)
                letter = self.letters[name]
                if gone or (play.ended and letter.verb != "restart"):
                    output: str | None = ENDED
                elif known is not None and known.output:
                    output = self._again(play, letter, known.output, legal=agrees and self._pings(state))
                else:
                    self._before(play, letter, legal=agrees and self._pings(state))
                    legal = self._pings(after) if agrees else play.peer.probe_is_legal
                    fin = not legal or (known is not None and known.suspect)
                    output, over = self._first(play, letter, expected if agrees else None, fin=fin)
                if output is None:
                    node.following[name] = Node(suspect=True)
                    return
                node = self._note(node, tuple(word[: position + 1]), output, play)
                agrees, state = agrees and output == expected, after
                gone = gone or HUNG in output or CRASHED in output
                if over:
                    return

    def _pings(self, state: str) -> bool:
        return self.table.steps[state, "PING"][0].startswith(PONG)

    def _note(self, node: Node, word: Word, output: str, play: Play) -> Node:
        following = node.following.get(word[-1])
        if following is None or not following.output:
            following = node.following[word[-1]] = Node(output, list(play.transcripts))
        elif following.output != output:
            raise NonDeterministic(word, following.output, output, (following.transcripts, list(play.transcripts)))
        return following

    def _before(self, play: Play, letter: Letter, *, legal: bool) -> None:
        if letter.verb is not None and not self._local and not play.ended:
            play.before_application(legal=legal)

    def _again(self, play: Play, letter: Letter, output: str, *, legal: bool) -> str:
        """A letter whose answer is known: it is over when as much has come."""
        if HUNG in output or CRASHED in output:
            return output
        self._before(play, letter, legal=legal)
        told = play.act(letter)
        if self._local:
            play.drain()
        elif END in output.split(" "):
            play.await_end()
        else:
            play.await_messages(len(messages(output)))
        return answer(told + play.fresh(), play.ended)

    def _first(self, play: Play, letter: Letter, expected: str | None, *, fin: bool) -> tuple[str | None, bool]:
        """A letter for the first time: its output, and whether the conversation is over; None asks for FIN."""
        try:
            return self._asked(play, letter, expected, fin=fin)
        except ControlError:
            if not self._died():
                raise
            return self._judged(answer(play.fresh(), True), play), True

    def _asked(self, play: Play, letter: Letter, expected: str | None, *, fin: bool) -> tuple[str | None, bool]:
        told = play.act(letter)
        if RESTARTED in told:
            return answer(told, False), False
        if self._local:
            play.drain()
            return answer(told + play.fresh(), play.ended), False
        if fin:
            ended = play.finish()
            return self._judged(answer(told + play.fresh(), ended), play), True
        play.send_probe()
        if play.await_probe():
            return answer(told + play.fresh(), False), False
        output = self._judged(answer(told + play.fresh(), play.ended), play)
        return (output if output == expected or CRASHED in output else None), True

    def _died(self) -> bool:
        """Whether the process that serves the control plane is gone, or goes."""
        process = self.iut.launched.process if isinstance(self.iut, IutSession) else None
        if process is not None:
            with suppress(ProcessError):
                process.wait(Deadline.after(self.iut.reply))
        return not self.iut.is_alive()

    def _judged(self, output: str, play: Play) -> str:
        """An implementation that died, or that neither answers nor ends, is told apart."""
        if not self.iut.is_alive():
            if self._renew is not None:
                self.iut = self._renew()
                self.past = self._begin()
            return f"{output} {CRASHED}"
        return output if play.ended else f"{output} {HUNG}"
