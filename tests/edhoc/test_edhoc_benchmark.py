"""The benchmark of handshakes runs; its figures are for whoever runs it."""

import pytest

from trustconn.harness.benchmark import edhoc


def test_every_contender_is_measured_in_every_round() -> None:
    rates = edhoc.measure(edhoc.contenders(), rounds=2, count=1)
    assert {name.split(",")[0] for name in rates} >= {"evaluator", "cryptography alone"}
    assert all(len(values) == 2 and min(values) > 0 for values in rates.values())


def test_rates_and_ratios_are_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["edhoc", "--rounds", "1", "--handshakes", "1"])
    edhoc.main()
    printed = capsys.readouterr().out
    assert "evaluator, method 0, suite 2 / cryptography alone, method 0: " in printed
