"""Profile sets: frozen lists of test ids."""

from pathlib import Path

import pytest

from trustconn.harness.verdict.profile_set import read_set, set_names
from trustconn.harness.verdict.request import RequestError


def test_a_set_is_its_lines_in_order_without_comments(tmp_path: Path) -> None:
    (tmp_path / "tc1.txt").write_text("# frozen\n\nb[1]\na\n")
    assert set_names(tmp_path) == ["tc1"]
    assert read_set(tmp_path, "tc1") == ("b[1]", "a")


@pytest.mark.parametrize(("text", "complaint"), [("# none\n", "empty"), ("a\na\n", "twice")])
def test_a_useless_set_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "tc1.txt").write_text(text)
    with pytest.raises(RequestError, match=complaint):
        read_set(tmp_path, "tc1")


def test_an_unknown_set_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "tc1.txt").write_text("a\n")
    with pytest.raises(RequestError, match="known: tc1"):
        read_set(tmp_path, "../tc1")
    with pytest.raises(RequestError, match="known: none"):
        read_set(tmp_path / "absent", "tc1")
