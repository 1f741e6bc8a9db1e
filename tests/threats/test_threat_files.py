"""The review's files: the Open Threat Model that others import, the table, and the command that writes them."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import pytest
from threat_cases import decided, finding, results, reviewed

from trustconn.cli.main import main
from trustconn.harness.threats import otm
from trustconn.harness.threats.html import to_html
from trustconn.harness.threats.system import example
from trustconn.harness.threats.table import COLUMNS, to_csv
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Verdict

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("runs", [(), (results(),)])
def test_the_open_threat_model_is_what_its_schema_says(tmp_path: Path, runs: tuple[Results, ...]) -> None:
    made = otm.to_otm(reviewed(tmp_path, *runs))
    jsonschema.Draft7Validator(otm.schema()).validate(json.loads(json.dumps(made)))
    zones = {zone["id"] for zone in made["trustZones"]}
    parts = {part["id"] for part in made["components"]}
    threats, controls = ({row["id"] for row in made[name]} for name in ("threats", "mitigations"))
    assert {part["parent"]["trustZone"] for part in made["components"]} <= zones
    for flow in made["dataflows"]:
        assert {flow["source"], flow["destination"]} <= parts
    for part in (*made["components"], *made["dataflows"]):
        for row in part["threats"]:
            assert row["threat"] in threats and {one["mitigation"] for one in row["mitigations"]} <= controls


def states(made: otm.Json) -> set[str]:
    return {row["state"] for part in (*made["components"], *made["dataflows"]) for row in part["threats"]}


def test_a_page_carries_the_designation_and_the_licence_of_what_it_repeats(tmp_path: Path) -> None:
    page = " ".join(to_html(reviewed(tmp_path)).split())
    notices = [" ".join(p.split()) for p in (ROOT / "NOTICE").read_text(encoding="utf-8").split("\n\n")]
    owed = [text for text in notices if text.startswith(("©2026 The MITRE", "The MITRE Corporation"))]
    assert len(owed) == 2 and all(text in page for text in owed)


def test_nothing_is_mitigated_there_that_was_not_exercised_and_decided(tmp_path: Path) -> None:
    assert states(otm.to_otm(reviewed(tmp_path, edit=decided))) == {"exposed"}
    wrong = results(lambda *_: Verdict.FAIL)
    assert states(otm.to_otm(reviewed(tmp_path, wrong, edit=decided))) == {"exposed"}
    assert states(otm.to_otm(reviewed(tmp_path, results()))) == {"exposed", "mitigated"}
    made = otm.to_otm(reviewed(tmp_path, edit=decided))
    assert {row["riskReduction"] for row in made["mitigations"]} == {0}


def test_the_table_has_a_line_for_each_threat_and_no_formula(tmp_path: Path) -> None:
    found = reviewed(tmp_path, results(), edit=lambda text: text.replace('reason = "', 'reason = "=2+3 '))
    head, *lines = csv.reader(StringIO(to_csv(found)))
    assert tuple(head) == COLUMNS and len(lines) == len(found.findings)
    row = dict(zip(head, next(line for line in lines if line[0] == "A.2.2.4"), strict=True))
    assert row["reason"].startswith("'=2+3 ") and row["state"] == "WITHSTOOD" and int(row["passed"]) > 100
    assert "TID-214" in row["emb3d"] and "information disclosure" in row["stride"]


def test_the_impact_is_what_the_assets_say(tmp_path: Path) -> None:
    found = reviewed(tmp_path)
    assert finding(found, "A.2.4.3").impact == 80  # Confidentiality of the pictures.
    assert finding(found, "A.2.4.4").impact == 100  # Integrity of the commands.


# --- The command -----------------------------------------------------------------------------------------------------


def trustconn(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trustconn", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_from_a_run_to_a_sign_off(tmp_path: Path) -> None:
    """A run, its review, refusals for one reason after the other, and in the end a name under it."""
    assert trustconn(tmp_path, "run", "--select", "bind-domain", "--out", "some").returncode == 0
    assert trustconn(tmp_path, "threats", "init", "mine.toml").returncode == 0
    sign = ("threats", "sign-off", "mine.toml", "--by", "R. Example", "--out", "review")
    refused = trustconn(tmp_path, *sign)
    assert refused.returncode == 1 and refused.stderr.count("NOT EXERCISED") == 11
    partly = trustconn(tmp_path, *sign, "--results", "some")
    assert partly.returncode == 1 and "PARTLY EXERCISED" in partly.stderr and "NOT EXERCISED" in partly.stderr
    results().save(tmp_path / "whole.json")
    (tmp_path / "mine.toml").write_text(decided(example()))
    done = trustconn(tmp_path, *sign, "--results", "whole.json")
    assert done.returncode == 0 and "signed off by R. Example" in done.stdout, done.stderr
    assert {path.name for path in (tmp_path / "review").iterdir()} == {
        "sign-off.json", "threats.csv", "threats.html", "threats.otm.json",
    }  # fmt: skip
    review = ("threats", "review", "mine.toml", "--out", "review", "--strict", "--results")
    assert trustconn(tmp_path, *review, "some").returncode == 1
    assert "signed off" not in trustconn(tmp_path, *review, "some").stdout


def test_it_lists_the_threats(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["threats", "list"]) == 0
    text = capsys.readouterr().out
    assert text.count("STRIDE") == 12 and "TID-114 Peripheral Data Bus Interception" in text


def test_bad_files_are_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text(example().replace("trust = 20", "trust = 200"))
    (tmp_path / "good.toml").write_text(example())
    (tmp_path / "results.json").write_text("[" * 100_000)
    (tmp_path / "other.json").write_text("{}")
    for words, complaint in (
        ("review mine.toml", "mine.toml:"),
        ("review good.toml --results nowhere", "nowhere: No such file"),
        ("review good.toml --results .", "no results of a run"),
        ("review good.toml --results other.json", "no results of a run"),
        ("sign-off good.toml", "--by"),
        ("init good.toml", "File exists"),
    ):
        verb, *rest = words.split()
        paths = [str(tmp_path / word) if "." in word or word == "nowhere" else word for word in rest]
        try:
            assert main(["threats", verb, *paths]) == 2, words
        except SystemExit as left:
            assert left.code == 2, words
        said = capsys.readouterr().err
        assert complaint in said and said.count("\n") == 1, words


def test_a_results_file_of_an_older_build_is_told_by_its_version(tmp_path: Path) -> None:
    old = results()
    iuts = tuple(replace(iut, version="0") for iut in old.header.iuts)
    edit = 'iut = "trustconn reference device"\nversion = "1"'
    found = reviewed(
        tmp_path, replace(old, header=replace(old.header, iuts=iuts)),
        edit=lambda text: text.replace('iut = "trustconn reference device"', edit),
    )  # fmt: skip
    assert "the results are of version 0, the system has 1" in finding(found, "A.2.2.1").exercises[0].why
