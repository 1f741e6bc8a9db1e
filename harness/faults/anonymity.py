"""Faults of anonymity: peers that show in one session what they have shown in another, and who lets them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.edhoc import C_I, C_R, X, Y
from ...model.protocol.frames import FLAG_ANONYMOUS, SIDES
from ...model.protocol.labels import LABEL
from ...model.terms import Term
from ..codec import cbor
from ..identity.credential_checks import PSEUDONYM_LIFETIME
from ..identity.credentials import TrustAnchors
from ..identity.world import Memory, World
from .fault import DEVICE, SERVICE, Fault, fault
from .operators import accepts, number, policy
from .peer import FaultyEndpoint
from .run import FaultyRun, Lie

_KEPT: list[tuple[Memory, dict[str, Any]]] = []
"""What a platform keeps from its first session on, until it is started again."""


def _first(world: World, name: str, value: Any) -> Any:
    """The value that the platform had of this the first time."""
    kept = next((values for memory, values in _KEPT if memory is world.memory), None)
    if kept is None:
        kept = {}
        _KEPT.append((world.memory, kept))
        del _KEPT[:-8]
    return kept.setdefault(name, value)


def _again(name: str) -> Lie:
    """A peer under a pseudonym shows of this what it has shown first."""
    return lambda run, honest: _first(run.world, name, honest) if run.world.pseudonym else honest


def _own_number(name: str, of: Callable[[World], bytes]) -> Lie:
    """A number that only this platform has."""

    def lie(run: FaultyRun, honest: Any) -> Any:
        if not run.world.pseudonym:
            return honest
        return cbor.encode(_first(run.world, name, int.from_bytes(of(run.world)[-2:], "big")))

    return lie


def _platform(world: World) -> bytes:
    return world.credentials.leaf.sha256


def _of_both(term: Callable[[str], Term], lie: Lie) -> dict[Term, Lie]:
    return {term(letter): lie for letter in SIDES}


def _boot_seed(run: FaultyRun, honest: bytes) -> bytes:
    if not run.world.pseudonym:
        return honest
    return cbor.encode(268) + cbor.encode(_first(run.world, "boot seed", _platform(run.world)))


def _same_leaf(world: World) -> World:
    """One pseudonym for all relying parties."""
    if not world.pseudonym:
        return world
    credentials, tam = _first(world, "pseudonym", (world.credentials, world.tam))
    return replace(world, credentials=credentials, tam=tam)


def _same_key(world: World) -> World:
    """One attestation key for all of its pseudonyms."""
    if not world.pseudonym:
        return world
    own = world.credentials
    first, tam = _first(world, "attestation key", (own, world.tam))
    credentials = replace(own, ak=first.ak, ak_chain=first.ak_chain, ak_key=first.ak_key)
    other = replace(world, credentials=credentials)
    if first is not own:
        other.tam = _Signing(world.tam, tam)
    return other


class _Signing:
    """A module that signs evidence by the key of another pseudonym."""

    def __init__(self, own: Any, first: Any) -> None:
        self._own, self.sign_attestation = own, first.sign_attestation

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class _OneCount(FaultyEndpoint):
    """Counts the labels of all pseudonyms together."""

    def __init__(self, role: Any, world: World, **options: Any) -> None:
        super().__init__(role, world, **options)
        given = self.provider.given
        honest = self.world

        def told(label: str) -> Any:
            if label.startswith("sequence") and honest.pseudonym:
                return cbor.encode(max(honest.memory.pseudonyms.values(), default=0))
            return given(label)

        self.provider.given = told  # type: ignore[method-assign]  # An endpoint makes its provider itself.


def _roots(change: Callable[[TrustAnchors], TrustAnchors]) -> Callable[[World], World]:
    """Trusts other roots as well."""
    return lambda world: replace(world, anchors=change(world.anchors))


def _peers(run: World, id_cred: bytes) -> bool:
    leaf = run.credential(id_cred).leaf
    return leaf.lifetime <= PSEUDONYM_LIFETIME + 3600


def anonymity_faults() -> Iterator[Fault]:
    """All faults about anonymity."""
    yield from _linkable()
    for name, requirement, operator, what, world, sentence in (
        ("pseudonyms_by_anybody", "ANO-05", "any of several", "root of pseudonyms",
         _roots(lambda a: replace(a, anonymous_roots=(*a.anonymous_roots, *a.peer_roots))),
         "Pseudonyms of the authorities of identities are accepted."),
        ("identities_by_the_pseudonym_issuer", "ANO-05", "any of several", "root of identities",
         _roots(lambda a: replace(a, peer_roots=(*a.peer_roots, *a.anonymous_roots))),
         "Identities of the issuer of pseudonyms are accepted."),
        ("pseudonyms_always_admitted", "ANO-10", "ignored", "policy", policy(admits_anonymous=lambda _: True),
         "Pseudonyms are admitted whatever the policy."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, world=world)
    yield fault(
        "pseudonym_of_25_hours", "A pseudonym may live for 25 hours.", "ANO-10", "off by one", "lifetime",
        judges={f"cred_{side}_pseudonym_is_short_lived": accepts(_peers) for side in "ri"},
    )  # fmt: skip


def _linkable() -> Iterator[Fault]:
    for name, requirement, what, lies, sentence in (
        ("ueid_kept", "ANO-03", "ueid", _of_both(lambda letter: EVIDENCE[letter].ueid, _again("ueid")),
         "Evidence under every pseudonym names the same platform."),
        ("boot_seed_kept", "ANO-03", "bootseed", _of_both(lambda letter: EVIDENCE[letter].further, _boot_seed),
         "Evidence under a pseudonym holds the boot seed of the platform."),
        ("bootcount_in_clear", "ANO-03", "bootcount",
         _of_both(lambda letter: EVIDENCE[letter].token.bootcount, _own_number("bootcount", _platform)),
         "Evidence under a pseudonym holds the boot count of the platform."),
        ("hello_nonce_kept", "ANO-04", "nonce of HELLO", _of_both(lambda letter: SIDES[letter].nonce, _again("nonce")),
         "A platform has one nonce for all of its HELLOs."),
        ("label_id_kept", "ANO-04", "cti", _of_both(lambda letter: LABEL[letter].cti, _again("cti")),
         "All labels of a platform have one identifier."),
        ("own_interval", "ANO-04", "re-attestation interval",
         _of_both(lambda letter: SIDES[letter].reattest_interval, _own_number("interval", _platform)),
         "A platform asks for evidence again after a time of its own."),
        ("own_age", "ANO-04", "max_age", _of_both(lambda letter: SIDES[letter].max_age, _own_number("age", _platform)),
         "A platform states a greatest age of its own."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, "linkable", what, lies=lies)
    for role, what, terms in ((DEVICE, "G_X", (X, C_I)), (SERVICE, "G_Y", (Y, C_R))):
        exponent, identifier = terms
        yield fault(
            f"{what.lower().replace('_', '')}_kept_for_pseudonyms", f"A platform has one {what} for all pseudonyms.",
            "ANO-04", "linkable", what, role, lies={exponent: _again(what)},
        )  # fmt: skip
        yield fault(
            f"{identifier.label.lower()}_kept_for_pseudonyms",
            f"A platform has one {identifier.label} for all pseudonyms.", "ANO-04", "linkable", identifier.label, role,
            lies={identifier: _again(identifier.label)},
        )  # fmt: skip
    yield fault(
        "flag_4_unset", "A peer under a pseudonym does not say so.", "ANO-02", "omit", "flag 4",
        lies=_of_both(lambda letter: SIDES[letter].flags, number(lambda flags: flags & ~FLAG_ANONYMOUS)),
    )  # fmt: skip
    yield fault(
        "one_pseudonym", "A platform has one pseudonym for all relying parties.", "ANO-02", "linkable", "leaf",
        world=_same_leaf,
    )  # fmt: skip
    yield fault(
        "one_attestation_key", "A platform has one attestation key for all of its pseudonyms.", "ANO-02", "linkable",
        "attestation key", world=_same_key,
    )  # fmt: skip
    yield fault(
        "labels_counted_together", "The labels of all pseudonyms are counted together.", "ANO-04", "linkable",
        "label sequence", endpoint=_OneCount,
    )  # fmt: skip
