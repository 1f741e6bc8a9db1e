"""A verifier and evidence of a TPM: the good, and what is solely wrong in one thing.

The same bundles that a relying party must refuse (test_tpm) are put before the verifier, for attesters of either role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..harness.identity.pki import issue_leaf, serial_number
from ..harness.identity.policy import TPM_FORMAT
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.tester.result import AFFIRMING
from ..harness.tester.tpm_faults import FAULTS, GOOD
from ..harness.tester.verifier_iut import EVIDENCE, Exchange, Question, VerifierIut
from ..harness.verifier.folder import PROPERTY_POLICY
from .asking import ATTESTERS, ROLE, VerifierBench
from .case import Case, citing, fault, for_each
from .parties import LETTERS
from .test_tpm import USAGES
from .test_verifier import wrong_with

if TYPE_CHECKING:
    from ..model.protocol.tpm import Bundle


def need(bench: VerifierBench) -> VerifierIut:
    """The verifier, if it appraises evidence of a TPM."""
    bench.verifier.need_feature("evidence_accepted", "tpm2")
    return bench.verifier


def bundle_about(role: str) -> Bundle:
    """Terms of an attester's bundle."""
    from ..model.protocol.tpm import BUNDLE

    return BUNDLE[LETTERS[role]]


def of_both(check: str, operator: str, fields: Iterable[str]) -> Iterator[Case]:
    """A case for each field and each role of the attester, which `data` names with the field."""
    for attester in ATTESTERS:
        for field in fields:
            yield citing(fault(ROLE, check, operator, f"{attester}-{field}", (attester, field)), "VER-03")


@for_each(
    Case(ROLE, ("VER-03", "VER-04"), "affirm", f"tpm-{attester}-{field}", data=(attester, field))
    for attester in ATTESTERS
    for field in ("usual", *GOOD)
)
def test_verifier_good_bundle(case: Case, bench: VerifierBench) -> None:
    """A good bundle is affirmed, whatever the profile leaves open in it: VER-03, VER-04."""
    role, field = case.data
    tales = GOOD[field](bundle_about(role)) if field in GOOD else {}
    bench.answers_well(need(bench).question(role, kind=TPM_FORMAT, tales=tales), wrong_with(bench))


@for_each(case for name, bad in FAULTS.items() for case in of_both(bad.check, "bundle", [name]))
def test_verifier_bundle(case: Case, bench: VerifierBench) -> None:
    """A bundle, well signed, refused solely because of one thing in it: VER-03 over TPM-02 to TPM-10, TPM-12."""
    role, name = case.data
    tales = FAULTS[name].tell(bundle_about(role))
    bench.answers_no(need(bench).question(role, kind=TPM_FORMAT, tales=tales))


def _certified_anew(verifier: VerifierIut, role: str, field: str) -> Question:
    pki = verifier.pki
    spec = replace(pki.tpm_ak_spec(role), serial=serial_number(pki.seed, f"tpm/{role}/{field}"))
    changes: dict[str, Any] = {}
    if field in USAGES:
        changes = {"eku": USAGES[field]}
    elif field == "another-platform":
        changes = {"uris": (platform_urn(pki.ueid(ANOTHER)),)}
    elif field == "expired":
        changes = {"not_before": pki.now - 7200, "not_after": pki.now - 3600}
    elif field == "revoked":
        changes = {"serial": pki.revoked_serial("attestation")}
    issuer = pki.unpinned_authority if field == "by-an-authority-of-nobody" else pki.attestation.issuing
    issued = issue_leaf(replace(spec, **changes), issuer)
    return verifier.question(role, kind=TPM_FORMAT, world=verifier.with_credentials(role, tpm_ak=issued))


CERTIFICATES = {
    **dict.fromkeys(USAGES, "tpm_ak_is_for_tpm"),
    "another-platform": "tpm_ak_names_peer_device",
    "expired": "ak_is_in_validity",
    "revoked": "ak_is_not_revoked",
    "by-an-authority-of-nobody": "ak_path_verifies",
}


@for_each(case for field, check in CERTIFICATES.items() for case in of_both(check, "issue", [f"tpm-{field}"]))
def test_verifier_tpm_certificate(case: Case, bench: VerifierBench) -> None:
    """A bundle refused solely because of the certificate of its attestation key: VER-03 over TPM-02, TPM-11."""
    role, field = case.data
    bench.answers_no(_certified_anew(need(bench), role, field.removeprefix("tpm-")))


@for_each(of_both("tpm_quote_is_over_the_binder", "confuse", ("tpm-of-another-session",)))
def test_verifier_bundle_of_another_session(case: Case, bench: VerifierBench) -> None:
    """A good bundle for another relying party's binder, refused solely because of that: VER-03 over TPM-06."""
    verifier, role = need(bench), case.data[0]
    question, other = (verifier.question(role, kind=TPM_FORMAT) for _ in range(2))
    question.body[EVIDENCE] = other.body[EVIDENCE]
    bench.answers_no(question)


@for_each([Case(ROLE, ("PBA-02", "PBA-05"), "affirm", "properties-of-a-tpm")])
def test_properties_of_a_tpm(case: Case, bench: VerifierBench) -> None:
    """Properties are affirmed of a platform with a TPM, whose registers they do not tell: PBA-02, PBA-05."""

    def wrong(exchange: Exchange) -> str:
        return "" if exchange.action == AFFIRMING else f"good evidence was answered by {exchange.action}"

    bench.answers_well(need(bench).question(kind=TPM_FORMAT, policy=PROPERTY_POLICY), wrong)
