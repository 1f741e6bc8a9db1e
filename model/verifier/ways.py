"""How the attacker may come to have a term other than from a send, and the terms that he can never have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from .goals import Context, Work
from .pool import Pool
from .protocol import GROUP
from .sources import Sources
from .state import Known, State
from .terms import App, Atom, Group, Term, Var, deref, equal, exponents


class Ways:
    """The ways to terms in one query."""

    def __init__(self, context: Context, pool: Pool, sources: Sources, record: bool) -> None:
        self.context, self.pool, self.sources, self.record = context, pool, sources, record
        self.protected: list[Term] = []
        """What the claim says that no run leaks."""
        self.secrets: list[Term] = []
        """What other proofs have shown to be secret."""

    def meet(self, state: State, term: Term, node: int, work: Work) -> bool | None:
        """Meet a goal at once that has one way to be met, which binds nothing. False: it has none; None: others too.

        A certificate names each way: for one, nothing is met at once.
        """
        if self.record:
            return None
        if self.dead(term, {}):
            return False
        if type(term) is App:
            return None if self.sent(term) else self.made(state, term, node, work)
        if type(term) is Group and len(exponents(term)[0]) + (exponents(term)[1] is not None) > 1:
            return self.made(state, term, node, work)
        assert type(term) is not Var
        origin = None if type(term) is Group and self.powers(term) else self.sources.unique(state, term)
        if origin is None:
            return None
        run, _, position = origin
        return state.extract(run, position, state.learn(term, node, f"run {run} step {position.step}"))

    def made(self, state: State, term: Term, node: int, work: Work) -> bool | None:
        """Meet a goal that no send brings, if there is one way to make the term; as `meet`."""
        if type(term) is Group:
            powers = self.powers(term)
            if len(powers) > 1:
                return None
            for base, known in powers:
                learned = state.learn(term, node, "build" if base is None else "power")
                work.extend((goal, learned) for goal in (*known, *([] if base is None else [base])))
            return bool(powers)
        assert type(term) is App
        if not self.plain(term):
            return None
        reveals, builds = self.context.reveal_modes(term), list(islice(self.buildable(term), 2))
        if len(reveals) + len(builds) != 1:
            return None if reveals or builds else False
        if reveals:
            return self.reveal(state, term, node, reveals[0])
        learned = state.learn(term, node, "build")
        work.extend((term.args[i], learned) for i in builds[0][1])
        return True

    def plain(self, term: Term) -> bool:
        """Whether no way to make a term takes it for something else, or an agent for another."""
        return type(term) is not App or not (term.symbol.endswith("~") or any(self.context.turning_out(term)))

    def reveal(self, state: State, term: App, node: int, late: bool) -> bool:
        """A long-term key is given away, `late` only after the claim; False if that is too late."""
        learned = state.learn(term, node, "late" if late else "reveal")
        state.reveals.append((term, late))
        return not late or state.before(state.events[0][self.context.query.premises[0].height - 1], learned)

    def buildable(self, term: App, memo: dict[Term, bool] | None = None) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The ways to build a term that need nothing which the attacker can never have."""
        memo = {} if memo is None else memo
        for number, needed in enumerate(self.context.signature.symbols[term.symbol].builds):
            if not any(self.dead(deref(term.args[i]), memo) for i in needed):
                yield number, needed

    def dead(self, term: Term | Known, memo: dict[Term, bool]) -> bool:
        """Whether the attacker can never have the term: nobody sends it, and it cannot be built."""
        if not self.context.signature.shortcuts:
            return False
        if type(term) is Atom:
            return self.kept(term)
        if any(type(secret) is type(term) and equal(secret, term) for secret in self.secrets):
            return True
        if type(term) is Group:
            return sum(map(self.kept, exponents(term)[0])) > 1
        if type(term) is not App or term.symbol not in self.context.signature.symbols or term.symbol.endswith("~"):
            return False
        if term not in memo:
            memo[term] = not (
                self.context.revealable(term) or self.sent(term) or next(self.buildable(term, memo), None) is not None
            )
        return memo[term]

    def sent(self, term: App) -> bool:
        """Whether some send can give the term away; what the claim protects is not leaked."""
        if not self.pool.sent(term):
            return False
        protected = not self.record and self.pool.only_leaked(term)
        return not (protected and any(equal(term, part) for part in self.protected))

    def kept(self, atom: Term) -> bool:
        """Whether an atom is a secret that no run gives away, not even under a key; a product of two such stays one."""
        return type(atom) is Atom and (atom.run >= 0 or not atom.public) and self.pool.keeps(atom)

    def powers(self, term: Group) -> list[tuple[Group | None, list[Term | Known]]]:
        """The ways to compute a group element from another one: that, and the exponents that this takes.

        Those that need two secrets which no run gives away, or one beside a share, are none.
        """
        atoms, rest = exponents(term)
        kept = sum(map(self.kept, atoms)) if self.context.signature.shortcuts else 0
        if len(atoms) == 1 and rest is None:
            return [] if kept else [(None, [atoms[0]])]
        bit, known = self.context.signature.bit(GROUP), [Known(rest)] if rest is not None else []
        ways: list[tuple[Group | None, list[Term | Known]]] = [
            (Group((atom,), None, bit), [*atoms[:i], *atoms[i + 1 :], *known])
            for i, atom in enumerate(atoms)
            if kept <= (1 if self.kept(atom) else 0) or not self.context.signature.shortcuts
        ]
        if rest is not None and not kept:
            ways.append((Group((), rest, bit), list(atoms)))
        return ways
