"""Evidence of a TPM: the attestation key, quote and certification, registers and log, each with one thing wrong.

The tester's TPM is made of software and signs what it is told, under an attestation CA that the implementation trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..harness.bits import one_bit_other
from ..harness.identity.keys import derive_key
from ..harness.identity.oids import EKU_EAT_AK, EKU_TPM_AK
from ..harness.identity.pki import Issued, LeafSpec, issue_leaf, serial_number
from ..harness.identity.policy import TPM_FORMAT
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.identity.tpm_emulation import REGISTERS
from ..harness.identity.world import World
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling
from ..harness.tester.tpm_faults import FAULTS, GOOD, holding_another, without
from ..harness.tpm.structures import sized
from ..harness.verdict.allowed import Allowed
from ..model.terms import Term
from .attesting import Form, mine, own_data
from .bench import Bench
from .case import Case, citing, fault, for_each
from .forging import binder_over, observed, token_in, with_token
from .parties import LETTERS, tam_of
from .stages import when_open
from .test_evidence import ROLES, att

if TYPE_CHECKING:
    from ..model.protocol.tpm import Attested, Bundle, Environment

REFLECTED = Allowed(frozenset({"alert:22", "alert:23", "alert:24"}), frozenset(), "TPM-09")
"""Evidence with everything wrong that tells one platform from another."""


def bundle_of(iut: Iut) -> Bundle:
    """Terms of the tester's bundle. Raises NeedNotMet where there is none to be spoken of."""
    iut.need_tpm()
    from ..model.protocol.tpm import BUNDLE

    return BUNDLE[mine(iut)]


def environment_of(iut: Iut) -> Environment:
    """Terms of the tester's environment object under a quote. Raises NeedNotMet likewise."""
    iut.need_tpm()
    from ..model.protocol.tpm import ENVIRONMENTS

    return ENVIRONMENTS[mine(iut)]


def attesting(iut: Iut, tpm_ak: Issued | None = None) -> World:
    """The tester offering and accepting TPM evidence alone, with another certificate of its attestation key."""
    world = iut.fresh_world(policy=replace(iut.world.policy, offered=(TPM_FORMAT,), accepted=(TPM_FORMAT,)))
    if tpm_ak is not None:
        world.credentials = replace(world.credentials, tpm_ak=tpm_ak)
    return world


def certificate(iut: Iut, name: str, **changes: Any) -> Issued:
    """A certificate of the tester's attestation key with some fields of its specification replaced."""
    iut.need_tpm()
    serial = serial_number(iut.pki.seed, f"tpm/{iut.opposite}/{name}")
    spec: LeafSpec = replace(iut.pki.tpm_ak_spec(iut.opposite), serial=serial, **changes)
    return issue_leaf(spec, iut.pki.attestation.issuing)


FORM = Form("tpm", attesting, lambda iut: iut.attesting_by_tpm())
refuses, works = FORM.refuses, FORM.works


# --- what is wrong with a bundle -------------------------------------------------------------------------------------


@for_each(fault(role, bad.check, "bundle", name) for role in ROLES for name, bad in FAULTS.items())
def test_bundle(case: Case, bench: Bench) -> None:
    """Evidence, well signed, refused solely because of one thing in the bundle: TPM-02 to TPM-10, TPM-12."""
    tale = FAULTS[case.field].tell(bundle_of(bench.iut))
    refuses(bench, Telling(att(bench.iut), tam=tale))


@for_each(Case(role, ("TPM-01", "TPM-08", "TPM-12"), "accept", field) for role in ROLES for field in GOOD)
def test_good_bundle(case: Case, bench: Bench) -> None:
    """A bundle that differs from the usual in what the profile leaves open is accepted: TPM-01, TPM-08, TPM-12."""
    works(bench, deviation=Telling(att(bench.iut), tam=GOOD[case.field](bundle_of(bench.iut))))


@for_each(Case(role, ("TPM-01", "TPM-04", "TPM-06", "TPM-07", "TPM-14"), "send", "own-bundle") for role in ROLES)
def test_own_bundle(case: Case, bench: Bench) -> None:
    """The implementation's bundle passes every check of a tester that makes them all: TPM-01 to TPM-13."""
    works(bench, off=frozenset())


# --- the certificate of the attestation key --------------------------------------------------------------------------

USAGES = {"tokens-usage-only": (EKU_EAT_AK,), "tokens-usage-too": (EKU_TPM_AK, EKU_EAT_AK), "no-usage": ()}


@for_each(fault(role, "tpm_ak_is_for_tpm", "issue", name) for role in ROLES for name in USAGES)
def test_usage(case: Case, bench: Bench) -> None:
    """Evidence refused solely because the certificate of its key is not for TPM structures alone: TPM-02."""
    issued = certificate(bench.iut, case.field, eku=USAGES[case.field])
    refuses(bench, Telling(att(bench.iut)), world=attesting(bench.iut, issued))


