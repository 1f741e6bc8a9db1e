"""Measurement lists of the kernel (IMA) in TPM evidence: their form, their entries, and what they extend PCR 10 to."""

from __future__ import annotations

from pathlib import Path

from ..harness.identity.policy import TPM_FORMAT
from ..harness.tester.ima_faults import FAULTS, GOOD, HONEST, Tell, showing
from ..harness.tester.result import AFFIRMING
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..harness.tester.verifier_iut import Exchange
from ..harness.tpm.ima import entry
from ..harness.verifier.folder import FILES, FILES_POLICY
from .asking import ATTESTERS, VerifierBench
from .asking import ROLE as VERIFIER
from .bench import Bench
from .case import Case, citing, fault, for_each
from .test_evidence import ROLES, att
from .test_tpm import attesting, bundle_of, refuses, works
from .test_verifier import wrong_with
from .test_verifier_tpm import bundle_about, of_both
from .test_verifier_tpm import need as need_verifier_of_tpms


def need(iut: Iut) -> None:
    """Raises NeedNotMet unless it reads measurement lists."""
    iut.need_feature("measurement_lists")
    iut.need_tpm()


@for_each(fault(role, bad.check, "list", name) for role in ROLES for name, bad in FAULTS.items())
def test_list(case: Case, bench: Bench) -> None:
    """Evidence, well signed, refused solely because of its measurement list: TPM-18 to TPM-20, TPM-22."""
    need(bench.iut)
    refuses(bench, Telling(att(bench.iut), tam=FAULTS[case.field].tell(bundle_of(bench.iut))))


@for_each(Case(role, ("TPM-18",), "accept", f"list-{field}") for role in ROLES for field in GOOD)
def test_good_list(case: Case, bench: Bench) -> None:
    """A list that accounts for PCR 10 is accepted where policy names no files: TPM-18, TPM-21."""
    need(bench.iut)
    tale = GOOD[case.field.removeprefix("list-")](bundle_of(bench.iut))
    works(bench, deviation=Telling(att(bench.iut), tam=tale))


@for_each(case for name, bad in FAULTS.items() for case in of_both(bad.check, "list", [name]))
def test_verifier_list(case: Case, bench: VerifierBench) -> None:
    """A bundle refused solely because of its measurement list: VER-03 over TPM-18 to TPM-20, TPM-22."""
    role, name = case.data
    verifier = need_verifier_of_tpms(bench)
    verifier.need_feature("measurement_lists")
    bench.answers_no(verifier.question(role, kind=TPM_FORMAT, tales=FAULTS[name].tell(bundle_about(role))))


@for_each(
    Case(VERIFIER, ("VER-03", "TPM-18"), "affirm", f"list-{attester}-{field}", data=(attester, field))
    for attester in ATTESTERS
    for field in GOOD
)
def test_verifier_good_list(case: Case, bench: VerifierBench) -> None:
    """A list that accounts for PCR 10 is affirmed: VER-03, TPM-18."""
    role, field = case.data
    verifier = need_verifier_of_tpms(bench)
    verifier.need_feature("measurement_lists")
    tales = GOOD[field](bundle_about(role))
    bench.answers_well(verifier.question(role, kind=TPM_FORMAT, tales=tales), wrong_with(bench))


# --- files that policy names -----------------------------------------------------------------------------------------

FILES_CHECK = "tpm_ima_files_match_reference_values"
OTHER = entry("/usr/bin/other", bytes(32))
NAMED: dict[str, Tell] = {
    "no-list": lambda b: {},
    "empty-list": showing(()),
    "file-of-nobody": showing((*HONEST, OTHER)),
    "file-changed": showing((*HONEST, entry(HONEST[2].file[0], bytes(32), b""))),
    "file-by-another-name": showing((*HONEST, entry("/usr/bin/another", HONEST[2].file[1]))),
}


def naming_files(folder: Path) -> None:
    """A policy whose reference values name the files of an honest list."""
    file = folder / "reference-values.toml"
    named = "".join(f'"{name}" = "{digest.hex()}"\n' for name, digest in (item.file for item in HONEST))
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[files]\n{named}", encoding="utf-8")


@for_each(fault(role, FILES_CHECK, "name", field) for role in ROLES for field in NAMED)
def test_named_files(case: Case, bench: Bench) -> None:
    """Evidence refused solely because of what its list says of files that policy names: TPM-21."""
    iut = bench.iut
    need(iut)
    tale, honest = NAMED[case.field](bundle_of(iut)), showing(HONEST)(bundle_of(iut))

    def control() -> str:
        deviation = Telling(att(iut), tam=honest)
        return iut.good(world=attesting(iut), deviation=deviation).transcript.digest()

    with iut.attesting_by_tpm(), iut.provisioned(naming_files):
        bench.refuses(
            Telling(att(iut), tam=tale), configuration="files", control=control, world=attesting(iut), deferred=False
        )


_NAME, _DIGEST = next(iter(FILES.items()))
VERIFIED: dict[str, Tell] = {
    "no-list": lambda b: {},
    "empty-list": showing(()),
    "file-of-nobody": showing((entry(_NAME, _DIGEST), OTHER)),
    "file-changed": showing((entry(_NAME, bytes(32)),)),
    "file-by-another-name": showing((entry("/usr/bin/another", _DIGEST),)),
}


@for_each(citing(fault(VERIFIER, FILES_CHECK, "name", f"files-{field}"), "VER-03") for field in VERIFIED)
def test_verifier_named_files(case: Case, bench: VerifierBench) -> None:
    """A bundle refused solely because of what its list says of files that policy names: VER-03 over TPM-21."""
    verifier = need_verifier_of_tpms(bench)
    verifier.need_feature("measurement_lists")
    tales = VERIFIED[case.field.removeprefix("files-")](bundle_about("device"))
    bench.answers_no(verifier.question(kind=TPM_FORMAT, tales=tales, policy=FILES_POLICY))


@for_each([Case(VERIFIER, ("VER-03", "TPM-21"), "affirm", "named-files")])
def test_verifier_good_named_files(case: Case, bench: VerifierBench) -> None:
    """A list of nothing but files that policy names is affirmed: VER-03, TPM-21."""
    verifier = need_verifier_of_tpms(bench)
    verifier.need_feature("measurement_lists")
    tales = showing([entry(_NAME, _DIGEST)])(bundle_about("device"))

    def wrong(exchange: Exchange) -> str:
        return "" if exchange.action == AFFIRMING else f"good evidence was answered by {exchange.action}"

    bench.answers_well(verifier.question(kind=TPM_FORMAT, tales=tales, policy=FILES_POLICY), wrong)
