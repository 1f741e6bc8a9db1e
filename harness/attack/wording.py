"""What a message of the trace must say, in octets, where it differs from what the attacker's end would say by itself.

A hole of the message has a value in the trace. If that is what an honest sender means, or a name of the attacker's own,
there is nothing to do. Otherwise the octets come from a message that was seen, from a certificate, or from another
session's keys.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from ...model.extract.extract import NAMES
from ...model.protocol.frames import SIDES
from ...model.protocol.labels import ENVIRONMENT, LABEL, Label
from ...model.symbols import matched
from ...model.table import RECORD
from ...model.terms import Term
from ...model.verifier.replay import Value
from ..codec import cbor, cose
from ..evaluator.errors import Unbound
from ..evaluator.matchers import match
from ..evaluator.run import Run
from ..identity.certificate import Certificate
from .cast import CREDENTIAL, Cast
from .mirror import Mirror, valued
from .story import ROLE, SEND, WEAK, Inexpressible, Line, Story

COSE_SIGN1 = 18
BY_CAST = frozenset(
    {"ID_CRED", "EAT_CHAIN", "MEASUREMENTS", "ENV_MEASUREMENTS", "SUITES", "FLAGS", "TIER", "ENV_CHAIN"}
)
"""Holes, without their letter, that follow from who the attacker is towards a run."""
_CARRIERS_OF_WAIVERS = frozenset(side.waiver for side in SIDES.values())


class Wording:
    """`mirrors` are the attacker's ends by the number of the run they face."""

    def __init__(self, story: Story, cast: Cast, mirrors: Mapping[int, Mirror]) -> None:
        self.story, self.cast, self.mirrors = story, cast, mirrors
        self._apart: dict[Line, Mapping[Term, bytes]] = {}

    def pins(self, line: Line, run: Run) -> dict[Term, Any]:
        """Terms inside the message of a line, and the values that they have instead; `run` makes the message.

        Raises:
            Inexpressible: a value has no octets here.
        """
        assert line.moment is not None and line.moment.row is not None
        opened = dict(line.moment.row.opens)
        label = next((label for label in LABEL.values() if label.data is line.message), None)
        found: dict[Term, Any] = self._environment(line, label, opened, run) if label is not None else {}
        for part in (line.message.term, *opened.values()):
            found |= self._said(line, part, found, frozenset({*opened, *found}))
        for carrier, pattern in opened.items():
            statement = self.story.ground(line, pattern) if carrier in _CARRIERS_OF_WAIVERS else None
            if statement is not None:
                found[carrier] = self.cast.waiver(statement, self.leaf)
        return found

    def _environment(self, line: Line, label: Label, opened: Mapping[Term, Term], run: Run) -> dict[Term, Any]:
        """The environment object that comes with a label, if one does, and whether the label refers to one."""
        carrier = label.carried_environment
        refers = self.story.ground(line, label.environment) is not None
        found: dict[Term, Any] = {} if refers else {label.environment: b""}
        if carrier not in opened:
            return {**found, carrier: b""}
        token = ENVIRONMENT[line.message.name[-1]].token
        octets = self._seen(line, token.term)
        if octets is None:
            inner = self._said(line, token.term, {}, frozenset())
            chain = self.story.ground(line, token.chain)
            if chain is not None and chain.args is not None:
                role = ROLE[line.message.name[-1]]
                inner[token.chain], inner[token.key] = self.cast.attestation_key(role, chain)
            octets = valued(run, token.term, inner)
        found[token.term] = octets
        return {**found, carrier: valued(run, opened[carrier], found)}

    # --- which ones --------------------------------------------------------------------------------------------------

    def _holes(self, term: Term, line: Line) -> Iterator[Term]:
        """Holes of a message, and signed objects that were seen as they are here."""
        signed = term.op == "tag" and term.params[0] == COSE_SIGN1
        if term.op == "slot" or (signed and self._seen(line, term) is not None):
            yield term
        else:
            for inner in matched(term):
                yield from self._holes(inner, line)

    def _said(self, line: Line, part: Term, known: Mapping[Term, Any], but: frozenset[Term]) -> dict[Term, Any]:
        """What holes of a part say, `but` some that are known already."""
        holes = (term for term in self._holes(part, line) if term not in but)
        said = ((term, self._hole(line, term, known)) for term in holes)
        return {term: octets for term, octets in said if octets is not None}

    def _hole(self, line: Line, term: Term, known: Mapping[Term, Any]) -> bytes | None:
        if term.op != "slot":
            return self._seen(line, term)
        base, ground = term.label[:-2], self.story.ground(line, term)
        if ground is None or base in BY_CAST:
            return None
        if term.means is not None and term.means.op == "sign":
            return None if ground.args and self.story.holds(ground.args[0]) else self._seen(line, term)
        if base == "CONTENT":
            return self.content(ground)
        if ground.head.startswith(WEAK) or ground is self.story.meant(line, term) or ground.head == "dh":
            return None
        return self._octets(line, term, ground, known)

    def content(self, ground: Value) -> bytes:
        """Application data that a name of the trace stands for."""
        return ground.head.strip(WEAK).lower().encode()

    def _seen(self, line: Line, term: Term) -> bytes | None:
        """The octets of a signed object that another run has sent before."""
        ground = self.story.ground(line, term)
        for sent in self.story.lines[: self.story.lines.index(line)]:
            if sent.kind == SEND and sent.run != line.run and self.story.ground(sent, term) is ground is not None:
                octets = self._parts(sent).get(term)
                if octets is not None:
                    return octets
        return None

    def _parts(self, sent: Line) -> Mapping[Term, bytes]:
        """A frame that was seen, taken apart."""
        if sent.message.channel != RECORD or sent in self._apart:
            return self._apart.get(sent, {})
        mirror = self.mirrors[sent.run]
        run = copy.copy(mirror.run)
        run.values, run.bound = {}, set()
        match(run, sent.message.term, mirror.seen[sent.message.name][sent.nth])
        rows = (row for row in mirror.table.rows if row.receives is sent.message)
        for carrier, pattern in dict(pair for row in rows for pair in row.opens).items():
            if run.values.get(carrier):
                match(run, pattern, run.values[carrier])
        return self._apart.setdefault(sent, run.values)

    # --- octets of a value -------------------------------------------------------------------------------------------

    def _octets(self, line: Line, slot: Term, ground: Value, known: Mapping[Term, Any]) -> bytes:
        made = self._of_certificate(ground) or self._of_object(line, ground, known) or self._of_session(ground)
        if made is not None:
            return cbor.bstr(made) if slot.sort.size == "item" and ground.head != "cose_key" else made
        if ground.args is None and ground.head.lstrip("-").isdigit():
            return cbor.encode(int(ground.head))
        if ground.args is None and slot.label.startswith("EAT_UEID"):
            role = "device" if slot.label.endswith("_I") else "service"
            return cbor.bstr(self.cast.ueid(role, ground))
        raise Inexpressible(f"{slot.label} is to be {ground.head}")

    def _of_certificate(self, ground: Value) -> bytes | None:
        if ground.head not in ("cose_key", "leaf_digest") or ground.args is None:
            return None
        leaf = self.leaf(ground.args[0])
        return leaf.sha256 if ground.head == "leaf_digest" else cbor.encode(cose.cose_key(leaf.public_key))

    def _of_object(self, line: Line, ground: Value, known: Mapping[Term, Any]) -> bytes | None:
        """The digest of an object of this message."""
        if ground.head != "sha256" or ground.args is None:
            return None
        objects = (octets for term, octets in known.items() if self.story.ground(line, term) is ground.args[0])
        return next((sha256(octets).digest() for octets in objects), None)

    def _of_session(self, ground: Value) -> bytes | None:
        """A binder or an identifier of a session that the attacker has keys of."""
        for number, mirror in self.mirrors.items():
            for line in self.story.of_run(number, SEND):
                for term in NAMES.values():
                    if self.story.ground(line, term) is ground:
                        try:
                            return bytes(mirror.run.value(term))
                        except Unbound:
                            continue
        return None

    def leaf(self, certificate: Value) -> Certificate:
        """The leaf that a certificate of the trace is; the implementation's own is the one that it has presented."""
        assert certificate.args is not None
        usage, name, _ = certificate.args
        victim = self.story.victim
        if usage.head != victim.role or name is not self.cast.victim_name:
            return self.cast.leaf(usage.head, certificate)
        mirror = self.mirrors[victim.number]
        return mirror.world.credential(mirror.run.value(CREDENTIAL[victim.letter])).leaf
