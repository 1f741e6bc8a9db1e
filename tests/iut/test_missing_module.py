"""Where the programs of a TPM are not installed: what is said, and that everybody says the same."""

import pytest

from trustconn.cli.main import main
from trustconn.harness.tpm.swtpm import INSTALL
from trustconn.spec.prose import FOLDER

CHECKOUT = FOLDER.resolve().parent


@pytest.mark.parametrize("command", [["run"], ["peer", "service"], ["provision", "device"]], ids=lambda words: words[0])
def test_the_command_that_installs_it_is_named(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main([*command, "--tam", "swtpm"]) == 2
    assert INSTALL in capsys.readouterr().err


def test_continuous_integration_installs_it_by_the_same_script() -> None:
    script, *packages = INSTALL.split()
    text = (CHECKOUT / ".ci" / "environment").read_text(encoding="utf-8")
    assert all(word in text for word in (f"$root/{script}", *packages))
    assert (CHECKOUT / script).is_file()
    named = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert script in named
    assert all(f"`{word.partition('=')[2]}`" in named for word in packages)