@for_each(
    citing(fault(role, check, "issue", field), "TPM-02")
    for role in ROLES
    for check, field in (
        ("ak_path_verifies", "by-an-authority-of-nobody"),
        ("ak_is_in_validity", "expired"),
        ("ak_is_in_validity", "not-yet-valid"),
    )
)
def test_path(case: Case, bench: Bench) -> None:
    """Evidence refused solely because the path of its key does not verify now: TPM-02."""
    iut = bench.iut
    if case.field.startswith("by"):
        issued = issue_leaf(iut.pki.tpm_ak_spec(iut.opposite), iut.pki.unpinned_authority)
    elif case.field == "expired":
        issued = certificate(iut, case.field, not_before=iut.pki.now - 7200, not_after=iut.pki.now - 3600)
    else:
        issued = certificate(iut, case.field, not_before=iut.pki.now + 3600)
    refuses(bench, Telling(att(iut)), world=attesting(iut, issued))


@for_each(fault(role, "tpm_ak_names_peer_device", "issue", "another-platform") for role in ROLES)
def test_platform(case: Case, bench: Bench) -> None:
    """Evidence refused solely because its key is certified for another platform: TPM-11."""
    issued = certificate(bench.iut, case.field, uris=(platform_urn(bench.iut.pki.ueid(ANOTHER)),))
    refuses(bench, Telling(att(bench.iut)), world=attesting(bench.iut, issued))


# --- replays and splices ---------------------------------------------------------------------------------------------


@for_each(fault(role, "tpm_quote_is_over_the_binder", "replay", "earlier-session") for role in ROLES)
def test_replay(case: Case, bench: Bench) -> None:
    """The bundle that was accepted in the session before, refused solely because it is not for this one: TPM-06."""
    iut = bench.iut
    with iut.attesting_by_tpm():
        earlier = iut.good(world=attesting(iut)).peer.run.value(bundle_of(iut).term)
    refuses(bench, Forging(att(iut), lambda peer, data: with_token(data, earlier)))


@for_each(
    fault(role, f"tpm_{which}_is_over_the_binder", "splice", f"{which}-of-another-channel")
    for role in ROLES
    for which in ("quote", "certification")
)
def test_splice(case: Case, bench: Bench) -> None:
    """A bundle one of whose structures is bound to another channel of the same parties: TPM-06."""
    iut = bench.iut
    with iut.attesting_by_tpm():
        other = iut.good(world=attesting(iut)).peer
    part: Attested = getattr(bundle_of(iut), case.field.partition("-")[0])
    tale = {part.extra: lambda peer, honest: sized(binder_over(peer, of=other)[2:])}
    refuses(bench, Telling(att(iut), tam=tale))


@for_each(fault(role, "tpm_identity_key_is_the_leafs", "reflect", "evidence-of-the-victim") for role in ROLES)
def test_reflection(case: Case, bench: Bench) -> None:
    """The implementation's own bundle sent back to it: TPM-06, TPM-09 and TPM-11 each refuse it."""
    iut = bench.iut
    with iut.attesting_by_tpm():
        own = token_in(observed(iut.good(world=attesting(iut)), f"ATT_{LETTERS[iut.role]}"))
    refuses(bench, Forging(att(iut), lambda peer, data: with_token(data, own)), allowed=REFLECTED)


# --- counts ----------------------------------------------------------------------------------------------------------


def counted(part: str, value: int) -> Callable[[Iut], Mapping[Term, Any]]:
    """Quote, certification and environment of a module that has been reset, or restarted, so often."""
    from ..model.protocol.attestation import TAM_NAME

    def tale(iut: Iut) -> Mapping[Term, Any]:
        return {getattr(bundle_of(iut).quote, part).defs[TAM_NAME[mine(iut)]]: value.to_bytes(4, "big")}

    return tale


def with_another_key(iut: Iut, name: str, renewed: str = "") -> World:
    """The tester with an attestation key of its own: what is remembered of that is of no later test.

    `renewed` tells certificates of the one key apart.
    """
    issued = certificate(iut, f"{name}/{renewed}", key=derive_key(iut.pki.seed, f"{iut.opposite}/{name}"))
    world = attesting(iut, issued)
    world.tam = tam_of(iut, world.credentials)
    return world


@for_each(fault(role, "tpm_reset_count_has_not_fallen", "count", "fewer-resets-than-before") for role in ROLES)
def test_fallen_count(case: Case, bench: Bench) -> None:
    """Evidence of a TPM that was put back to an earlier state, refused solely because of its reset count: TPM-13."""
    iut = bench.iut
    world = with_another_key(iut, case.field)
    with iut.attesting_by_tpm():
        iut.good(world=world, deviation=Telling(att(iut), tam=counted("reset", 7)(iut)))
    refuses(bench, Telling(att(iut), tam=counted("reset", 6)(iut)), world=world)


