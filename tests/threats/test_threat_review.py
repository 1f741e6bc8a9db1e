"""What a review says of a threat: which apply, what runs show, what is left, and who may sign."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from threat_cases import decided, every_test_passes, finding, interrupted, results, reviewed

from trustconn import spec
from trustconn.harness.iut.keys import DescriptionError
from trustconn.harness.threats import sign_off
from trustconn.harness.threats.exercise import State
from trustconn.harness.threats.review import claim_verdicts, shown_attacks
from trustconn.harness.threats.rules import rules
from trustconn.harness.threats.system import example, load
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Verdict

ANNEX_A = {f"A.2.{part}.{item}" for part in (2, 3, 4) for item in (1, 2, 3, 4)}


def replacing(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


# --- Which threats apply ---------------------------------------------------------------------------------------------


def test_every_threat_has_a_rule_a_claim_an_attack_and_a_place_in_stride_and_emb3d() -> None:
    assert set(rules()) == set(spec.threats()) == ANNEX_A
    for threat in spec.threats().values():
        assert threat.stride and threat.emb3d and all(id_.startswith("TID-") for id_ in threat.emb3d), threat.id
        assert claim_verdicts(threat.id) and shown_attacks(threat.id), threat.id


def test_what_the_description_leaves_out_counts_as_threatened(tmp_path: Path) -> None:
    bare = example().replace('software = "maker"', "").replace("shared_certificate = false", "")
    found = reviewed(tmp_path, edit=lambda _: bare)
    assert {one.threat.id for one in found.findings} == ANNEX_A


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ('software = "maker"', 'software = "fixed"', "A.2.2.3"),
        ('software = "maker"', 'software = "maker"\nsensors = false', "A.2.2.2"),
        ('software = "maker"', 'software = "maker"\nreachable = false', "A.2.2.4"),
        ('software = "maker"', 'software = "maker"\nsingle = true', "A.2.3.4"),
        ("shared_certificate = false", "shared_platform = false", "A.2.3.2"),
        ("shared_certificate = false", "relies_on_evidence = false", "A.2.3.3"),
        ('assets = ["pictures", "commands"]', "assets = []", None),
    ],
)
def test_what_it_says_decides(tmp_path: Path, old: str, new: str, gone: str | None) -> None:
    found = reviewed(tmp_path, edit=replacing(old, new))
    assert (gone is None) != (gone in found.inapplicable)


def test_a_flow_inside_a_wholly_trusted_zone_is_not_threatened(tmp_path: Path) -> None:
    inside = replacing('zone = "cloud"', 'zone = "garden"')
    assert not ANNEX_A.isdisjoint(one.threat.id for one in reviewed(tmp_path, edit=inside).findings)
    found = reviewed(tmp_path, edit=lambda text: inside(text).replace("trust = 20", "trust = 100"))
    assert {"A.2.4.1", "A.2.4.2", "A.2.4.3", "A.2.4.4"} <= set(found.inapplicable)


# --- What runs show --------------------------------------------------------------------------------------------------


def test_without_a_run_every_threat_is_not_exercised(tmp_path: Path) -> None:
    found = reviewed(tmp_path)
    assert {one.state for one in found.findings} == {State.NOT_EXERCISED}


def test_a_whole_run_that_passed_withstood(tmp_path: Path) -> None:
    found = reviewed(tmp_path, results())
    assert {one.state for one in found.findings} == {State.WITHSTOOD}


def test_one_failed_test_fails_each_threat_that_its_requirement_meets(tmp_path: Path) -> None:
    wrong = "ATT-16"
    found = reviewed(tmp_path, results(lambda _, name: Verdict.FAIL if name == wrong else Verdict.PASS))
    for one in found.findings:
        assert (one.state is State.FAILED) >= (wrong in one.threat.requirements), one.place
    assert any(one.state is State.WITHSTOOD for one in found.findings)


def test_a_side_that_was_not_tested_leaves_the_threat_not_exercised(tmp_path: Path) -> None:
    found = finding(reviewed(tmp_path, results(roles=("device",))), "A.2.4.2")
    assert found.state is State.NOT_EXERCISED
    assert {one.component: one.state for one in found.exercises}["camera"] is State.WITHSTOOD
    both = finding(reviewed(tmp_path, results(roles=("device",)), results(roles=("service",))), "A.2.4.2")
    assert both.state is State.WITHSTOOD


def test_no_verdict_and_an_inconclusive_one_are_no_pass(tmp_path: Path) -> None:
    nothing = finding(reviewed(tmp_path, results(lambda *_: None)), "A.2.4.3")
    assert nothing.state is State.NOT_EXERCISED
    unsure = finding(reviewed(tmp_path, results(lambda *_: Verdict.INCONC)), "A.2.4.3")
    assert unsure.state is State.UNDECIDED


def test_the_last_verdict_over_each_binding_counts(tmp_path: Path) -> None:
    def state(*found: Results) -> State:
        return finding(reviewed(tmp_path, *found), "A.2.4.3").state

    failed = results(lambda *_: Verdict.FAIL, day=2)
    assert state(results(day=1), failed) is state(failed, results(day=1)) is State.FAILED
    assert state(failed, results(day=3)) is State.WITHSTOOD
    assert state(failed, results(lambda *_: None, day=3)) is State.FAILED
    assert state(failed, results(day=3, binding="tls")) is State.FAILED


def test_a_run_with_faults_says_nothing_good_of_the_implementation(tmp_path: Path) -> None:
    found = reviewed(tmp_path, results(faults=("leaf_without_prefix",)), edit=decided)
    assert {one.state for one in found.findings} == {State.PARTLY}
    assert all("with faults that were switched on for the run" in str(blocker) for blocker in found.blockers())
    assert found.blockers()


@pytest.mark.parametrize(
    "cut", [lambda: results(selection="ATT"), lambda: interrupted(results()), lambda: results(scope="handshake")]
)
def test_a_run_of_some_tests_exercises_a_threat_partly(tmp_path: Path, cut: Callable[[], Results]) -> None:
    found = reviewed(tmp_path, cut())
    assert {one.state for one in found.findings} == {State.PARTLY}


@pytest.mark.parametrize("line", ['version = "2"', f'digest = "sha256:{"0" * 64}"'])
def test_results_of_another_build_do_not_count(tmp_path: Path, line: str) -> None:
    edit = replacing('iut = "trustconn reference device"', f'iut = "trustconn reference device"\n{line}')
    found = finding(reviewed(tmp_path, results(), edit=edit), "A.2.2.1")
    assert found.state is State.NOT_EXERCISED
    assert "the results are of" in found.exercises[0].why


def test_what_others_test_is_left_over_and_named(tmp_path: Path) -> None:
    edit = replacing('iut = "trustconn reference service"', 'outside = "The host has it tested."')
    found = finding(reviewed(tmp_path, results(roles=("device",)), edit=edit), "A.2.4.2")
    assert found.state is State.WITHSTOOD
    assert any("The host has it tested." in sentence for sentence in found.left)
    alone = finding(
        reviewed(tmp_path, results(), edit=lambda text: edit(text).replace("iut =", "outside =")), "A.2.4.2"
    )
    assert alone.state is State.NOT_EXERCISED


def test_threats_to_what_is_outside_are_neither_findings_nor_forgotten(tmp_path: Path) -> None:
    edit = replacing('iut = "trustconn reference service"', 'outside = "The host has it tested."')
    found = reviewed(tmp_path, results(roles=("device",)), edit=edit)
    assert {one.threat for one in found.outside} == {"A.2.3.2", "A.2.3.3", "A.2.3.4"}
    assert "cloud" not in {one.applies.element for one in found.findings}
    assert set(found.inapplicable) == {"A.2.3.1"}


def test_what_no_test_shows_is_left(tmp_path: Path) -> None:
    left = " ".join(finding(reviewed(tmp_path, results()), "A.2.2.2").left)
    assert "CLM-08 does not hold against an adversary who commands the software" in left
    assert "an examination of the product decides: ROT-18, LBL-25" in left
    quiet = results(lambda _, name: None if name == "LBL-05" else Verdict.PASS)
    assert "because made up: LBL-05" in " ".join(finding(reviewed(tmp_path, quiet), "A.2.2.2").left)


def test_the_attack_is_told_as_the_run_played_it(tmp_path: Path) -> None:
    exercises = {one.component: one for one in finding(reviewed(tmp_path, results()), "A.2.2.2").exercises}
    removed = shown_attacks("A.2.2.2")[0].removed
    played = exercises["cloud"].played(removed)
    assert played is not None and played.case.id == f"test_attacks::test_attack[service-attack-{'+'.join(removed)}]"
    assert exercises["camera"].played(removed) is None


def test_scenarios_say_what_runs_leave_open(tmp_path: Path) -> None:
    scenarios = {one.row.id: one for one in reviewed(tmp_path, results()).scenarios}
    assert set(scenarios) == {"A.1.1", "A.1.2", "A.1.3"}
    assert scenarios["A.1.2"].state is State.WITHSTOOD and not scenarios["A.1.2"].open
    assert "REV-11" in scenarios["A.1.1"].open and scenarios["A.1.1"].state is State.PARTLY


# --- Sign-off --------------------------------------------------------------------------------------------------------


def test_a_sign_off_is_refused_until_all_is_exercised_and_decided(tmp_path: Path) -> None:
    with pytest.raises(sign_off.Refused, match=r"A\.2\.2\.1 at camera: NOT EXERCISED"):
        sign_off.sign_off(reviewed(tmp_path, edit=decided), "me", "2026-11-03")
    wrong = results(lambda _, name: Verdict.FAIL if name == "EDH-21" else Verdict.PASS)
    with pytest.raises(sign_off.Refused) as refused:
        sign_off.sign_off(reviewed(tmp_path, wrong, edit=decided), "me", "2026-11-03")
    assert all("FAILED" in blocker for blocker in refused.value.blockers)
    with pytest.raises(sign_off.Refused, match=r"A\.2\.2\.1 at camera: .*nobody has decided"):
        sign_off.sign_off(reviewed(tmp_path, results()), "me", "2026-11-03")
    record = sign_off.sign_off(reviewed(tmp_path, results(), edit=decided), "me", "2026-11-03")
    assert record["by"] == "me" and {row["state"] for row in record["findings"]} == {"WITHSTOOD"}


def test_a_sign_off_is_void_once_description_or_results_change(tmp_path: Path) -> None:
    signed = reviewed(tmp_path, results(), edit=decided)
    sign_off.save(sign_off.sign_off(signed, "me", "2026-11-03"), tmp_path)
    assert sign_off.load(tmp_path, signed) is not None
    assert sign_off.load(tmp_path, reviewed(tmp_path, results(), results(), edit=decided)) is None
    assert (
        sign_off.load(tmp_path, reviewed(tmp_path, results(), edit=lambda text: decided(text) + "\n# more\n")) is None
    )
    (tmp_path / sign_off.FILE).write_text("[" * 100_000)
    assert sign_off.load(tmp_path, signed) is None


def test_a_decision_about_one_place_comes_before_one_about_all(tmp_path: Path) -> None:
    decision = finding(reviewed(tmp_path, edit=decided), "A.2.2.4").decision
    assert decision is not None and (decision.at, decision.choice) == ("camera", "mitigate")


# --- Mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "complaint"),
    [
        ('role = "device"', 'role = "camera"', 1, "component.camera.role: expected one of device, service"),
        ('zone = "garden"\nparty', 'zone = "gardn"\nparty', 1, "component.camera.zone: expected the name of a zone"),
        ('party = "host"', 'party = "hosts"', 1, "component.cloud.party: expected the name of a party"),
        ("trust = 20", "trust = 120", 1, "zone.garden.trust: expected a number from 0 to 100"),
        ("trust = 20", 'trust = "low"', 1, "zone.garden.trust: expected an integer"),
        (
            'target = "cloud"\nassets',
            'target = "clod"\nassets',
            1,
            "flow.reports.target: expected the name of a component",
        ),
        ('channel = "other"', "", 0, "flow.viewing.channel: expected a device and a service"),
        (
            'threat = "A.2.2.4"',
            'threat = "A.2.2.9"',
            1,
            "decision.stolen-cameras.threat: expected the name of a threat",
        ),
        ('at = "camera"', 'at = "kamera"', 1, "decision.stolen-cameras.at: expected the name of a component or flow"),
        ('choice = "mitigate"', 'choice = "ignore"', 1, "decision.stolen-cameras.choice: expected one of mitigate"),
        ('date = "2026-11-01"', 'date = "2026-13-01"', 1, "decision.stolen-cameras.date: expected a day"),
        ("[party.host]", "[partner.host]", 0, "partner: expected a known key"),
        ('software = "maker"', 'softwear = "maker"', 1, 'softwear: expected a known key (did you mean "software"?)'),
        ('reason = "Identity', "reason = Identity", 1, "file: expected TOML"),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, old: str, new: str, line: int, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    text = example()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DescriptionError) as error:
        load(path)
    assert complaint in str(error.value)
    if line:
        number = text[: text.index(old)].count("\n") + 1
        assert str(error.value).startswith(f"{path}:{number}: ")
    assert "\n" not in str(error.value)


def test_the_record_of_a_sign_off_is_json(tmp_path: Path) -> None:
    record = sign_off.sign_off(reviewed(tmp_path, results(every_test_passes), edit=decided), "me", "2026-11-03")
    assert json.loads(json.dumps(record)) == record
