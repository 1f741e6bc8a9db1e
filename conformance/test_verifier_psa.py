"""A verifier and PSA tokens: the good, and what is solely wrong in one thing.

The same tokens that a relying party must refuse (test_psa) are put before the verifier, for attesters of either role.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..harness.identity.pki import Issued, issue_leaf, serial_number
from ..harness.identity.policy import PSA_TOKEN
from ..harness.identity.psa import psa_ak_spec, psa_leaf_spec, psa_party
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.tester.psa_faults import FAULTS, GOOD, MALFORMED
from ..harness.tester.verifier_iut import EVIDENCE, Question, VerifierIut
from .asking import ATTESTERS, ROLE, VerifierBench
from .asking import MALFORMED as REFUSED_AS_MALFORMED
from .case import Case, citing, for_each
from .parties import LETTERS
from .test_psa import PATHS, POLICIES, USAGES
from .test_verifier import wrong_with
from .test_verifier_tpm import of_both

if TYPE_CHECKING:
    from ..model.protocol.psa import PsaToken


def need(bench: VerifierBench) -> VerifierIut:
    """The verifier, if it appraises PSA tokens."""
    bench.verifier.need_feature("evidence_accepted", "psa")
    return bench.verifier


def token_about(role: str) -> PsaToken:
    """Terms of an attester's token."""
    from ..model.protocol.psa import PSA

    return PSA[LETTERS[role]].token


def question(verifier: VerifierIut, role: str, tales: Mapping[Any, Any] | None = None, **changes: Any) -> Question:
    """About an attester on a PSA platform, some of whose credentials are replaced."""
    world = verifier.world(role)
    world = replace(world, credentials=replace(psa_party(verifier.pki, role), **changes))
    return verifier.question(role, kind=PSA_TOKEN, world=world, tales=tales)


def _good() -> Iterator[Case]:
    for attester in ATTESTERS:
        for field in ("usual", *GOOD):
            cited = ("VER-03", "VER-04", "ATT-34", *(("ATT-52",) if field.startswith("signer") else ()))
            yield Case(ROLE, cited, "affirm", f"psa-{attester}-{field}", data=(attester, field))


@for_each(_good())
def test_verifier_good_psa_token(case: Case, bench: VerifierBench) -> None:
    """A good token is affirmed, whatever is left open in it: VER-03, VER-04."""
    role, field = case.data
    tales = GOOD[field](token_about(role)) if field in GOOD else {}
    bench.answers_well(question(need(bench), role, tales), wrong_with(bench))


@for_each(case for name, bad in FAULTS.items() for case in of_both(bad.check, "token", [name]))
def test_verifier_psa_token(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because of one thing in it: VER-03 over ATT-36 to ATT-44."""
    role, name = case.data
    bench.answers_no(question(need(bench), role, FAULTS[name].tell(token_about(role))))


FORMS = [f"psa-{name}" for name in MALFORMED]


@for_each(citing(case, "ATT-36") for case in of_both("frame_matches_its_grammar", "reform", FORMS))
def test_verifier_psa_form(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because its claims are of another form: VER-03 over ATT-36."""
    role, name = case.data
    bench.answers_no(
        question(need(bench), role, MALFORMED[name.removeprefix("psa-")](token_about(role))), REFUSED_AS_MALFORMED
    )


def _certified(verifier: VerifierIut, role: str, field: str) -> Issued:
    pki = verifier.pki
    spec = replace(psa_ak_spec(pki, role), serial=serial_number(pki.seed, f"psa/{role}/{field}"))
    changes: dict[str, Mapping[str, Any]] = {
        **{name: {"eku": usage} for name, usage in USAGES.items()},
        "another-platform": {"uris": (platform_urn(pki.ueid(ANOTHER)),)},
        "expired": {"not_before": pki.now - 7200, "not_after": pki.now - 3600},
        "not-yet-valid": {"not_before": pki.now + 3600},
        "revoked": {"serial": pki.revoked_serial("attestation")},
        "by-an-authority-of-nobody": {},
    }
    issuer = pki.unpinned_authority if field == "by-an-authority-of-nobody" else pki.attestation.issuing
    return issue_leaf(replace(spec, **changes[field]), issuer)


CERTIFICATES = {**dict.fromkeys(USAGES, "psa_ak_is_for_psa"), **PATHS}


@for_each(case for field, check in CERTIFICATES.items() for case in of_both(check, "issue", [f"psa-{field}"]))
def test_verifier_psa_certificate(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because of the certificate of its attestation key: VER-03 over ATT-38."""
    role, field = case.data
    verifier = need(bench)
    bench.answers_no(question(verifier, role, psa_ak=_certified(verifier, role, field.removeprefix("psa-"))))


@for_each(of_both("psa_leaf_shows_custody", "issue", POLICIES))
def test_verifier_psa_custody(case: Case, bench: VerifierBench) -> None:
    """A token refused solely because the leaf does not say that its key stays in its module: VER-03 over ATT-46."""
    verifier, (role, field) = need(bench), case.data
    spec = replace(psa_leaf_spec(verifier.pki, role), policies=POLICIES[field])
    leaf = issue_leaf(spec, verifier.pki.branch(role).issuing).certificate
    bench.answers_no(question(verifier, role, leaf=leaf))


@for_each(of_both("psa_nonce_is_binder", "confuse", ("psa-of-another-session",)))
def test_verifier_psa_token_of_another_session(case: Case, bench: VerifierBench) -> None:
    """A good token for another relying party's binder, refused solely because of that: VER-03 over ATT-39."""
    verifier, role = need(bench), case.data[0]
    asked, other = (question(verifier, role) for _ in range(2))
    asked.body[EVIDENCE] = other.body[EVIDENCE]
    bench.answers_no(asked)
