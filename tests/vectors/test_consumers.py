"""Two programs that share no code with the generator, nor with each other, agree with every vector."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from availability import not_available

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.harness.iut import node

PYTHON = [sys.executable, "-m", "trustconn.vectors.consumer"]


def agree(command: list[str], results: Path) -> None:
    assert main(["vectors", "run", "--seconds", "60", "--out", str(results), "--", *command]) == exit_code.PASSED
    outcomes = json.loads(results.read_text(encoding="utf-8"))["outcomes"]
    assert {outcome["verdict"] for outcome in outcomes} == {"pass"}


def test_the_python_program_agrees(tmp_path: Path) -> None:
    agree(PYTHON, tmp_path / "results.json")


def test_the_javascript_program_agrees(tmp_path: Path) -> None:
    if lacks := node.missing():
        not_available(f"Node.js peer not available: {lacks}")
    agree(["node", str(node.FOLDER / "vectors.js")], tmp_path / "results.json")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


def run(program: Path, body: str, *options: str) -> int:
    """A program that answers every line by `body`, which sees `request` and says `reply(...)`."""
    program.write_text(
        "import json, os, sys, time\n"
        "def reply(**said): print(json.dumps(said), flush=True)\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n" + "".join(f"    {line}\n" for line in body.splitlines()),
        encoding="utf-8",
    )
    words = ["vectors", "run", "--area", "encoding", "--select", "/depth/", *options]
    return main([*words, "--", sys.executable, str(program)])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(3)", "exit code 3"),
        ("os.abort()", "SIGABRT"),
        ("print('hello', flush=True)", "not JSON: "),
        ("print('[1]', flush=True)", "not a reply: "),
        ("reply(id='other', result='valid')", "a reply to another request: "),
        ("reply(id=request['id'], result='perhaps')", "result is none of valid, invalid, unsupported: "),
        ("reply(id=request['id'], result='valid', output=[])", "output is no object"),
        ("print('x' * (1 << 21), flush=True)", "a reply without end: "),
        ("time.sleep(1000)", "no reply in 0.1 seconds"),
    ],
)
def test_a_program_that_does_not_answer_is_told_with_the_vector(
    program: Path, body: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(program, body, "--seconds", "0.1" if "sleep" in body else "60") == exit_code.FAILED
    assert f"FAIL encoding/depth/ERR-04/arrays/depth-16: {said}" in capsys.readouterr().out.replace(
        "crashed: ended by ", ""
    )


def test_who_refuses_everything_fails_the_witness_and_the_rest_is_inconclusive(
    program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(program, "reply(id=request['id'], result='invalid', reason='never')") == exit_code.FAILED
    out = capsys.readouterr().out
    assert "FAIL encoding/depth/ERR-04/arrays/depth-16: refused: never" in out
    assert "INCONCLUSIVE encoding/depth/ERR-04/arrays/depth-17: its witness failed" in out


def test_who_accepts_everything_is_told_which_bug_that_is(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program, "reply(id=request['id'], result='valid', output={'value': None})") == exit_code.FAILED
    out = capsys.readouterr().out
    assert "accepted what must be refused" in out
    assert "flag Nesting (resource exhaustion)" in out


def test_a_program_that_knows_nothing_has_not_passed(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program, "reply(id=request['id'], result='unsupported')") == exit_code.UNDECIDED
    assert "not exercised" in capsys.readouterr().out


def test_a_program_that_dies_once_is_started_again(program: Path, tmp_path: Path) -> None:
    mark, results = tmp_path / "died", tmp_path / "results.json"
    body = (
        f"if 'depth-17' in request['id'] and not os.path.exists({str(mark)!r}):\n"
        f"    open({str(mark)!r}, 'w').close(); os._exit(9)\n"
        "reply(id=request['id'], result='unsupported')"
    )
    assert run(program, body, "--out", str(results)) == exit_code.FAILED
    outcomes = json.loads(results.read_text(encoding="utf-8"))["outcomes"]
    died = [outcome["id"] for outcome in outcomes if outcome["how"] == "died"]
    assert died == ["encoding/depth/ERR-04/arrays/depth-17"] and len(outcomes) > 10


def test_an_interrupted_run_keeps_what_it_had(program: Path, tmp_path: Path) -> None:
    """The program blocks at its third vector; the run is interrupted as soon as it does."""
    gate, results = tmp_path / "gate", tmp_path / "results.json"
    os.mkfifo(gate)
    program.write_text(
        "import json, sys\n"
        "for number, line in enumerate(sys.stdin):\n"
        f"    if number == 2: open({str(gate)!r}, 'w').close(); sys.stdin.read()\n"
        "    request = json.loads(line)\n"
        "    print(json.dumps({'id': request['id'], 'result': 'unsupported'}), flush=True)\n",
        encoding="utf-8",
    )
    words = ["vectors", "run", "--area", "records", "--seconds", "60", "--out", str(results), "--"]
    command = [sys.executable, "-m", "trustconn", *words, sys.executable, str(program)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        gate.open().close()
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == exit_code.INTERRUPTED
    written = json.loads(results.read_text(encoding="utf-8"))
    assert written["complete"] is False and len(written["outcomes"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "no program: give its command behind --"),
        (["run", "--", "no-such-program"], "no-such-program cannot be started"),
        (["run", "--seconds", "0", "--", "true"], "--seconds: more than none"),
        (["run", "--set", "tc1-1999.1", "--", "true"], "unknown set 'tc1-1999.1'"),
        (["generate", "--freeze", "--check"], "--freeze is about a whole set"),
        (["generate", "--area", "nowhere"], "unknown area 'nowhere'"),
    ],
)
def test_mistakes_of_the_user_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", *words]) == exit_code.USAGE
    assert said in capsys.readouterr().err
