"""Walks the case tree of a proof and makes the list of cases at every node again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..protocol import Leak, Protocol
from ..query import Query
from . import detour
from .case import Case
from .model import Model, Path, Place, Run
from .terms import Term, exponents, unify

Tree = Sequence[Any]
"""As in `certificate`: `holds`, `dead`, `stuck`, `detour`, `cases`, `split` and `look`."""


class CertificateError(Exception):
    """The certificate is not a proof: a case is missing, or does not end as it says."""


class Checker:
    """Checks proofs about one protocol under some powers, keeping what is common to them."""

    def __init__(self, protocol: Protocol, powers: frozenset[str]) -> None:
        self._model = Model(protocol, powers)

    def check(self, query: Query, trees: Sequence[Tree]) -> int:
        """Check the proof that a query has no trace: one tree for each choice of role variants for its premises.

        Returns the number of cases.

        Raises:
            CertificateError: with the first case that is not treated.
        """
        starts = list(_starts(self._model, query))
        if len(starts) != len(trees):
            raise CertificateError(f"{len(starts)} patterns to start with, {len(trees)} trees")
        return sum(_certify(case, tree) for case, tree in zip(starts, trees, strict=True))


def check(protocol: Protocol, query: Query, powers: frozenset[str], trees: Sequence[Tree]) -> int:
    """Check one proof; see `Checker.check`."""
    return Checker(protocol, powers).check(query, trees)


def _starts(model: Model, query: Query) -> Iterator[Case]:
    def choose(chosen: list[int]) -> Iterator[list[int]]:
        if len(chosen) == len(query.premises):
            yield chosen
            return
        for number, (role, _) in enumerate(model.roles):
            if role.name == query.premises[len(chosen)].role:
                yield from choose([*chosen, number])

    for chosen in choose([]):
        case = Case(model, query, {("c", agent): kind for agent, kind in query.classes.items()})
        for number, (role, premise) in enumerate(zip(chosen, query.premises, strict=True)):
            run = model.run(role, number)
            case.runs.append(run)
            case.events.append(())
            case.subst |= {run.env[name]: ("c", agent) for name, agent in premise.agents.items()}
        for number, premise in enumerate(query.premises):
            case.reach(number, premise.height)
        case.equations += [(case.place(*a), case.place(*b)) for a, b in query.equal]
        case.open += [(case.place(i, t), case.node()) for i, t in query.learned]
        if all(case.order(case.events[i][a], case.events[j][b]) for (i, a), (j, b) in query.before):
            yield case


def _certify(case: Case, tree: Tree) -> int:
    """Check that the tree treats all that the case can be; the number of cases."""
    found = 1
    for settled in case.settled():
        if tree[0] == "cases":
            found += _one_of(settled, tree[1])
        else:
            found += _treat(settled, tree)
    return found


def _one_of(case: Case, trees: Sequence[Tree]) -> int:
    *others, last = trees
    for tree in others:
        try:
            return _certify(case, tree)
        except CertificateError:
            continue
    return _certify(case, last)


def _treat(case: Case, tree: Tree) -> int:
    if tree[0] == "holds":
        if not case.holds():
            raise CertificateError("the claim does not hold in this case")
        return 0
    if tree[0] == "split":
        return _split(case, tree)
    if tree[0] == "look":
        return _look(case, tree)
    if tree[0] == "detour":
        if not detour.taken(case):
            raise CertificateError("what is called a detour is none")
        return 0
    if tree[0] == "stuck":
        if all(_waits(case, g) for g, _ in case.open) and any(case.at(v)[0] == "v" for v, _, _ in case.inside):
            return 0
        raise CertificateError("a case is given up with goals that are open")
    raise CertificateError("a case that is possible is called impossible")


def _waits(case: Case, goal: Term) -> bool:
    if goal[0] == "known":
        return True
    term = case.at(goal)
    return term[0] == "v" or (term[0] == "g" and not term[1]) or term[:2] == ("f", "inverse")


def read(data: Any, case: Case) -> Term:
    """A term of the certificate under the bindings of the case."""
    if data[0] == "f":
        return case.at(("f", data[1], tuple(read(d, case) for d in data[2])))
    if data[0] == "g":
        rest = None
        if data[2] is not None:
            _, rest = exponents(("g", (), ("e", *data[2])), case.subst)
        return case.at(("g", tuple(read(d, case) for d in data[1]), rest))
    if data[0] == "c":
        return ("c", data[1])
    return case.at(case.runs[data[2]].env[data[1]])


def _split(case: Case, tree: Tree) -> int:
    wanted = read(tree[1], case)
    for place, (goal, node) in enumerate(case.open):
        if not _waits(case, goal) and case.at(goal) == wanted:
            base = case.copy()
            del base.open[place]
            children = _children(tree)
            return sum(_branch(key, made, children) for key, made in _branches(base, wanted, node))
    raise CertificateError(f"{wanted!r} is not an open goal")


def _children(tree: Tree) -> dict[str, list[Tree]]:
    children: dict[str, list[Tree]] = {}
    for key, child in tree[2]:
        children.setdefault(repr(list(key)), []).append(child)
    return children


def _branch(key: list[Any], made: list[Case], children: dict[str, list[Tree]]) -> int:
    """Check one kind of branch: by its subtrees, or because it cannot be."""
    trees = children.get(repr(key), [["dead"]])
    return sum(_one_of(case, trees) for case in made)


def _branches(case: Case, term: Term, node: int) -> Iterator[tuple[list[Any], list[Case]]]:
    """All ways in which the attacker can come to know a term, without those that a theorem rules out."""
    if term[0] == "g":
        if _dead(case, term):
            return
        yield from _powers(case, term, node)
    if term[0] == "f":
        yield from _own(case, term, node)
    for run, step in _steps(case):
        yield from _sources(case, term, node, run, step)


def _steps(case: Case) -> Iterator[tuple[Run, int]]:
    """The steps of the runs of a case, those that they may come to, and those of a new run."""
    for number, run in enumerate(case.runs):
        fixed = number < len(case.query.premises)
        height = len(case.model.steps(run) if fixed else case.events[number])
        yield from ((run, step) for step in range(height))
        if not fixed:
            yield from case.model.onward(run.role, height, number)
    yield from case.model.onward(-1, 0, len(case.runs))


def _own(case: Case, term: Term, node: int) -> Iterator[tuple[list[Any], list[Case]]]:
    for late in sorted(case.modes(term)):
        yield ["r", late], _given(case.copy(), term, node, late)
    for place, agent, late in case.turning_out(term):
        made = case.copy()
        made.equations.append((term[2][place], agent))
        yield ["r", late, place, agent[1]], _given(made, term, node, late)
    symbols = case.model.theory.symbols
    for number, needed in enumerate(symbols[term[1]].builds):
        if any(_dead(case, term[2][i]) for i in needed):
            continue
        made = case.copy()
        learned = made.learn(term, node)
        made.open += [(term[2][i], learned) for i in needed]
        yield ["b", number], [made]
    if term[1].endswith("~"):
        made = case.copy()
        learned = made.learn(term, node)
        made.open.append((("f", term[1][:-1], term[2]), learned))
        yield ["strong"], [made]


def _given(made: Case, key: Term, node: int, late: bool) -> list[Case]:
    learned = made.learn(key, node)
    made.reveals.append((key, late))
    claim = made.events[0][made.query.premises[0].height - 1]
    return [made] if not late or made.order(claim, learned) else []


def _dead(case: Case, term: Term) -> bool:
    """Whether the attacker can never have the term: nobody sends or gives it away, and it cannot be built."""
    term, model = case.at(term), case.model
    if any(case.at(case.place(i, t)) == term for i, t in case.query.secrets):
        return True
    if term[0] == "g":
        return sum(_dead(case, a) for a in term[1] if a[0] == "n") > 1
    if term[0] == "n" or (term[0] == "c" and term[1] in model.protocol.secrets):
        return not model.comes_out(term[:2])
    symbol = model.theory.symbols.get(term[1]) if term[0] == "f" else None
    if symbol is None or symbol.name.endswith("~") or case.modes(term) or case.turning_out(term):
        return False
    if model.comes_out(term[:2]) or model.forwarded(symbol.result):
        return False
    return all(any(_dead(case, term[2][i]) for i in needed) for needed in symbol.builds)


def _powers(case: Case, term: Term, node: int) -> Iterator[tuple[list[Any], list[Case]]]:
    atoms, rest = exponents(term, case.subst)
    if len(atoms) == 1 and rest is None:
        if _dead(case, atoms[0]):
            return
        made = case.copy()
        made.open.append((atoms[0], made.learn(term, node)))
        yield ["e"], [made]
        return
    for place, atom in enumerate(atoms):
        if any(_dead(case, other) for other in (*atoms[:place], *atoms[place + 1 :]) if other[0] != "f"):
            continue
        made = case.copy()
        learned = made.learn(term, node)
        made.open.append((("g", (atom,), None), learned))
        made.open += [(other, learned) for other in (*atoms[:place], *atoms[place + 1 :])]
        made.open += [(("known", rest), learned)] if rest is not None else []
        yield ["p"], [made]
    if rest is not None and not any(_dead(case, atom) for atom in atoms if atom[0] != "f"):
        made = case.copy()
        learned = made.learn(term, node)
        made.open.append((("g", (), rest), learned))
        made.open += [(atom, learned) for atom in atoms]
        yield ["p"], [made]


def _sources(case: Case, term: Term, node: int, run: Run, step: int) -> Iterator[tuple[list[Any], list[Case]]]:
    """The term comes out of one step of one run, at each place."""
    for place in case.model.places(run, step):
        part, path, _, _ = place
        if _impossible(case, term, run, step, place):
            continue
        key = ["s", run.number, run.role, step, list(path)]
        if part[0] == "v" and case.model.openable(part):
            made = _extract(case, term, node, run, step, place)
            for one in made:
                one.inside.append((part, term, len(one.before) - 1))
            yield key, made
            continue
        made = []
        for subst in unify(part, term, case.subst, case.model.theory):
            base = case.copy()
            base.subst = subst
            made += _extract(base, term, node, run, step, place)
        yield key, made


def _extract(case: Case, term: Term, node: int, run: Run, step: int, place: Place) -> list[Case]:
    made = case.copy()
    if run.number == len(made.runs):
        made.runs.append(run)
        made.events.append(())
    made.runs[run.number] = run
    made.reach(run.number, step + 1)
    learned = made.learn(term, node)
    if not made.order(made.events[run.number][step], learned):
        return []
    if isinstance(case.model.steps(run)[step], Leak):
        message = case.model.message(run, step)
        assert message is not None
        made.leaks.append((run.number, message))
    made.open += [(key, learned) for key in place[2]]
    made.forwards += [(sooner, learned) for sooner in place[3]]
    return [made]


def _impossible(case: Case, term: Term, run: Run, step: int, place: Place) -> bool:
    """Whether one of the theorems says that a term does not come from this place."""
    model, (part, path, _, _) = case.model, place
    if part[0] != "v" and part[:2] != term[:2] and "g" not in (part[0], term[0]):
        return True
    if _from_origin(case, term) not in (None, (run.number, step, path)):
        return True
    if term[0] == "g" and (len(term[1]) != 1 or term[2] is not None):
        return True
    if part[0] != "v":
        return False
    carried = model.carried[run.role, part[1]]
    if carried.anything:
        return False
    if term[0] == "n" and any((model.roles[n][0].name, term[1]) in carried.origins for n in case.roles(term[2])):
        return False
    return not any(unify(pattern, term, case.subst, model.theory) for pattern in carried.patterns)


def _from_origin(case: Case, term: Term) -> tuple[int, int, Path] | None:
    """The one place from which a fresh value or its share is known, when its run first sends it in the clear."""
    atom = term[1][0] if term[0] == "g" and len(term[1]) == 1 and term[2] is None else term
    if atom[0] != "n":
        return None
    model, run = case.model, case.runs[atom[2]]
    first = case.first_send(atom)
    if first is None or isinstance(model.steps(run)[first], Leak):
        return None
    message = model.message(run, first)
    for part, path, keys in model.out(message) if message is not None else ():
        if not keys and part == term:
            return atom[2], first, path
    return None


def _look(case: Case, tree: Tree) -> int:
    """The variable of a forwarding run is bound: the term is a part of its value."""
    variable, wanted = read(tree[1][0], case), read(tree[1][1], case)
    children = _children(tree)
    for place, (held, term, node) in enumerate(case.inside):
        if case.at(held) == variable and case.at(term) == wanted and case.at(held)[0] != "v":
            base = case.copy()
            del base.inside[place]
            return sum(_branch(key, made, children) for key, made in _parts(base, held, term, node))
    raise CertificateError("nothing to look into")


def _parts(case: Case, held: Term, term: Term, node: int) -> Iterator[tuple[list[Any], list[Case]]]:
    for number, (part, _path, keys) in enumerate(case.model.out(case.at(held))):
        made = []
        if part[0] == "v" and case.model.openable(part):
            one = case.copy()
            one.inside.append((part, term, node))
            made = [one]
        else:
            for subst in unify(part, term, case.subst, case.model.theory):
                one = case.copy()
                one.subst = subst
                made.append(one)
        for one in made:
            one.open += [(key, node) for key in keys]
        yield ["part", number], made
