"""The command line from outside: exit codes and one clear line for each mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

from trustconn.cli.main import main

DEVICE = """
[iut]
name = "meter"
role = "device"
version = "1"
[wire]
connect = ["./meter", "{host}", "{port}"]
[credentials]
folder = "credentials"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meter.toml").write_text(DEVICE)
    (tmp_path / "broken.toml").write_text(DEVICE.replace("version", "verison"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("ru", "unknown command 'ru'; did you mean run?"),
        ("run --role devise", "'devise'"),
        ("run --without eat_is_recen", "did you mean eat_is_recent"),
        ("run --fault same_g", "did you mean same_g_"),
        ("run --iut meter.toml --fault same_g_x", "cannot go with --iut"),
        ("peer service --fault pong_thrice", "unknown fault 'pong_thrice'"),
        ("kill pong_thrice", "did you mean pong_twice"),
        ("kill same_g_x --role service", "no such peer can have this fault"),
        ("kill pong_twice --write", "goes with neither NAME nor --role"),
        ("run --without ,", "unknown check ''"),
        ("run --iut meter.toml --without eat_is_recent", "cannot go with --iut"),
        ("run --iut absent.toml", "absent.toml: expected a file, found nothing"),
        ("run --iut broken.toml", 'did you mean "version"?'),
        ("run --iut meter.toml --role service", "meter.toml describes a device"),
        ("run --profile-set tc1-1999", "unknown profile set 'tc1-1999'"),
        ("run --rerun a --select b", "--rerun names one test"),
        ("run --seed many", "'many'"),
        ("run --out meter.toml", "--out meter.toml: expected a folder"),
        ("run --sel x", "--sel"),
        ("iut check absent.toml", "absent.toml"),
        ("iut check broken.toml", "broken.toml:5: iut.verison"),
        ("iut init device meter.toml", "exists"),
        ("iut init gateway", "'gateway'"),
        ("iut init device new.toml --connect 'x", "No closing quotation"),
        ("run --iut meter.toml --expected broken.toml", "broken.toml: expected tables [[expected]], found"),
        ("run --expected nowhere.toml", "nowhere.toml: expected a file"),
        ("peer gateway", "'gateway'"),
        ("explain ATT-5O", "unknown"),
        ("explain eat_is_recen", "did you mean eat_is_recent"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(words.split())
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else -1
    said = capsys.readouterr().err
    assert code == 2
    assert complaint in said
    assert said.count("\n") == 1


def test_a_template_is_a_good_description(capsys: pytest.CaptureFixture[str]) -> None:
    from trustconn.harness.iut.description import load

    for role in ("device", "service", "verifier"):
        assert main(["iut", "init", role, f"{role}.toml"]) == 0
        assert load(Path(f"{role}.toml")).iut.role == role
    assert main(["iut", "init", "device"]) == 0
    assert capsys.readouterr().out == Path("device.toml").read_text()


def test_options_fill_a_template_in_and_credentials_are_issued_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    from trustconn.harness.iut.description import load

    words = ["iut", "init", "service", "tls.toml", "--name", "mine", "--binding", "tls", "--scope", "handshake"]
    words += ["--probe", "hello", "--control", "python3 'my server.py'", "--provision"]
    assert main(words) == 0
    made = load(Path("tls.toml"))
    assert (made.iut.name, made.iut.scope, made.wire.binding, made.wire.probe) == ("mine", "handshake", "tls", "hello")
    assert (made.control.command, made.wire.address) == (("python3", "my server.py"), None)
    assert made.features.bindings == ("tls",) and made.credentials.tester.is_dir()
    assert main(["iut", "init", "device", "dials.toml", "--control", "./adapter", "--provision"]) == 0
    assert load(Path("dials.toml")).wire.connect == "control"
    assert "credentials is there already" in capsys.readouterr().out
    assert main(["iut", "init", "service", "odd.toml", "--scope", "handshake"]) == 2
    assert "wire.binding: expected tls" in capsys.readouterr().err and not Path("odd.toml").exists()
    assert main(["iut", "init", "service", "--provision"]) == 2


def test_a_real_process_gives_the_same_exit_codes() -> None:
    def code_of(*words: str) -> int:
        command = [sys.executable, "-c", "import sys; from trustconn.cli.main import main; sys.exit(main())", *words]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert code_of("--help") == 0
    assert code_of() == 2
    assert code_of("run", "--role", "devise") == 2


def test_the_overview_imports_no_command() -> None:
    script = (
        "import sys; from trustconn.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pytest', 'rich', 'jsonschema', 'cryptography', 'trustconn.harness', 'trustconn.model'}\n"
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0
