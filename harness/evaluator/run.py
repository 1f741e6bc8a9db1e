"""One run of one role: the values it holds, computed on demand and forgotten with what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from ...model.checks import CHECKS
from ...model.protocol.edhoc import SUITES_I
from ...model.table import Form, Holds, Step, TagVerifies, Verifies
from ...model.terms import Term, dependents
from ..codec.cbor import STRICT, Strictness, decode
from ..crypto.random import Random
from ..crypto.signatures import ES256, SignatureAlgorithm
from ..crypto.suites import SUITES, Suite
from ..tpm.signature import TPM_SIGNATURE
from .errors import CheckFailed
from .registry import MAKERS

Signer = Callable[[bytes], bytes]
Exporter = Callable[["Run", Any, int, bytes, int | str], bytes]
"""From a run, its channel secret, label, context and length to exported octets."""


def edhoc_exporter(run: Run, secret: bytes, label: int, context: bytes, length: int | str) -> bytes:
    """EDHOC_Exporter, RFC 9528 section 4.2.1."""
    return run.suite.edhoc_kdf(secret, label, context, run.length(length))


class Provider(Protocol):
    """What a run asks of the world around it."""

    def given(self, label: str) -> Any:
        """Value of an atom: octets, or a handle for a secret. Raises KeyError for what this party does not have."""

    def look_up(self, symbol: str, argument: bytes) -> Any:
        """Value of a symbol that the world decides: credentials, keys in them, digests of them."""

    def judge(self, check: str, arguments: tuple[bytes, ...]) -> None:
        """A predicate of the world; raises `CheckFailed`."""


TPM_SIGNATURE_LABEL = "TPM"


def _lengths(suite: Suite) -> dict[str, int]:
    """Octets of the sizes that a suite fixes."""
    return {
        "share": suite.curve.share_length,
        "hash": suite.hash_length,
        "mac": suite.mac_length,
        "signature": suite.signature.length,
        "key": suite.aead.key_length,
        "nonce": suite.aead.nonce_length,
    }


_LENGTHS = {number: _lengths(suite) for number, suite in SUITES.items()}
_UNKNOWN = object()
"""Stands for a value that no term has."""


class Run:
    """Values of one role in one session.

    `off` are names of checks that are not made. `pinned` replaces what a term evaluates to, wherever it stands, by a
    value or by a function of the honest value: parents are computed over that, so that they are signed and encrypted
    again.
    """

    __slots__ = ("_suite", "blind", "bound", "exporter", "off", "pinned", "provider", "rng", "role", "rules", "values")

    def __init__(
        self,
        role: str,
        provider: Provider,
        rng: Random,
        *,
        off: frozenset[str] = frozenset(),
        rules: Strictness = STRICT,
    ) -> None:
        self.role = role
        self.provider = provider
        self.rng = rng
        self.off = off
        self.rules = rules
        self.values: dict[Term, Any] = {}
        self.bound: set[Term] = set()
        self.pinned: dict[Term, Any] = {}
        self.blind: tuple[Term, ...] = ()
        self._suite: Suite | None = None
        self.exporter: Exporter = edhoc_exporter

    @contextmanager
    def reading_variants(self) -> Iterator[None]:
        """Read what is inside in any encoding with definite lengths, by the other rules as before."""
        before = self.rules
        self.rules = replace(before, deterministic=False, definite=before.deterministic)
        try:
            yield
        finally:
            self.rules = before

    # --- values ------------------------------------------------------------------------------------------------------

    def value(self, term: Term) -> Any:
        """Value of a term; computed once.

        Raises:
            Unbound: this role cannot know it yet.
        """
        made = self.values.get(term, _UNKNOWN)
        if made is _UNKNOWN:
            made = self.values[term] = self._lie(term) if term in self.pinned else MAKERS[term.op](self, term)
        return made

    def _lie(self, term: Term) -> Any:
        lie = self.pinned[term]
        return lie(MAKERS[term.op](self, term)) if callable(lie) else lie

    # --- binding and forgetting --------------------------------------------------------------------------------------

    def bind(self, term: Term, data: bytes) -> None:
        """A received value."""
        self.values[term] = data
        self.bound.add(term)

    def unbind(self, slots: Iterable[Term]) -> None:
        """Forget earlier receptions of these slots and whatever was computed from them."""
        again = self.bound.intersection(slots)
        if again:
            self.bound -= again
            self.forget(again)

    def forget(self, leaves: Iterable[Term]) -> None:
        """Forget slots or atoms, and every value that depends on one of them."""
        values, kept = self.values, self.bound
        for leaf in leaves:
            if leaf not in values:
                continue  # Never asked for, so nothing was computed from it.
            del values[leaf]
            for term in dependents(leaf):
                if term not in kept:
                    values.pop(term, None)
            if leaf is SUITES_I:
                self._suite = None

    def assign(self, pairs: Iterable[tuple[Term, Term]]) -> None:
        """Assign registers, all right-hand sides first."""
        computed = [(register, self.value(source)) for register, source in pairs]
        if not computed:
            return
        self.forget([register for register, _ in computed])
        self.values.update(computed)
        self.bound.update(register for register, _ in computed)

    def redraw(self, atoms: Iterable[Term]) -> None:
        """Ask anew for fresh atoms."""
        self.forget(atoms)

    # --- the cipher suite --------------------------------------------------------------------------------------------

    @property
    def suite(self) -> Suite:
        """The selected suite: the last of SUITES_I (RFC 9528 section 3.6).

        Raises:
            CheckFailed: no such suite here; whatever the switches, nothing can be computed without one.
        """
        if self._suite is None:
            number = self.selected_suite()
            if number not in SUITES:
                raise CheckFailed("suite_is_most_preferred", f"suite {number} is not supported")
            self._suite = SUITES[number]
        return self._suite

    def selected_suite(self) -> int:
        """Number of the selected suite, known to us or not."""
        suites = decode(self.value(SUITES_I), rules=self.rules)
        selected = suites[-1] if isinstance(suites, list) else suites
        assert isinstance(selected, int)
        return selected

    def algorithm(self, label: str) -> SignatureAlgorithm:
        """Signature algorithm of a `sign` term or a `Verifies` form."""
        if label == TPM_SIGNATURE_LABEL:
            return TPM_SIGNATURE
        return self.suite.signature if label == "suite" else ES256

    def length(self, size: int | str) -> int:
        """Octets of a size that a sort or a symbol names."""
        return size if isinstance(size, int) else _LENGTHS[self.suite.number][size]

    # --- checks ------------------------------------------------------------------------------------------------------

    def judge(self, step: Step) -> None:
        """One check of a row, unless it is switched off.

        Raises:
            CheckFailed: it refuses.
        """
        name = step.check.name
        if name in self.off:
            return
        self._judge(name, step.form)

    def _judge(self, name: str, form: Form) -> None:
        if isinstance(form, Holds):
            self.provider.judge(name, tuple([self.value(argument) for argument in form.arguments]))
        elif isinstance(form, Verifies):
            self._verify(name, form)
        elif not isinstance(form, TagVerifies):
            expected = form.expected if form.expected is not None else form.slot.means
            assert expected is not None, form.slot
            if self.value(form.slot) != self.value(expected):
                raise CheckFailed(name, f"{form.slot.label} is not what it must be")

    def _verify(self, name: str, form: Verifies) -> None:
        key, signature, message = self.value(form.key), self.value(form.slot), self.value(form.message)
        try:
            self.algorithm(form.algorithm).verify(key, signature, message)
        except ValueError as error:
            raise CheckFailed(name, f"{form.slot.label}: {error}") from error


def check_names(names: Iterable[str]) -> frozenset[str]:
    """Names of checks to switch off.

    Raises:
        KeyError: a name that is no check.
    """
    chosen = frozenset(names)
    for name in chosen:
        if name not in CHECKS:
            raise KeyError(name)
    return chosen
