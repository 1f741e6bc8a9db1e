"""Evidence of a PSA root of trust: the attestation key, the token and its claims, each with one thing wrong.

The tester's root of trust is made of software and signs what it is told, under an attestation CA that the
implementation trusts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..harness.codec import cbor
from ..harness.identity.oids import EKU_EAT_AK, EKU_PSA_AK, EKU_TPM_AK, KEY_IN_HSM
from ..harness.identity.pki import Issued, issue_leaf, serial_number
from ..harness.identity.policy import PSA_TOKEN
from ..harness.identity.psa import on_psa, psa_ak_spec, psa_leaf_spec, psa_party
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.identity.world import World
from ..harness.tester.psa_faults import FAULTS, GOOD, MALFORMED, bit
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling
from ..harness.verdict.allowed import Allowed
from ..model.terms import Term
from .attesting import Form, mine, own_data
from .bench import Bench
from .case import Case, citing, fault, for_each
from .forging import binder_over, observed, token_in, with_token
from .parties import LETTERS
from .stages import when_open
from .test_evidence import MALFORMED as REFUSED_AS_MALFORMED
from .test_evidence import ROLES, att

if TYPE_CHECKING:
    from ..model.protocol.psa import PsaEnvironment, PsaToken

REFLECTED = Allowed(frozenset({"alert:22", "alert:23", "alert:24"}), frozenset(), "ATT-40")
"""Evidence with everything wrong that tells one platform from another."""
ANY_POLICY = "2.5.29.32.0"


def token_of(iut: Iut) -> PsaToken:
    """Terms of the tester's token. Raises NeedNotMet where there is none to be spoken of."""
    iut.need_psa()
    from ..model.protocol.psa import PSA

    return PSA[mine(iut)].token


def environment_of(iut: Iut) -> PsaEnvironment:
    """Terms of the tester's environment object under a token. Raises NeedNotMet likewise."""
    iut.need_psa()
    from ..model.protocol.psa import PSA_ENVIRONMENTS

    return PSA_ENVIRONMENTS[mine(iut)]


def attesting(iut: Iut, **credentials: Any) -> World:
    """The tester offering and accepting PSA tokens alone, with some of its credentials replaced."""
    iut.need_psa()
    policy = replace(on_psa(iut.world.policy), offered=(PSA_TOKEN,), accepted=(PSA_TOKEN,))
    party = psa_party(iut.pki, iut.opposite)
    return iut.fresh_world(policy=policy, credentials=replace(party, **credentials))


def certificate(iut: Iut, name: str, **changes: Any) -> Issued:
    """A certificate of the tester's initial attestation key with some fields of its specification replaced."""
    serial = serial_number(iut.pki.seed, f"psa/{iut.opposite}/{name}")
    return issue_leaf(
        replace(psa_ak_spec(iut.pki, iut.opposite), **{"serial": serial, **changes}), iut.pki.attestation.issuing
    )


FORM = Form("psa", attesting, lambda iut: iut.attesting_by_psa())
refuses, works = FORM.refuses, FORM.works


# --- what is wrong with a token --------------------------------------------------------------------------------------


@for_each(fault(role, bad.check, "token", name) for role in ROLES for name, bad in FAULTS.items())
def test_psa_token(case: Case, bench: Bench) -> None:
    """A token refused solely because of one thing in it: ATT-36 to ATT-44."""
    refuses(bench, Telling(att(bench.iut), tam=FAULTS[case.field].tell(token_of(bench.iut))))


@for_each(Case(role, ("ATT-36",), "reform", f, "frame_matches_its_grammar") for role in ROLES for f in MALFORMED)
def test_psa_form(case: Case, bench: Bench) -> None:
    """A token refused solely because its claims are of another form: ATT-36."""
    deviation = Telling(att(bench.iut), tam=MALFORMED[case.field](token_of(bench.iut)))
    refuses(bench, deviation, allowed=REFUSED_AS_MALFORMED)


def _good() -> Iterator[Case]:
    for role in ROLES:
        for field in GOOD:
            case = Case(role, ("ATT-34", "ATT-36"), "accept", field)
            yield citing(case, "ATT-52") if field.startswith("signer") else case


