"""Results for other tools: SARIF and OSCAL by the schemas of OASIS and NIST, and what they say."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator
from report_runs import make

from trustconn.conformance.report.findings import worded
from trustconn.conformance.report.oscal import oscal
from trustconn.conformance.report.run import RunError, read_run
from trustconn.conformance.report.sarif import sarif

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"


@cache
def sarif_schema() -> Draft4Validator:
    return Draft4Validator(json.loads((SCHEMAS / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")))


@cache
def oscal_schema() -> Draft7Validator:
    """The schema has classes of Unicode in its patterns, which Python writes otherwise."""
    text = (SCHEMAS / "oscal_assessment-results_schema.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(text.replace(r"\\p{L}", r"[^\\W\\d_]").replace(r"\\p{N}", r"\\d")))


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No test of it could be exercised."""
    return make(tmp_path_factory.mktemp("nothing") / "run", frozenset(), "test_tpm and ATT-33")


@pytest.mark.parametrize("which", ["faulty", "complete", "nothing"])
def test_sarif_and_oscal_are_as_their_schemas_say(which: str, request: pytest.FixtureRequest) -> None:
    run = read_run(request.getfixturevalue(which))
    assert [error.message for error in sarif_schema().iter_errors(sarif(run))] == []
    assert [error.message for error in oscal_schema().iter_errors(oscal(run))] == []


def test_the_schemas_refuse_what_is_none(faulty: Path) -> None:
    log, document = sarif(read_run(faulty)), oscal(read_run(faulty))
    log["runs"][0]["results"][0]["kind"] = "refused"
    document["assessment-results"]["results"][0]["findings"][0]["target"]["type"] = "control"
    assert not sarif_schema().is_valid(log)
    assert not oscal_schema().is_valid(document)


def test_sarif_has_each_test_that_did_not_pass_under_its_rule(faulty: Path, complete: Path) -> None:
    run = read_run(faulty)
    found = sarif(run)["runs"][0]
    failed = {test.case.id: test for test in run.bad}
    assert {one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for one in found["results"]} == set(failed)
    for one in found["results"]:
        rule = found["tool"]["driver"]["rules"][one["ruleIndex"]]
        assert rule["id"] == one["ruleId"] == one["properties"]["requirements"][0]
        assert (one["kind"], one["level"]) == ("fail", "error") or one["kind"] == "open"
    assert sarif(read_run(complete))["runs"][0]["results"] == []


def test_oscal_finds_satisfied_what_passed_and_nothing_else(faulty: Path, complete: Path) -> None:
    run = read_run(faulty)
    result = oscal(run)["assessment-results"]["results"][0]
    states = {one["target"]["target-id"]: one["target"]["status"]["state"] for one in result["findings"]}
    for name, (status, _) in run.results.by_requirement().items():
        label = getattr(status, "label", "")
        assert states.get(name) == ({"pass": "satisfied"}.get(label, "not-satisfied") if label else None)
    known = {one["uuid"] for one in result["observations"]}
    related = [one["observation-uuid"] for finding in result["findings"] for one in finding["related-observations"]]
    assert set(related) == known
    clean = oscal(read_run(complete))["assessment-results"]["results"][0]["findings"]
    assert Counter(one["target"]["status"]["state"] for one in clean).keys() == {"satisfied"}


def test_the_same_results_make_the_same_files(faulty: Path) -> None:
    def written(make: Any) -> str:
        return json.dumps(make(read_run(faulty)))

    assert written(oscal) == written(oscal)
    assert written(sarif) == written(sarif)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"results.json: No such file"):
        read_run(tmp_path)
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(RunError, match=r"results.json: "):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("seen alert:23, specified alert:25", "seen alert:23 binder mismatch, specified alert:25 stale"),
        ("specified edhoc-error:1", "specified edhoc-error:1 unspecified"),
        ("specified verifier-error:1", "specified verifier-error:1 replay"),
        ("receipt:30 or alert:999", "receipt:30 label invalid or alert:999"),
    ],
)
def test_codes_in_reasons_have_their_names(reason: str, said: str) -> None:
    assert worded(reason) == said