@for_each(
    fault(role, "tpm_reset_count_has_not_fallen", "renew", "fewer-resets-with-a-renewed-certificate") for role in ROLES
)
def test_fallen_count_of_a_renewed_certificate(case: Case, bench: Bench) -> None:
    """A reset count that fell, refused although the key has got another certificate meanwhile: TPM-13."""
    iut = bench.iut
    with iut.attesting_by_tpm():
        iut.good(world=with_another_key(iut, case.field), deviation=Telling(att(iut), tam=counted("reset", 7)(iut)))
    renewed = with_another_key(iut, case.field, "renewed")
    refuses(bench, Telling(att(iut), tam=counted("reset", 6)(iut)), world=renewed)


@for_each(
    citing(fault(role, "tpm_reset_count_has_not_fallen", "restart", "fewer-resets-than-before-it"), "SES-31")
    for role in ROLES
)
def test_fallen_count_after_restart(case: Case, bench: Bench) -> None:
    """A reset count that fell, refused although the relying party has been started again meanwhile: TPM-13, SES-31."""
    iut = bench.iut
    world = with_another_key(iut, case.field)
    with iut.attesting_by_tpm():
        iut.good(world=world, deviation=Telling(att(iut), tam=counted("reset", 7)(iut)))
        iut.restart()
    refuses(bench, Telling(att(iut), tam=counted("reset", 6)(iut)), world=world)


@for_each(
    fault(role, "tpm_counts_have_not_changed", "count", f"more-{part}s-within-the-session", part)
    for role in ROLES
    for part in ("reset", "restart")
)
def test_changed_count(case: Case, bench: Bench) -> None:
    """Renewed evidence refused solely because the TPM has been reset or restarted meanwhile: TPM-13."""
    iut = bench.iut
    world = with_another_key(iut, case.field)
    FORM.refuses_renewed(bench, counted(case.data, 9)(iut), world)


@for_each(fault(role, "tpm_pcrs_match_reference_values", "attest-again", "pcr-11-other") for role in ROLES)
def test_changed_registers(case: Case, bench: Bench) -> None:
    """Renewed evidence refused solely because something else runs than at the first: TPM-12."""
    FORM.refuses_renewed(bench, FAULTS["pcr-11-other"].tell(bundle_of(bench.iut)))


# --- environment objects ---------------------------------------------------------------------------------------------


def _bit(peer: TesterEndpoint, honest: bytes) -> bytes:
    return one_bit_other(honest)


ENVIRONMENTS: dict[str, tuple[str, Callable[[Environment], Mapping[Term, Any]]]] = {
    "signature-bit": ("env_quote_signature_verifies", lambda e: {e.quote.signature: _bit}),
    "magic-of-nobody": ("env_quote_is_generated", lambda e: {e.quote.magic: b"\x00TCG"}),
    "typed-as-certification": ("env_quote_is_a_quote", lambda e: {e.quote.type: b"\x80\x17"}),
    "over-something-else": ("env_quote_is_over_the_object", lambda e: {e.quote.extra: sized(bytes(32))}),
    "without-pcr-8": ("env_registers_match_reference_values", lambda e: {e.quote.attested: without(8)}),
    "pcr-11-other": ("env_registers_match_reference_values", lambda e: {e.quote.attested: holding_another(11)}),
    "nothing-quoted": ("env_registers_match_reference_values", lambda e: {e.quote.attested: without(*REGISTERS)}),
    "after-a-reset": ("env_quote_is_of_the_same_start", lambda e: {e.quote.reset: b"\x00\x00\xff\xff"}),
    "after-a-restart": ("env_quote_is_of_the_same_start", lambda e: {e.quote.restart: b"\x00\x00\xff\xff"}),
}


@for_each(fault(role, check, "environment", field) for role in ROLES for field, (check, _) in ENVIRONMENTS.items())
def test_environment(case: Case, bench: Bench) -> None:
    """Data not accepted solely because of the quote over its environment object: LBL-31, LBL-36."""
    _, tale = ENVIRONMENTS[case.field]
    deviation = Telling(f"DATA_{mine(bench.iut)}", tam=tale(environment_of(bench.iut)))
    refuses(bench, deviation, when_open(lambda iut, conversation: conversation.peer.send_data(b"data", "text/plain")))


@for_each(Case(role, ("LBL-31",), "send", "environment-under-a-quote") for role in ROLES)
def test_own_environment(case: Case, bench: Bench) -> None:
    """The implementation's data comes with an object that its TPM has quoted: LBL-31."""
    works(bench, partial(own_data, bench), off=frozenset())
