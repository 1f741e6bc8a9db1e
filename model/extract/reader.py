"""What a role takes in: patterns, and what each check that is on makes of a slot.

A check that is on turns a slot into its meaning, a verified signature into the signature itself, a tag into the strong
symbol. With the check off the slot is a free variable of the type of what should stand there, the symbol its weak twin.
What a predicate over the world is worth stands in `_WORLD`: a certificate on a valid path holds the key of the agent it
names; it names the agent that is meant; revocation data says what it says.
"""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.frames import SIDES
from ..protocol.session import TIER_OF
from ..symbols import SHARE, received_slots
from ..table import Equals, Holds, Step, Transition, Verifies
from ..terms import Term
from ..verifier.protocol import AGENT as AGENT_SORT
from ..verifier.protocol import GROUP, Match, Recv, Template
from ..verifier.protocol import Step as VerifierStep
from . import asked, chains, hosts, interface, proofs, psa, tpm
from .algebra import PRIVATE_KEY
from .view import (
    AGENT,
    AUTHORITY,
    KIND,
    STRUCTURE,
    TRANSPARENT,
    VERIFIER_KEY,
    ZERO_SHARE,
    Declarations,
    Setting,
    View,
    plain_sort,
    tuple_of,
)

ANY, EARLY, IDENTITY, OTHER, UNRESTRICTED = "any", "early", "identity", "other", "unrestricted"
"""Readings that switched off checks allow: of a key, of the order, of a certificate and of its usage."""
EXPECTED, PREFERRED = "expected", "preferred suite last"
MEETS = {
    "measurements_match_reference_values": (EXPECTED, "measurements"),
    "tpm_pcrs_match_reference_values": (EXPECTED, "measurements"),
    "psa_components_match_reference_values": (EXPECTED, "measurements"),
    "psa_implementation_is_known": (psa.KNOWN, psa.IMPLEMENTATION),
    "suite_is_most_preferred": (PREFERRED, "suites"),
}
"""The value that a predicate lets pass, and its sort."""
CARRIERS = frozenset({"WAIVER", "DATA_ENVIRONMENT"})
"""Slots whose content is read by a row, or else is absent in an honest message."""


