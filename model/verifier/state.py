"""A pattern of traces: runs with their progress, what the attacker must know, and a partial order of nodes.

A node is an event of a run or the moment at which the attacker learns a term. The order is one bit mask of predecessors
per node, so that a cycle is found at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from .instances import DIFFER, EQUAL, RECV, Instance, Position
from .terms import App, Term, Var, equal

EVENT_NODE, LEARN_NODE, GOAL_NODE = range(3)


@dataclass(frozen=True, slots=True)
class Node:
    """What a node stands for: step `step` of run `run`, or how the attacker learns `term`."""

    kind: int
    run: int = -1
    step: int = -1
    term: Term | None = None
    how: str = ""


@final
@dataclass(frozen=True, slots=True)
class Known:
    """A goal: every exponent in `rest` is known."""

    rest: Var


class State:
    """One pattern; `copy` before changing it in a branch."""

    __slots__ = (
        "differ",
        "events",
        "forwards",
        "inside",
        "leaks",
        "learned",
        "match",
        "nodes",
        "open",
        "preds",
        "reveals",
        "runs",
    )

    def __init__(self) -> None:
        self.runs: list[Instance] = []
        self.events: list[tuple[int, ...]] = []
        self.preds: list[int] = []
        self.nodes: list[Node] = []
        self.open: list[tuple[Term | Known, int]] = []
        self.learned: list[tuple[Term, int]] = []
        self.inside: list[tuple[Term, Term, int]] = []
        self.reveals: list[tuple[Term, bool]] = []
        self.leaks: list[tuple[int, int, Term]] = []
        self.match: list[tuple[Term, Term]] = []
        self.differ: list[tuple[Term, Term]] = []
        self.forwards: list[tuple[tuple[Term, ...], int]] = []

    def copy(self) -> State:
        other = State.__new__(State)
        other.runs = self.runs[:]
        other.events = self.events[:]
        other.preds = self.preds[:]
        other.nodes = self.nodes[:]
        other.open = self.open[:]
        other.learned = self.learned[:]
        other.inside = self.inside[:]
        other.reveals = self.reveals[:]
        other.leaks = self.leaks[:]
        other.match = self.match[:]
        other.differ = self.differ[:]
        other.forwards = self.forwards[:]
        return other

    def node(self, node: Node) -> int:
        """Add a node; its number."""
        self.nodes.append(node)
        self.preds.append(0)
        return len(self.preds) - 1

    def before(self, first: int, then: int) -> bool:
        """Order two nodes; False when that makes a cycle."""
        preds = self.preds
        if preds[then] >> first & 1:
            return True
        if first == then or preds[first] >> then & 1:
            return False
        gained = preds[first] | 1 << first
        bit = 1 << then
        for i, mask in enumerate(preds):
            if i == then or mask & bit:
                preds[i] = mask | gained
        return True

    def precedes(self, first: int, then: int) -> bool:
        return bool(self.preds[then] >> first & 1)

    def knows(self, term: Term) -> int | None:
        """The node at which the attacker learns the term, if there is one."""
        kind, symbol = type(term), term.symbol if type(term) is App else ""
        for learned, node in self.learned:
            alike = type(learned) is kind and (type(learned) is not App or learned.symbol == symbol)
            if learned is term or (alike and equal(learned, term)):
                return node
        return None

    def add_run(self, instance: Instance) -> int:
        self.runs.append(instance)
        self.events.append(())
        return len(self.runs) - 1

    def reach(self, run: int, height: int) -> None:
        """Let `run` have executed at least `height` steps; their receives become goals."""
        done = self.events[run]
        if len(done) >= height:
            return
        instance = self.runs[run]
        added = list(done)
        for number in range(len(done), height):
            step = instance.step(number)
            node = self.node(Node(EVENT_NODE, run, number))
            if added:
                self.preds[node] = self.preds[added[-1]] | 1 << added[-1]
            added.append(node)
            if step.kind == RECV:
                self.open.append((step.terms[0], node))
            elif step.kind == DIFFER:
                self.differ.append((step.terms[0], step.terms[1]))
            elif step.kind == EQUAL:
                self.match.append((step.terms[0], step.terms[1]))
        self.events[run] = tuple(added)

    def learn(self, term: Term, target: int, how: str) -> int:
        """The attacker learns `term` before `target`; the new node."""
        node = self.node(Node(LEARN_NODE, term=term, how=how))
        self.preds[target] |= 1 << node
        bit = 1 << target
        for i, mask in enumerate(self.preds):
            if mask & bit:
                self.preds[i] = mask | 1 << node
        self.learned.append((term, node))
        return node

    def extract(self, run: int, position: Position, node: int) -> bool:
        """The term of `node` comes out of `position` of `run`: order, and the keys as goals."""
        self.reach(run, position.step + 1)
        if not self.before(self.events[run][position.step], node):
            return False
        step = self.runs[run].step(position.step)
        if step.leak:
            self.leaks.append((run, position.step, step.terms[0]))
        self.open.extend((key, node) for key in position.keys)
        self.forwards.extend((keys, node) for keys in position.sooner)
        return True