@for_each(_good())
def test_good_psa_token(case: Case, bench: Bench) -> None:
    """A token that differs from the usual in what RFC 9783 and the profile leave open is accepted: ATT-34, ATT-36."""
    works(bench, deviation=Telling(att(bench.iut), tam=GOOD[case.field](token_of(bench.iut))))


@for_each(Case(role, ("ATT-34", "ATT-36"), "send", "own-token") for role in ROLES)
def test_own_psa_token(case: Case, bench: Bench) -> None:
    """The implementation's token passes every check of a tester that makes them all: ATT-34 to ATT-46."""
    works(bench, off=frozenset())


# --- certificates ----------------------------------------------------------------------------------------------------

USAGES = {
    "tokens-usage-only": (EKU_EAT_AK,), "tpm-usage-only": (EKU_TPM_AK,), "tokens-usage-too": (EKU_PSA_AK, EKU_EAT_AK),
    "no-usage": (),
}  # fmt: skip


@for_each(fault(role, "psa_ak_is_for_psa", "issue", name) for role in ROLES for name in USAGES)
def test_psa_usage(case: Case, bench: Bench) -> None:
    """A token refused solely because the certificate of its key is not for PSA tokens alone: ATT-38."""
    issued = certificate(bench.iut, case.field, eku=USAGES[case.field])
    refuses(bench, Telling(att(bench.iut)), world=attesting(bench.iut, psa_ak=issued))


PATHS = {
    "by-an-authority-of-nobody": "ak_path_verifies", "expired": "ak_is_in_validity",
    "not-yet-valid": "ak_is_in_validity", "another-platform": "ak_names_peer_device", "revoked": "ak_is_not_revoked",
}  # fmt: skip


def badly_certified(iut: Iut, field: str) -> Issued:
    """The tester's initial attestation key with one of `PATHS`."""
    pki = iut.pki
    if field == "by-an-authority-of-nobody":
        return issue_leaf(psa_ak_spec(pki, iut.opposite), pki.unpinned_authority)
    changes: dict[str, Mapping[str, Any]] = {
        "expired": {"not_before": pki.now - 7200, "not_after": pki.now - 3600},
        "not-yet-valid": {"not_before": pki.now + 3600},
        "another-platform": {"uris": (platform_urn(pki.ueid(ANOTHER)),)},
        "revoked": {"serial": pki.revoked_serial("attestation")},
    }
    return certificate(iut, field, **changes[field])


@for_each(
    citing(fault(role, check, "issue", f"psa-{field}"), "ATT-38") for role in ROLES for field, check in PATHS.items()
)
def test_psa_path(case: Case, bench: Bench) -> None:
    """A token refused solely because of the path of its key, or of the platform that it names: ATT-38."""
    issued = badly_certified(bench.iut, case.field.removeprefix("psa-"))
    refuses(bench, Telling(att(bench.iut)), world=attesting(bench.iut, psa_ak=issued))


POLICIES = {"no-policy": (), "another-policy": (KEY_IN_HSM + ".1",), "any-policy": (ANY_POLICY,)}


@for_each(fault(role, "psa_leaf_shows_custody", "issue", name) for role in ROLES for name in POLICIES)
def test_psa_custody(case: Case, bench: Bench) -> None:
    """A token refused solely because the leaf does not say that its key stays in its module: ATT-46."""
    iut = bench.iut
    spec = replace(psa_leaf_spec(iut.pki, iut.opposite), policies=POLICIES[case.field])
    leaf = issue_leaf(spec, iut.pki.branch(iut.opposite).issuing).certificate
    refuses(bench, Telling(att(iut)), world=attesting(iut, leaf=leaf))


# --- replays and splices ---------------------------------------------------------------------------------------------


@for_each(fault(role, "psa_nonce_is_binder", "replay", "earlier-session") for role in ROLES)
def test_psa_replay(case: Case, bench: Bench) -> None:
    """The token that was accepted in the session before, refused solely because it is not for this one: ATT-39."""
    iut = bench.iut
    with iut.attesting_by_psa():
        earlier = iut.good(world=attesting(iut)).peer.run.value(token_of(iut).term)
    refuses(bench, Forging(att(iut), lambda peer, data: with_token(data, earlier)))


@for_each(fault(role, "psa_nonce_is_binder", "splice", "another-channel") for role in ROLES)
def test_psa_splice(case: Case, bench: Bench) -> None:
    """A token bound to another channel of the same parties, refused solely because of that: ATT-39."""
    iut = bench.iut
    with iut.attesting_by_psa():
        other = iut.good(world=attesting(iut)).peer
    refuses(bench, Telling(att(iut), tam={token_of(iut).nonce: lambda peer, honest: binder_over(peer, of=other)}))


