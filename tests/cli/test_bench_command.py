"""`trustconn bench` measures what it is asked for, and says what it cannot."""

import json
from pathlib import Path

import pytest

from trustconn.cli.main import main
from trustconn.harness.benchmark.growth import Growth


def test_a_group_and_a_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line comes out, and the file has the same."""
    path = tmp_path / "bench.json"
    assert main(["bench", "--quick", "conversation", "parallel", "--json", str(path)]) == 0
    conversation, growth = json.loads(path.read_text())
    assert 0 < conversation["ratio"] < 1, "a conversation has a handshake in it"
    assert [size for size, _ in growth["points"]] == [1, 2, 4, 8, 16, 32]
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert f"exponent {growth['exponent']:.2f}" in printed[1]


def test_what_others_publish_is_a_yardstick(tmp_path: Path) -> None:
    """The ratio lies between those to both ends of the range that they give."""
    path = tmp_path / "bench.json"
    assert main(["bench", "--quick", "fuzz", "--json", str(path)]) == 0
    cases, conversations = json.loads(path.read_text())
    assert 0 < cases["value"] <= conversations["value"]
    for found in (cases, conversations):
        assert found["low"] == pytest.approx(found["value"] / 52)
        assert found["high"] == pytest.approx(found["value"] / 24)
        assert found["low"] < found["ratio"] < found["high"]


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and exit code 2."""
    assert main(["bench", "conversatoin"]) == 2
    assert "did you mean conversation?" in capsys.readouterr().err


@pytest.mark.parametrize("power", [0, 1, 2])
def test_exponent(power: int) -> None:
    """Of a cost that is a power of the size."""
    growth = Growth("", "", "", tuple((size, 3.0 * size**power) for size in (1, 2, 4, 8)))
    assert growth.exponent == pytest.approx(power)