class Reader(View):
    """A view that receives."""

    def __init__(self, role: str, letter: str, setting: Setting, declared: Declarations) -> None:
        super().__init__(role, letter, setting, declared)
        self._on: frozenset[str] = frozenset()
        self._steps: dict[Term, Step] = {}
        self._opened: dict[Term, Term] = {}
        self._pending: set[Term] = set()
        self._asked: list[VerifierStep] = []
        self.before: list[VerifierStep] = []
        """What must have come in before the message that is being received."""

    def take(self, row: Transition) -> tuple[Template | None, list[VerifierStep]]:
        """The pattern of what a row receives, and what its checks ask of the world besides."""
        self._on = frozenset(s.check.name for s in row.checks) - self.setting.off
        self._steps = {slot: s for s in row.checks if (slot := _subject(s)) is not None}
        self._opened = dict(row.opens)
        patterns = (row.receives.term, *self._opened.values())
        self._pending = {slot for p in patterns for slot in received_slots(p)} - set(row.receives.blind)
        self._asked, self.before = [], []
        pattern = self.receive(row.receives.term)
        for step in row.checks:
            ask = _WORLD.get(step.check.name)
            if ask is not None and step.check.name in self._on:
                ask(self, step)
        return pattern, self._asked

    def value(self, term: Term) -> Template | None:
        """As in `View`, with what is just being received."""
        if term in self._pending and not (self._transcript and term in self.setting.signed):
            return self._bind(term)
        return super().value(term)

    def receive(self, term: Term) -> Template | None:
        """The pattern for a term that comes in."""
        if term in self.hidden:
            return None
        if term.op == "tag" and term.params[0] == 18:
            return self._token(term)
        if term.op in TRANSPARENT:
            return self.receive(term.args[0])
        if term.op in STRUCTURE:
            return tuple_of(self.receive(a) for a in term.args)
        if term.op == "stream":
            return self.receive(term.args[2])
        if term.op == "aead":
            return self.protect(term, self.receive(term.args[3]), "~" if term.params[0] in self.setting.off else "")
        return self.value(term)

    def ask(self, step: VerifierStep) -> None:
        """Ask something of the world once."""
        if step not in self._asked:
            self._asked.append(step)

    def is_on(self, check: str) -> bool:
        """Whether the row that takes in makes this check."""
        return check in self._on

    def authority_key(self, term: Term) -> Template:
        """The key that a waiver, or a result, must be signed with."""
        whose = VERIFIER_KEY if term.args[0].label.startswith("EAR_") else AUTHORITY
        pinned = self.setting.choices.get(whose) != ANY
        return whose if pinned else self.variable(f"key of {term.args[0].label}", PRIVATE_KEY)

    # --- slots -------------------------------------------------------------------------------------------------------

    def _bind(self, slot: Term) -> Template | None:
        self._pending.discard(slot)
        found = self.values[slot] = self._meaning(slot)
        return found

    def _meaning(self, slot: Term) -> Template | None:
        if slot in self._opened:
            return self.receive(self._opened[slot])
        if slot.label in self.setting.erased or self.setting.signed.get(slot) in self.setting.off:
            return None
        base, letter = slot.label[:-2], slot.label[-1]
        if base in CARRIERS:
            return None
        special = _SLOTS.get(base)
        if special is not None:
            return special(self, letter)
        step = self._steps.get(slot)
        if step is None or step.check.name in self.setting.off:
            return self._free(slot, step)
        if isinstance(step.form, Verifies):
            return self.signature(self.need(step.form.key), self.need(step.form.message))
        expected = _expected(step)
        return self._free(slot, step) if expected is None else self.value(expected)

    def _free(self, slot: Term, step: Step | None) -> Template | None:
        """A variable of the type of what should stand there; None where an honest message has nothing."""
        if slot.sort is SHARE:
            zero = self.setting.choices.get("share") == ZERO_SHARE
            return self.declared.constant(ZERO_SHARE, "share") if zero else self.variable(slot.label, GROUP)
        expected = slot.means if step is None else _expected(step)
        try:
            meant = slot.label if expected is None else self.value(expected)
        except LookupError:
            meant = slot.label
        if meant == slot.label:
            return self.variable(slot.label, plain_sort(slot.sort))
        return None if meant is None else self._like(slot.label, meant)

    def _like(self, label: str, meant: Template) -> Template:
        if isinstance(meant, tuple) and meant[0] == "tuple":
            return ("tuple", *(self._like(f"{label} {n}", part) for n, part in enumerate(meant[1:])))
        return self.variable(label, self.sort_of(meant))

    def variable(self, label: str, sort: str) -> str:
        """A new variable, named after what it stands for."""
        number = 1
        while (name := label if number == 1 else f"{label} {number}") in self.variables:
            number += 1
        self.variables[name] = sort
        return name

    # --- certificates ------------------------------------------------------------------------------------------------

    def credential(self, letter: str) -> Template:
        """A peer's certificate, as far as the checks that are on determine it."""
        check, choices = f"cred_{letter.lower()}", self.setting.choices
        meant = {f"{check}_is_intended", f"{check}_is_authorised"} & self._on
        usage = self.declared.constant(KIND["IR".replace(letter, "") if choices.get("usage") else letter], "usage")
        agent = AGENT[letter] if meant else self.variable(f"name of {letter}", AGENT_SORT)
        key: Template = ("sk", usage, agent)
        if choices.get("identity key") == ANY:
            key = self.variable(f"key of {letter}", PRIVATE_KEY)
        if hosts.is_virtual(self, letter):
            if self.is_on(f"{check}_virtual_root_is_endorsed"):
                key = self.variable(f"key of {letter}", PRIVATE_KEY)
            return (hosts.VIRTUAL, usage, agent, hosts.HOST, key)
        return ("cert", usage, agent, key)

    def attestation_certificate(self, letter: str, names: str = "ak_names_peer_device") -> Template:
        """The certificate of an attestation key; with both checks on its use off, an identity certificate passes.

        `names`: the check that it names the platform of the peer.
        """
        peer = self.need(SIDES[letter].party.id_cred)
        agent = peer[2] if self.is_on(names) else self.variable(f"platform of {letter}", AGENT_SORT)
        keys: dict[str, Template] = {
            IDENTITY: ("sk", self.declared.constant(KIND[letter], "usage"), agent),
            UNRESTRICTED: ("loose ak", agent),
        }
        choice = self.setting.choices.get("attestation key", "")
        if choice == ANY:
            return ("akcert", agent, self.variable(f"attestation key of {letter}", PRIVATE_KEY))
        return ("akcert", agent, keys.get(choice, ("ak", agent)))

    def other_certificate(self, letter: str) -> Template:
        """The certificate that comes with an environment object: its path is judged through the evidence's alone."""
        step = next(s for slot, s in self._steps.items() if slot.label == f"ENV_CHAIN_{letter}")
        if self.setting.choices.get("environment key") != ANY:
            expected = _expected(step)
            assert expected is not None
            return self.need(expected)
        agent = self.variable(f"platform of {letter}", AGENT_SORT)
        return ("akcert", agent, self.variable(f"environment key of {letter}", PRIVATE_KEY))

    def peer_key(self, letter: str) -> Template:
        """The key in the certificate of a peer."""
        return self.need(SIDES[letter].party.id_cred)[-1]

    def measured(self, label: str, check: str) -> Template:
        """Measurements that the reference values allow, or any."""
        judged = self.is_on(check) and self.setting.choices.get("policy") != asked.OTHER
        return self.declared.constant(EXPECTED, "measurements") if judged else self.variable(label, "measurements")

    def measurements(self, letter: str) -> Template:
        """Those in a token."""
        return self.measured(f"MEASUREMENTS_{letter}", "measurements_match_reference_values")

    def suites(self, letter: str) -> Template:
        """The list that leads to the suite which both prefer, or one that leads to another."""
        if "suite_is_most_preferred" in self._on:
            return self.declared.constant(PREFERRED, "suites")
        return self.variable(f"SUITES_{letter}", "suites")

    def other_measurements(self, letter: str) -> Template:
        """Measurements in an environment object: whatever was attested."""
        return self.variable(f"ENV_MEASUREMENTS_{letter}", "measurements")

    def flags(self, letter: str) -> Template:
        """The flags that lead into this mode."""
        return self.declared.constant(self.setting.mode.flags(letter), "flags")

    def tier(self, letter: str) -> Template:
        """The tier that fits the direction; others end the session."""
        tier = TIER_OF[self.setting.mode.direction("R" if letter == "I" else "I")]
        return self.declared.constant(str(int(tier)), "number")

    def sequence(self, letter: str) -> Template:
        """A sequence number that differs from those before it in this session."""
        before = [v for v in self.variables if v.startswith(f"LABEL_SEQ_{letter}")]
        found = self.variable(f"LABEL_SEQ_{letter}", "number")
        if "label_seq_increases" in self._on:
            self._asked.extend(Match(found, other, equal=False) for other in before)
        return found


