"""`trustconn mitm`: described implementations, results, and every mistake with its exit code."""

import json
import sys
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.harness.verdict.results import Results
from trustconn.harness.verdict.verdict import Verdict

IUT = """
[iut]
name = "a {role}"
role = "{role}"
version = "1"
[wire]
{wire}
[credentials]
folder = "{folder}"
[features]
suites = [3, 2, 5]
[control]
mode = "stdio"
command = ["{python}", "-m", "trustconn.harness.peer.runner", "{role}", "--credentials", "{folder}/iut", "--control", "stdio", "--clock", "control"]
[timeouts]
start = 60
dial = {dial}
"""  # noqa: E501


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("described")
    assert main(["provision", "both", "--out", str(made / "credentials"), "--seed", "pair"]) == 0
    return made


def described(
    folder: Path, role: str, wire: str | None = None, credentials: str = "credentials", dial: float = 60
) -> str:
    wire = wire if wire is not None else 'connect = "control"' if role == "device" else ""
    file = folder / f"{role}-{abs(hash((wire, credentials)))}.toml"
    made = folder / credentials / role
    text = IUT.format(role=role, folder=made, python=sys.executable, wire=wire, dial=dial)
    file.write_text(text, encoding="utf-8")
    return str(file)


def pair(folder: Path) -> list[str]:
    return ["--device", described(folder, "device"), "--service", described(folder, "service")]


def test_described_implementations_are_judged(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["mitm", *pair(folder), "--select", "relay or drop-ATT_I or pass or waiver", "--out", str(tmp_path)]) == 0
    )
    results = Results.from_json(json.loads((tmp_path / "results.json").read_text()))
    assert [iut.name for iut in results.header.iuts] == ["a device", "a service"]
    assert {"pass", "drop-ATT_I", "relay-service"} <= {test.case.id for test in results.tests}
    assert "verdict pass: 6 pass, 1 not exercised" in capsys.readouterr().out
    (waiver,) = [test for test in results.tests if test.case.id == "waiver-service"]
    assert waiver.judgement.reason == "feature presents_waiver is not declared as True"
    assert b"drop-ATT_I, " in (tmp_path / "conversations-mitm.pcapng").read_bytes()
    assert "drop-ATT_I" in (tmp_path / "transcripts-mitm.jsonl").read_text()


def test_a_failure_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mitm", "--without", "cred_r_is_intended", "--select", "foreign-device", "--out", str(tmp_path)]
    assert main(words) == 1
    assert "FAIL foreign-device [IDN-15]" in capsys.readouterr().out


def test_a_list_names_scenarios_and_plays_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mitm", "--list", "--select", "cuckoo-device"]) == 0
    assert capsys.readouterr().out.startswith("cuckoo-device [ATT-17 ATT-18 ATT-19]: evidence of the")
    assert main(["mitm", "--list", "--select", "nothing-like-this"]) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--device", "missing.toml"], "expected a file, found nothing"),
        (["--select", "(drop"], "a parenthesis is not closed"),
        (["--without", "no_such_check"], "unknown check"),
    ],
)
def test_bad_usage_is_exit_code_2(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["mitm", *words, "--out", str(tmp_path)])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert says in capsys.readouterr().err


def test_what_does_not_belong_together_is_exit_code_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    device, service = described(folder, "device"), described(folder, "service")
    assert main(["provision", "both", "--out", str(folder / "others"), "--seed", "others"]) == 0
    stranger = described(folder, "service", credentials="others")
    for words, says in (
        (["--device", device], "--device and --service go together"),
        (["--device", service, "--service", service], "it describes a service"),
        (["--device", device, "--service", stranger], "do not trust each other"),
        (["--device", device, "--service", service, "--without", "eat_nonce_is_binder"], "cannot go with descriptions"),
    ):
        assert main(["mitm", *words, "--out", str(tmp_path)]) == 2
        assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("role", "wire", "says"),
    [
        ("device", 'connect = ["true", "{host}", "{port}"]', "nobody dialled 127.0.0.1:"),
        ("service", 'address = "127.0.0.1:9"', "127.0.0.1:9: Connection refused"),
    ],
    ids=["a device that never dials", "a service that is down"],
)
def test_ends_that_do_not_meet_are_exit_code_3_and_said_once(
    role: str, wire: str, says: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = pair(folder)
    words[words.index(f"--{role}") + 1] = described(folder, role, wire, dial=0.2)
    assert main(["mitm", *words, "--select", "drop", "--out", str(tmp_path)]) == 3
    out = capsys.readouterr().out
    assert out.count("nothing could be judged: an honest conversation did not work") == 1
    assert says in out
    results = Results.from_json(json.loads((tmp_path / "results.json").read_text()))
    assert {test.status for test in results.tests} == {Verdict.INCONC}
