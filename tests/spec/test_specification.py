"""The specification is whole: prose, registers and the register of checks fit together, and errors name their place."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trustconn import spec
from trustconn.harness.iut.features import Features
from trustconn.model.checks import CHECKS
from trustconn.spec import Level, SpecError, Specification, Testability
from trustconn.spec.prose import FOLDER, chapters

REQUIREMENTS = spec.requirements()


# --- Requirements ----------------------------------------------------------------------------------------------------


def test_every_check_enforces_a_requirement_that_is_implemented() -> None:
    for check in CHECKS.values():
        assert REQUIREMENTS[check.requirement].implemented, check.name


def test_a_requirement_that_a_check_enforces_is_a_must_or_what_conformance_statements_declare() -> None:
    others = {check.requirement for check in CHECKS.values() if REQUIREMENTS[check.requirement].level is not Level.MUST}
    assert others == {"ATT-35"}
    assert REQUIREMENTS["ATT-35"].level is Level.SHOULD and not Features().boot_counts


def test_a_conversation_decides_every_requirement_that_a_check_enforces() -> None:
    assert all(REQUIREMENTS[check.requirement].testability.by_conversation for check in CHECKS.values())


def test_sentences_are_whole() -> None:
    for requirement in REQUIREMENTS.values():
        assert requirement.sentence[0].isupper() or requirement.sentence.startswith(("hello_hash", "seq", "tc."))
        assert requirement.sentence.endswith("."), requirement.id


def test_ids_of_one_prefix_stand_in_one_chapter() -> None:
    places = {(item.id[:3], item.file) for item in REQUIREMENTS.values()}
    assert len(places) == len({prefix for prefix, _ in places})


def test_line_and_level_are_those_of_the_prose() -> None:
    requirement = REQUIREMENTS["WVR-11"]
    line = (FOLDER / requirement.file).read_text(encoding="utf-8").split("\n")[requirement.line - 1]
    assert line.startswith("**[WVR-11]** ")
    assert (requirement.level, requirement.testability) == (Level.MAY, Testability.ICS)


def test_links_between_chapters_lead_somewhere() -> None:
    for chapter in chapters():
        for target in re.findall(r"\]\(([^)#]+\.md)\)", chapter.read_text(encoding="utf-8")):
            assert (FOLDER / target).is_file(), f"{chapter.name}: {target}"


def test_ids_cited_in_prose_exist() -> None:
    known = {*REQUIREMENTS, *spec.claims()}
    for chapter in chapters():
        for cited in re.findall(r"\b[A-Z]{3}-\d\d\b", chapter.read_text(encoding="utf-8")):
            assert cited in known, f"{chapter.name}: {cited}"


# --- ISO/IEC 27071 ---------------------------------------------------------------------------------------------------

ITEMS = (
    {f"3.3.{number}": 0 for number in range(1, 18)}
    | {"5.1": 5}
    | {f"5.{number}": 0 for number in range(2, 9)}
    | {"6.1": 5, "6.2": 3, "6.3": 4, "6.4": 3, "6.5": 2, "6.6": 3, "6.7": 2}
    | {"A.1.1": 0, "A.1.2": 0, "A.1.3": 0, "A.2.1": 0}
    | {f"A.2.{group}.{number}": 0 for group in (2, 3, 4) for number in (1, 2, 3, 4)}
    | {"B.1": 4, "B.2.1": 7, "B.2.2": 0, "B.2.3": 0, "B.3.1": 3, "B.3.2.1": 0, "B.3.2.2.1": 0, "B.3.2.2.2": 0}
    | {"B.3.2.2.3": 0, "B.3.2.3": 0, "B.3.3": 0, "B.4": 0, "B.5.1": 3, "B.5.2": 5, "B.5.3": 6, "B.6": 4, "C.1": 5}
)
"""Clauses of the standard and how many items each has; none stands for a clause that is one item."""


def test_the_register_has_every_item_of_the_standard() -> None:
    expected = {f"{clause}/{item}" for clause, count in ITEMS.items() for item in range(1, count + 1)}
    expected |= {clause for clause, count in ITEMS.items() if not count}
    assert set(spec.iso_register()) == expected


def test_items_without_a_wire_test_say_why_and_only_those() -> None:
    for row in spec.iso_register().values():
        by_conversation = any(REQUIREMENTS[id_].testability.by_conversation for id_ in row.requirements)
        assert by_conversation == (row.not_wire_testable is None), row.id


def test_requirements_name_the_clauses_that_they_answer() -> None:
    for row in spec.iso_register().values():
        for id_ in row.requirements:
            assert row.clause in REQUIREMENTS[id_].clauses, (row.id, id_)


def test_every_clause_that_a_requirement_names_is_registered() -> None:
    clauses = {row.clause for row in spec.iso_register().values()}
    for requirement in REQUIREMENTS.values():
        assert set(requirement.clauses) <= clauses, requirement.id


# --- Threats and claims ----------------------------------------------------------------------------------------------


def test_every_threat_is_met_by_claims_and_by_requirements() -> None:
    assert {id_ for id_ in ITEMS if re.fullmatch(r"A\.2\.[234]\.\d", id_)} == set(spec.threats())
    for threat in spec.threats().values():
        assert threat.claims and threat.requirements and "network" in threat.powers, threat.id


def test_the_register_and_the_requirements_agree_on_threats() -> None:
    for threat in spec.threats().values():
        assert set(spec.iso_register()[threat.id].requirements) <= set(threat.requirements), threat.id


def test_a_claim_holds_under_the_network_and_never_under_what_defeats_it() -> None:
    for claim in spec.claims().values():
        assert "network" in claim.holds and not set(claim.holds) & set(claim.fails), claim.id


def test_every_claim_is_carried_by_a_requirement() -> None:
    carried = {claim for requirement in REQUIREMENTS.values() for claim in requirement.claims}
    assert set(spec.claims()) - carried <= {"CLM-22"}, "executability needs all of them"


# --- Refusals --------------------------------------------------------------------------------------------------------


def test_every_rule_of_refusal_belongs_to_a_check() -> None:
    assert set(spec.refusals().checks) <= set(CHECKS)
    channels = {check.refusal.channel.value for check in CHECKS.values()}
    assert set(spec.refusals().channels) == channels | {"tls-certificate"}


def test_no_refusal_is_tolerated_that_is_specified() -> None:
    for check in CHECKS.values():
        own = f"{check.refusal.channel.value}:{check.refusal.code}"
        rule = spec.refusals().rule(check.name, check.refusal.channel.value)
        specified = rule.specified or (own,)
        for handshake in (True, False):
            assert not set(specified) & set(rule.tolerates(handshake=handshake)), check.name


def test_codes_of_refusals_are_codes_of_the_profile() -> None:
    codes = set(spec.identifiers()["code"].values())
    rules = [*spec.refusals().checks.values(), *spec.refusals().channels.values()]
    for rule in rules:
        for action in (*rule.specified, *rule.tolerated, *rule.handshake, *rule.session):
            channel, _, code = action.partition(":")
            assert channel not in ("alert", "receipt") or int(code) in codes, (rule.name, action)


def test_codes_of_the_checks_are_those_of_the_identifiers() -> None:
    codes = spec.identifiers()["code"]
    table = re.findall(r"^\| (\d+) \| (\w+) \|", (FOLDER / "15-errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(code) for code, name in table} == codes
    assert {check.refusal.code for check in CHECKS.values() if check.refusal.channel.value == "alert"} <= set(
        codes.values()
    )


# --- Errors of the reader --------------------------------------------------------------------------------------------


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Specification]:
    """A copy of the specification with one text replaced in one file."""
    folder = tmp_path / "spec"

    def edit(file: str, old: str, new: str) -> Specification:
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return Specification(folder)

    return edit


ROWS = "registers/requirements.toml"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (
            "05-session.md",
            "**[SES-02]** ",
            "**[SES-01]** ",
            r"05-session.md:\d+: SES-01 stands already in 05-session.md",
        ),
        (
            "05-session.md",
            "**[SES-02]** ",
            "**[SES-98]** ",
            r"requirements.toml:\d+: SES-02: no chapter has its sentence",
        ),
        ("05-session.md", "**[SES-02]** ", "**[SES-2]** ", r"05-session.md:\d+: 'SES-2' is no id"),
        (ROWS, "[SES-02]", "[SES-03x]", r"requirements.toml:\d+: SES-03x: no chapter has its sentence"),
        (ROWS, '[SES-02]\ntestability = "wire"', "[SES-02]", r"requirements.toml:\d+: SES-02: unknown testability"),
        (ROWS, '[SES-02]\ntestability = "wire"', '[SES-02]\ntestability = "look"', "unknown testability 'look'"),
        (ROWS, 'roles = ["any"]', 'roles = ["server"]', "unknown role 'server'"),
        (ROWS, '"CLM-05"', '"CLM-99"', "unknown claim 'CLM-99'"),
        (ROWS, '"A.2.2.4"', '"A.2.2.9"', "unknown threat 'A.2.2.9'"),
        (ROWS, '"5.1"', '"9.1"', "no clause '9.1'"),
        (ROWS, "implemented = true", "implemented = 1", "implemented is not true or false"),
        (ROWS, "implemented = true", "implemented = true\nnote = 1", "unknown member 'note'"),
        (ROWS, "[SES-02]", "[SES-01]", r"requirements.toml:\d+: "),
        ("14-revocation.md", "MUST be revocable", "are revocable", "REV-01 has no key word"),
        ("16-claims.md", "Holds under: network, later-identity-key.", "Holds under: magic.", "unknown power 'magic'"),
    ],
)
def test_contradictions_are_errors_with_their_place(
    edited: Callable[[str, str, str], Specification], file: str, old: str, new: str, problem: str
) -> None:
    with pytest.raises(SpecError, match=problem):
        _ = edited(file, old, new).requirements


def test_a_requirement_without_a_row_is_an_error(edited: Callable[[str, str, str], Specification]) -> None:
    extra = "**[SES-97]** A peer MUST be lost.\n\n**[SES-02]** "
    with pytest.raises(SpecError, match=r"05-session.md:\d+: SES-97 has no row"):
        _ = edited("05-session.md", "**[SES-02]** ", extra).requirements


def test_unknown_requirements_in_other_registers_are_errors(edited: Callable[[str, str, str], Specification]) -> None:
    specification = edited("registers/iso27071.toml", '"EDH-21"', '"EDH-99"')
    with pytest.raises(SpecError, match=r"iso27071.toml:\d+: 3.3.2: unknown requirement 'EDH-99'"):
        _ = specification.iso_register


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"TID-114"', '"TID-999"', r"threats.toml:\d+: A.2.2.2: unknown threat of EMB3D 'TID-999'"),
        ('stride = ["tampering"]', 'stride = ["phishing"]', r"A.2.4.4: unknown STRIDE category 'phishing'"),
    ],
)
def test_unknown_categories_of_threats_are_errors(
    edited: Callable[[str, str, str], Specification], old: str, new: str, problem: str
) -> None:
    with pytest.raises(SpecError, match=problem):
        _ = edited("registers/threats.toml", old, new).threats


def test_unknown_actions_are_errors(edited: Callable[[str, str, str], Specification]) -> None:
    specification = edited("registers/refusals.toml", '"alert:10"', '"shout"')
    with pytest.raises(SpecError, match="unknown action 'shout'"):
        _ = specification.refusals
