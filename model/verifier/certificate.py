"""The case tree of a proof as data, for the checker: lists, strings and numbers only.

A node is `["holds"]`, `["dead"]`, `["stuck"]`, `["detour"]`, `["cases", [tree, ...]]` for the solutions of an equation,
or `["split", goal, [[key, tree], ...]]`, where the key says how the goal was met; `look` is a split on what a forwarded
variable holds. A variable is named by its run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .state import State
from .terms import App, Atom, Group, Term, Var, deref, exponents

Tree = list[Any]

HOLDS: Tree = ["holds"]
DEAD: Tree = ["dead"]
STUCK: Tree = ["stuck"]
DETOUR: Tree = ["detour"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """For each query of a claim, in order: one tree for each choice of role variants of its premises."""

    trees: tuple[tuple[Tree, ...], ...]

    @property
    def size(self) -> int:
        """Number of nodes."""
        return sum(_size(tree) for trees in self.trees for tree in trees)


def _size(tree: Tree) -> int:
    if tree[0] == "cases":
        return 1 + sum(_size(t) for t in tree[1])
    return 1 + sum(_size(t) for _, t in tree[2]) if tree[0] in ("split", "look") else 1


def written(term: Term, state: State) -> Tree:
    """A term for the certificate."""
    term = deref(term)
    if type(term) is Atom:
        return ["n", term.name, term.run] if term.run >= 0 else ["c", term.name]
    if type(term) is Var:
        return ["v", term.name, term.run]
    if type(term) is App:
        return ["f", term.symbol, [written(a, state) for a in term.args]]
    assert type(term) is Group
    atoms, rest = exponents(term)
    return ["g", [written(a, state) for a in atoms], None if rest is None else _owner(rest, state)]


def _owner(rest: Var, state: State) -> Tree:
    """A received share of some run whose exponents end in `rest`."""
    for instance in state.runs:
        for name, term in instance.env.items():
            if type(term) is Group and exponents(term)[1] is rest:
                return [name, instance.index]
    raise AssertionError("an exponent variable belongs to a received share")