_SLOTS: dict[str, Callable[[Reader, str], Template]] = {
    "ID_CRED": Reader.credential,
    "EAT_CHAIN": Reader.attestation_certificate,
    "ENV_CHAIN": Reader.other_certificate,
    "MEASUREMENTS": Reader.measurements,
    "ENV_MEASUREMENTS": Reader.other_measurements,
    "SUITES": Reader.suites,
    "FLAGS": Reader.flags,
    "TIER": Reader.tier,
    "LABEL_SEQ": Reader.sequence,
    "EAT_FURTHER": interface.named,
    **tpm.SLOTS,
    **psa.SLOTS,
    **proofs.SLOTS,
    **asked.SLOTS,
    **chains.SLOTS,
}
"""Slots that predicates speak of, by the label without its letter."""


def _not_mine(reader: Reader, step: Step) -> None:
    assert isinstance(step.form, Holds)
    own = reader.held()["id_cred"]
    reader.ask(Match(own, reader.need(step.form.arguments[0]), equal=False))


def _leaf_in_force(reader: Reader, step: Step) -> None:
    assert isinstance(step.form, Holds)
    reader.ask(Recv(("not_revoked", reader.need(step.form.arguments[0])[2]), "revocation data"))


def _ak_in_force(reader: Reader, step: Step) -> None:
    assert isinstance(step.form, Holds)
    reader.ask(Recv(("ak_not_revoked", reader.need(step.form.arguments[0])[1]), "revocation data"))


_WORLD: dict[str, Callable[[Reader, Step], None]] = {
    "cred_r_is_not_mine": _not_mine,
    "cred_i_is_not_mine": _not_mine,
    "cred_r_is_not_revoked_locally": _leaf_in_force,
    "cred_i_is_not_revoked_locally": _leaf_in_force,
    "peer_leaf_is_not_revoked": _leaf_in_force,
    "ak_is_not_revoked": _ak_in_force,
    "env_quote_is_of_the_same_start": tpm.same_start,
    "env_token_is_of_the_same_start": tpm.same_start,
    "collected_items_are_of_one_start": tpm.one_start,
    "psa_leaf_shows_custody": psa.shows_custody,
    **hosts.WORLD,
}
"""Predicates that ask the world for something, beside what they make of a slot."""


def _subject(step: Step) -> Term | None:
    """The slot that a check is about, if it determines one."""
    if isinstance(step.form, Equals | Verifies):
        return step.form.slot
    return step.form.binds if isinstance(step.form, Holds) else None


def _expected(step: Step) -> Term | None:
    form = step.form
    if isinstance(form, Equals):
        return form.expected if form.expected is not None else form.slot.means
    return form.binds.means if isinstance(form, Holds) and form.binds is not None else None
