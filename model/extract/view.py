"""A role's view of the terms: from templates of the table to templates of the verifier.

`value` is what the role computes: its definition of a slot, what it received, or what an honest sender means.
`reader` extends it by the patterns of what comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..protocol.attestation import WAIVER
from ..terms import Sort, Term
from ..verifier.protocol import AGENT as AGENT_SORT
from ..verifier.protocol import EXPONENT, Symbol, Template
from . import hosts, interface, proofs, psa, tpm
from .algebra import KEEPS, MACS, OCTETS_32, SIZES, WORLD, derived, made_from
from .modes import Mode

KIND = {"I": "device", "R": "service"}
"""Usage that the certificate of a side is for."""
AGENT = {"I": "D", "R": "S"}
"""Name of a side's agent in every role."""
AUTHORITY, VERIFIER_KEY, ZERO_SHARE, NOTHING = "waiver authority", "key of the verifier", "zero", "nothing"
RESULT = "result"
"""Results are signed with no external_aad: that is what tells them from all else. So are PSA tokens, elsewhere."""
TRANSPARENT = frozenset({"bstr", "tag", "compact", "cred", "present"})
"""Symbols of one argument that add nothing to it: framing, and the credential that a whole certificate is."""
STRUCTURE = frozenset({"seq", "array", "concat", "map"})