@for_each(fault(role, "psa_instance_is_peer_device", "reflect", "token-of-the-victim") for role in ROLES)
def test_psa_reflection(case: Case, bench: Bench) -> None:
    """The implementation's own token sent back to it: ATT-19, ATT-39 and ATT-40 each refuse it."""
    iut = bench.iut
    with iut.attesting_by_psa():
        own = token_in(observed(iut.good(world=attesting(iut)), f"ATT_{LETTERS[iut.role]}"))
    refuses(bench, Forging(att(iut), lambda peer, data: with_token(data, own)), allowed=REFLECTED)


# --- another start ---------------------------------------------------------------------------------------------------


def _restarted(iut: Iut) -> Mapping[Term, Any]:
    from ..model.protocol.attestation import TAM_NAME

    return {token_of(iut).seed.defs[TAM_NAME[mine(iut)]]: cbor.encode(bytes(32))}


@for_each(fault(role, "psa_boot_seed_has_not_changed", "count", "started-again-within-the-session") for role in ROLES)
def test_psa_restart(case: Case, bench: Bench) -> None:
    """A renewed token refused solely because the platform has started again meanwhile: ATT-45."""
    FORM.refuses_renewed(bench, _restarted(bench.iut))


@for_each(fault(role, "psa_components_match_reference_values", "attest-again", "component-other") for role in ROLES)
def test_psa_changed_components(case: Case, bench: Bench) -> None:
    """A renewed token refused solely because something else runs than at the first: ATT-44."""
    FORM.refuses_renewed(bench, FAULTS["component-other"].tell(token_of(bench.iut)))


# --- environment objects ---------------------------------------------------------------------------------------------

ENVIRONMENTS: dict[str, tuple[str, Callable[[PsaEnvironment], Mapping[Term, Any]]]] = {
    "header-of-es384": ("env_token_header_is_exact", lambda e: {e.token.alg: cbor.encode(-35)}),
    "profile-old": ("env_token_profile_is_tfm", lambda e: {e.token.profile: cbor.encode("PSA_IOT_PROFILE_1")}),
    "signature-bit": ("env_token_signature_verifies", lambda e: {e.token.signature: bit}),
    "over-something-else": ("env_token_is_over_the_object", lambda e: {e.token.nonce: cbor.encode(bytes(32))}),
    "instance-of-another": (
        "env_token_instance_is_peer_device", lambda e: {e.token.instance: cbor.encode(b"\x01" + bytes(32))},
    ),
    "client-non-secure": ("env_token_client_is_secure", lambda e: {e.token.client: cbor.encode(-1)}),
    "lifecycle-debug": ("env_token_lifecycle_is_secured", lambda e: {e.token.lifecycle: cbor.encode(0x4000)}),
    "component-other": (
        "env_token_components_match_reference_values", lambda e: FAULTS["component-other"].tell(e.token),
    ),
    "signer-other": ("env_token_components_match_reference_values", lambda e: FAULTS["signer-other"].tell(e.token)),
    "after-a-restart": ("env_token_is_of_the_same_start", lambda e: {e.token.seed: cbor.encode(bytes(32))}),
}  # fmt: skip


@for_each(fault(role, check, "environment", f"psa-{f}") for role in ROLES for f, (check, _) in ENVIRONMENTS.items())
def test_psa_environment(case: Case, bench: Bench) -> None:
    """Data not accepted solely because of the token over its environment object: LBL-33, LBL-36."""
    _, tale = ENVIRONMENTS[case.field.removeprefix("psa-")]
    deviation = Telling(f"DATA_{mine(bench.iut)}", tam=tale(environment_of(bench.iut)))
    refuses(bench, deviation, when_open(lambda iut, conversation: conversation.peer.send_data(b"data", "text/plain")))


@for_each(Case(role, ("LBL-33",), "send", "environment-under-a-token") for role in ROLES)
def test_own_psa_environment(case: Case, bench: Bench) -> None:
    """The implementation's data comes with an object whose digest its root of trust has signed: LBL-33."""
    works(bench, partial(own_data, bench), off=frozenset())
