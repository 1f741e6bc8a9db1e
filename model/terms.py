"""Terms: the templates that the prover reasons over and that the harness turns into octets and back.

Rules of the house:

- A term is immutable and hash-consed: equal terms are the same object, so identity is equality and hashing is free.
- A `slot` is a hole that the roles fill differently. Its `means` is the term that an honest sender puts there. A sender
  computes the meaning; a receiver binds what arrived, and a named check of the row compares both. With the check off
  the slot is a free variable, for the prover and on the wire alike.
- `defs` of a slot give a role its own way to the same value (`G_XY` is `dh(x, G_Y)` for one side, `dh(y, G_X)` for the
  other).
- Structure (`seq`, `array`, `map_`, `bstr`, `concat`, `tag`) is transparent: anybody can build it and take it apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sort:
    """What may stand in a hole.

    `size` is a number of octets, the name of a length that the cipher suite fixes (`share`, `hash`, `signature`, ...),
    `item` (exactly one CBOR data item, kept encoded), `items` (the rest of a CBOR sequence, possibly empty) or `rest`
    (the remaining octets). `grammar` names a further rule on the encoding that the harness implements.
    """

    name: str
    size: int | str
    grammar: str | None = None


class Term:
    """A node: operator, parameters (not terms) and arguments (terms). Build it with the functions below only."""

    __slots__ = ("_reach", "args", "defs", "label", "means", "op", "params", "sort")

    op: str
    params: tuple[object, ...]
    args: tuple[Term, ...]
    means: Term | None
    defs: dict[str, Term]
    label: str
    """Name of a slot or of an atom; no other term has one."""
    sort: Sort
    """Sort of a slot or of an atom; no other term has one."""

    def __init__(self, op: str, params: tuple[object, ...], args: tuple[Term, ...]) -> None:
        self.op, self.params, self.args = op, params, args
        self.means = None
        self.defs = {}
        self._reach: frozenset[Term] | None = None
        if op in ("slot", "name"):
            label, sort = params
            assert isinstance(label, str) and isinstance(sort, Sort)
            self.label, self.sort = label, sort

    def __repr__(self) -> str:
        if self.op in ("slot", "name"):
            return str(self.params[0])
        if self.op == "const":
            return repr(self.params[1])
        inner = [str(p) for p in self.params] + [repr(a) for a in self.args]
        return f"{self.op}({', '.join(inner)})"

    @property
    def reach(self) -> frozenset[Term]:
        """Slots and atoms that the value can depend on, meanings and role definitions included.

        Stable only once the whole table is built: it is read at run time, never while templates are being made.
        """
        if self._reach is None:
            self._reach = _reach(self)
        return self._reach


_NODES: dict[tuple[object, ...], Term] = {}


def _node(op: str, params: tuple[object, ...] = (), args: tuple[Term, ...] = ()) -> Term:
    key = (op, params, args)
    found = _NODES.get(key)
    if found is None:
        found = _NODES[key] = Term(op, params, args)
    return found


def _reach(term: Term) -> frozenset[Term]:
    seen: set[Term] = set()
    leaves: set[Term] = set()
    pending = [term]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op in ("slot", "name"):
            leaves.add(node)
        pending.extend(node.args)
        pending.extend(node.defs.values())
        if node.means is not None:
            pending.append(node.means)
    return frozenset(leaves)


_DEPENDENTS: dict[Term, tuple[int, tuple[Term, ...]]] = {}


def dependents(leaf: Term) -> tuple[Term, ...]:
    """Every term built so far whose value can depend on a slot or atom, itself included."""
    known = _DEPENDENTS.get(leaf)
    if known is None or known[0] != len(_NODES):
        found = tuple(term for term in _NODES.values() if leaf in term.reach)
        known = _DEPENDENTS[leaf] = (len(_NODES), found)
    return known[1]


# --- Leaves ----------------------------------------------------------------------------------------------------------

ITEM = Sort("item", "item")
ITEMS = Sort("items", "items")
OCTETS = Sort("octets", "rest")


def const(value: int | str | bytes | bool | None) -> Term:
    """A public constant, as one CBOR data item."""
    return _node("const", (type(value).__name__, value))


def octets(value: bytes) -> Term:
    """A public constant, as bare octets."""
    return _node("octets", (value,))


def name(label: str, sort: Sort) -> Term:
    """An atom: a secret, a fresh value or a given of some role."""
    return _node("name", (label, sort))


def slot(label: str, sort: Sort, means: Term | None = None, **defs: Term) -> Term:
    """A hole. The same label always denotes the same slot; a second meaning for it is an error of the table.

    Raises:
        ValueError: the slot exists with another meaning.
    """
    node = _node("slot", (label, sort))
    if means is not None:
        if node.means is not None and node.means is not means:
            raise ValueError(f"slot {label} has two meanings: {node.means!r} and {means!r}")
        node.means = means
    node.defs.update(defs)
    return node


# --- Structure -------------------------------------------------------------------------------------------------------


def seq(*items: Term) -> Term:
    """CBOR sequence (RFC 8742)."""
    return _node("seq", (), items)


def array(*items: Term) -> Term:
    """CBOR array of fixed arity."""
    return _node("array", (), items)


def concat(*parts: Term) -> Term:
    """Octets one after the other; every part but the last has a known size."""
    return _node("concat", (), parts)


def bstr(content: Term, *, variant: bool = False) -> Term:
    """CBOR byte string around octets; a receiver reads items in them in any valid encoding where it is `variant`."""
    return _node("bstr", ("variant",) if variant else (), (content,))


def tag(number: int, content: Term) -> Term:
    """CBOR tag."""
    return _node("tag", (number,), (content,))


def map_(
    entries: Mapping[int | str, Term], *, optional: Mapping[int, Term] | None = None, rest: Term | None = None
) -> Term:
    """CBOR map whose keys are integers and texts.

    An absent `optional` entry has the empty value. Further keys are refused, unless `rest` is there to bind them (as a
    concatenation of encoded pairs in their order).
    """
    optional = optional or {}
    params = (tuple(entries), tuple(optional), rest is not None)
    args = (*entries.values(), *optional.values(), *((rest,) if rest is not None else ()))
    return _node("map", params, args)


def apply(symbol: str, *args: Term, params: tuple[object, ...] = ()) -> Term:
    """Application of a declared function symbol; use the functions of `symbols`."""
    return _node(symbol, params, args)


# --- Walking ---------------------------------------------------------------------------------------------------------


def children(term: Term) -> tuple[Term, ...]:
    """What stands directly inside: arguments, or a slot's meaning."""
    if term.op == "slot":
        return (term.means,) if term.means is not None else ()
    return term.args