def tuple_of(parts: Iterable[Template | None]) -> Template | None:
    """A tuple of what is kept; None when nothing is."""
    left = [p for p in parts if p is not None]
    return None if not left else left[0] if len(left) == 1 else ("tuple", *left)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is fixed while one role is extracted.

    `off`: checks that are not made. `erased`: labels of slots of which nothing is kept. `signed`: for each signature
    slot the check that verifies it. `choices`: which reading a role takes where there are several. `forwarded`:
    evidence that is judged by a verifier, by the letter of the attester.
    """

    mode: Mode
    off: frozenset[str]
    erased: frozenset[str]
    signed: Mapping[Term, str]
    choices: Mapping[str, str] = field(default_factory=dict)
    forwarded: Mapping[str, Term] = field(default_factory=dict)
    confirms: bool = False
    """Each DATA of a device has a confirmation of its user with it."""
    chained: bool = False
    """All DATA has a processing chain behind it."""


@dataclass(slots=True)
class Declarations:
    """What the templates made so far need to be declared."""

    symbols: dict[str, Symbol] = field(default_factory=lambda: {symbol.name: symbol for symbol in WORLD})
    constants: dict[str, str] = field(default_factory=dict)

    def constant(self, name: str, sort: str) -> str:
        """A public constant."""
        self.constants.setdefault(name, sort)
        return name

    def symbol(self, symbol: Symbol) -> str:
        """A symbol that is used."""
        return self.symbols.setdefault(symbol.name, symbol).name


class View:
    """One role on its way: what it holds, what it has received, and the names that it has introduced."""

    def __init__(self, role: str, letter: str, setting: Setting, declared: Declarations) -> None:
        self.role, self.letter, self.setting, self.declared = role, letter, setting, declared
        self.values: dict[Term, Template | None] = {}
        self.variables: dict[str, str] = {}
        self.fresh: dict[str, str] = {}
        self.drawn: dict[str, int] = {}
        self.hidden: frozenset[Term] = frozenset()
        """Terms of which nothing is kept where they stand now: they go another way."""
        self._transcript = False

    def value(self, term: Term) -> Template | None:
        """The value of a term; None when nothing of it is kept.

        Raises:
            LookupError: the role cannot know it.
        """
        if term in self.hidden or (self._transcript and term in self.setting.signed):
            return None
        if term in self.values:
            return self.values[term]
        if term.op == "slot":
            return self._slot(term)
        if term.op == "name":
            return self._name(term)
        if term.op == "const":
            return self._constant(term.params[0], term.params[1])
        if term.op == "octets":
            return self._octets(term)
        if term.op == "tag" and term.params[0] == 18:
            return self._token(term)
        if term.op in TRANSPARENT:
            return self.value(term.args[0])
        if term.op in STRUCTURE:
            return tuple_of(self.value(a) for a in term.args)
        return self._apply(term)

    def need(self, term: Term) -> Template:
        """The value of a term of which something is kept.

        Raises:
            LookupError: nothing is, or the role cannot know it.
        """
        found = self.value(term)
        if found is None:
            raise LookupError(f"{self.role}: nothing is kept of {term!r}")
        return found

    def anew(self, role: str, letter: str) -> View:
        """The view of a role that holds nothing yet, under the same setting."""
        return View(role, letter, self.setting, self.declared)

    def renew(self, names: Iterable[Term]) -> None:
        """Draw these names anew."""
        for name in names:
            self.drawn[name.label] = self.drawn.get(name.label, 0) + 1

    def sort_of(self, template: Template) -> str:
        """Sort of a template of this role."""
        if isinstance(template, str):
            for known in (self.fresh, self.variables, self.declared.constants):
                if template in known:
                    return known[template]
            return AGENT_SORT
        return self.declared.symbols[str(template[0])].result

    @property
    def agent(self) -> str:
        """The name of the agent of this side."""
        return AGENT[self.letter]

    # --- leaves ------------------------------------------------------------------------------------------------------

    def _slot(self, slot: Term) -> Template | None:
        if slot.label in self.setting.erased or self.setting.signed.get(slot) in self.setting.off:
            return None
        if slot.label == f"WAIVER_{self.letter}":
            return self.value(WAIVER[self.letter].term) if self.setting.mode.waives(self.letter) else None
        way = slot.defs.get(self.role) or slot.means
        if way is None:
            raise LookupError(f"{self.role} has no value for {slot.label}")
        return self.value(way)

    def _name(self, name: Term) -> Template | None:
        base, others = name.label.removesuffix(f"_{self.letter.lower()}"), "r" if self.letter == "I" else "i"
        if name.label.endswith(f"_{others}") or name.label == {"I": "y", "R": "x"}[self.letter]:
            raise LookupError(f"{self.role} does not hold {name.label}")
        if name.label in ("x", "y"):
            return self.draw(name.label, EXPONENT)
        found = self._held(base)
        if found is not None:
            return found
        if base == "eat_further":
            return interface.told(self)
        if base == "sequence":
            return self.draw(name.label, "number")
        if name.sort.size in SIZES:
            return self.draw(name.label, SIZES[name.sort.size])
        return self.declared.constant(name.label, plain_sort(name.sort))

    def held(self) -> dict[str, Template]:
        """What a platform holds, and what its configuration says."""
        agent, kind = AGENT[self.letter], self.declared.constant(KIND[self.letter], "usage")
        key = ("sk", kind, agent)
        certificate: Template = ("cert", kind, agent, key)
        if hosts.is_virtual(self, self.letter):
            certificate = (hosts.VIRTUAL, kind, agent, hosts.HOST, key)
        software = self.setting.choices.get("software", "expected")
        return {
            "id_cred": certificate, "sk": key, "idk": self.cose_key(certificate), "ueid": agent,
            "ak": ("ak", agent), "ak_chain": ("akcert", agent, ("ak", agent)), "suites": "SUITES",
            "flags": self.declared.constant(self.setting.mode.flags(self.letter), "flags"),
            "measurements": self.declared.constant(software, "measurements"),
            AUTHORITY.replace(" ", "_"): AUTHORITY, "sk_verifier": VERIFIER_KEY,
        }  # fmt: skip

    def _held(self, base: str) -> Template | None:
        known = {"tpm": tpm.held, "psa": psa.held, "pba": proofs.held}.get(base[:3])
        return self.held().get(base) if known is None else known(self, base)

    def draw(self, label: str, sort: str) -> str:
        """A fresh value: the same one until `renew`."""
        number = self.drawn.setdefault(label, 1)
        name = label if number == 1 else f"{label} {number}"
        self.fresh.setdefault(name, sort)
        return name

    def _octets(self, term: Term) -> str | None:
        """Octets in which nothing is said are left out."""
        content = term.params[0]
        assert isinstance(content, bytes)
        text = tpm.OCTETS.get(content)
        return None if text is None else self.declared.constant(text, f"tpm_{len(content)}")

    def _constant(self, kind: object, value: object) -> str:
        if kind in ("bool", "int"):
            return self.declared.constant(str(value), "number")
        text = value.decode() if isinstance(value, bytes) else str(value)
        return self.declared.constant(text or RESULT, "text")

    # --- symbols -----------------------------------------------------------------------------------------------------

    def _apply(self, term: Term) -> Template | None:
        if term.op in _MAKERS:
            return _MAKERS[term.op](self, term)
        args = [self.value(term.args[i]) for i in KEEPS.get(term.op, range(len(term.args)))]
        if any(a is None for a in args):
            return None
        return (self.declared.symbol(made_from(term.op)), *(_once(a) for a in args if a is not None))

    def _token(self, term: Term) -> Template | None:
        """COSE_Sign1: the signature alone, which its content comes out of; without its check the content alone."""
        slot = term.args[0].args[3].args[0]
        signature = slot.means
        assert signature is not None
        if self.setting.signed[slot] in self.setting.off:
            return self.value(signature.args[1])
        return self.value(slot)

    def _transcript_hash(self, term: Term) -> Template | None:
        """Signatures are left out of transcripts: they are functions of what else is there."""
        outer, self._transcript = self._transcript, True
        try:
            content = self.value(term.args[0])
        finally:
            self._transcript = outer
        return None if content is None else (self.declared.symbol(made_from("hash")), _once(content))

    def _derive(self, term: Term) -> Template:
        """Keys that are only derived from are left out: a chain of derivations is one symbol."""
        root, context = self.need(term.args[0]), self.value(term.args[1])
        label, size = term.params
        if label in MACS:
            context = None
        chain: tuple[Template, ...] = (root,)
        path = f"key {label}"
        if isinstance(root, tuple) and str(root[0]).startswith("key "):
            path, chain = f"{root[0]}.{label}", root[1:]
        args = chain if context is None else (*chain, _once(context))
        sort = SIZES.get(size, OCTETS_32) if isinstance(size, int | str) else OCTETS_32
        return (self.declared.symbol(derived(path, len(args), sort)), *args)

    def _dh(self, term: Term) -> Template:
        exponent, share = self.need(term.args[0]), self.need(term.args[1])
        return share if share == ZERO_SHARE else ("dh", exponent, share)

    def _sealed(self, term: Term) -> Template:
        return self.protect(term, self.value(term.args[3]), "")

    def protect(self, term: Term, plaintext: Template | None, twin: str) -> Template:
        """An AEAD term around a plaintext of which perhaps nothing is kept; a symbol for each kind of key."""
        key = self.need(term.args[0])
        symbol = self.declared.symbol(replace(made_from("aead"), name=f"aead {key[0]}"))
        return (symbol + twin, key, plaintext or self.declared.constant(NOTHING, "text"))

    def _succ(self, term: Term) -> Template:
        before = self.need(term.args[0])
        if isinstance(before, str) and before.isdigit():
            return self._constant("int", int(before) + 1)
        return (self.declared.symbol(made_from("succ")), before)

    def _key_of(self, term: Term) -> Template:
        return self.need(term.args[0])[-1]

    def signature(self, key: Template, message: Template) -> tuple[str, Template, Template]:
        """A signature over a message; a symbol for each kind of message, which its own text tells from others."""
        content = _once(message)
        texts = [p for p in content if p in self.declared.constants and self.declared.constants[p] == "text"]
        kind = str(texts[-1]).removeprefix("tc1-") if texts else "by a TPM"
        kind = "psa token" if kind == RESULT and not self.setting.forwarded else kind
        return (self.declared.symbol(replace(made_from("sign"), name=f"sign {kind}")), key, content)

    def cose_key(self, certificate: Template) -> Template:
        """The key in a certificate. Where nobody judges the certificate, another may hold the same key."""
        return ("public key", certificate[-1]) if self.setting.forwarded else ("cose_key", certificate)

    def authority_key(self, term: Term) -> Template:
        """The key that a waiver is signed with."""
        return AUTHORITY


def plain_sort(sort: Sort) -> str:
    """Sort of a hole that nothing else types: by its grammar, its size, or its name."""
    if sort.grammar in ("int", "uint"):
        return "number"
    return SIZES.get(sort.size) or sort.grammar or sort.name


def _once(content: Template) -> Template:
    """A tuple within a symbol, flat and with each application once: both sides build it in the same way."""
    left: list[Template] = []
    for part in _members(content):
        if isinstance(part, str) or part not in left:
            left.append(part)
    return left[0] if len(left) == 1 else ("tuple", *left)


def _members(content: Template) -> Iterator[Template]:
    if isinstance(content, tuple) and content[0] == "tuple":
        for part in content[1:]:
            yield from _members(part)
    else:
        yield content


_MAKERS: dict[str, Callable[[View, Term], Template | None]] = {
    "hash": View._transcript_hash,
    "kdf": View._derive,
    "export": View._derive,
    "share": lambda view, term: ("dh", view.need(term.args[0])),
    "dh": View._dh,
    "stream": lambda view, term: view.value(term.args[2]),
    "aead": View._sealed,
    "public_key": View._key_of,
    "cose_key": lambda view, term: view.cose_key(view.need(term.args[0])),
    "chain_key": View._key_of,
    "device_id": lambda view, term: view.need(term.args[0])[2],
    "chain_digest": lambda view, term: None,
    "authority_key": lambda view, term: view.authority_key(term),
    "succ": View._succ,
    "property_proofs": lambda view, term: proofs.proved(view),
    "sign": lambda view, term: view.signature(view.need(term.args[0]), view.need(term.args[1])),
}
