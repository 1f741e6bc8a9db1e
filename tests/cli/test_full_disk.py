"""What a machine refuses, a full disk or a reader that has gone, is told in one line, and results are kept."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.conformance.parallel import Companion, Log
from trustconn.harness.verdict.results import rebuild

PYTHON = (sys.executable, "-m", "trustconn")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--version", "explain ATT-16", "threats list", "label verify --help"])
def test_output_that_cannot_be_written_is_told_without_a_traceback(words: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PYTHON, *words.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    if "--help" not in words:
        assert (done.returncode, done.stderr) == (3, "trustconn: cannot write: No space left on device\n")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("words", "code"), [("explain ATT-16", 3), ("explain nothing", 2)])
def test_the_exit_code_tells_where_nothing_else_can(words: str, code: int) -> None:
    with open("/dev/full", "wb") as full:
        assert subprocess.run([*PYTHON, *words.split()], stdout=full, stderr=full, check=False).returncode == code


def test_a_run_whose_reader_has_gone_keeps_its_results(tmp_path: Path) -> None:
    words = ["run", "--role", "service", "--select", "LBL-08", "--out", str(tmp_path)]
    with subprocess.Popen([*PYTHON, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (3, "")
    assert rebuild(tmp_path).complete


def test_a_file_cannot_be_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert main(["provision", "both", "--out", str(tmp_path / "credentials")]) == 0
    words = ["label", "sign", str(file), "--platform", str(tmp_path / "credentials/device/iut"), "--agent", "camera"]
    assert main([*words, "--out", str(file / "label")]) == 2
    assert f"{file}/label: cannot be written: Not a directory" in capsys.readouterr().err


class FullLog:
    """A log on a full disk."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        return refuse


class DeafLog:
    """A log that takes all."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def _fails(log: Log) -> None:
    raise OSError(28, "No space left on device")


def _tells(log: Log) -> None:
    log.test_started("open", 0.0)


@pytest.mark.parametrize(("play", "log"), [(_fails, DeafLog()), (_tells, FullLog())])
def test_a_second_process_that_cannot_go_on_says_why_to_the_first(play: Callable[[Log], None], log: Log) -> None:
    companion = Companion(play, log, lambda _: None)
    companion.start()
    with pytest.raises(OSError, match="No space left"):
        companion.join()
