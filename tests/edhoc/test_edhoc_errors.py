"""EDHOC error messages on the wire."""

import pytest

from trustconn.harness.peer.edhoc_errors import (
    EdhocError,
    MalformedError,
    parse,
    unknown_credential,
    unspecified,
    wrong_suite,
)


@pytest.mark.parametrize(
    ("message", "octets", "error"),
    [
        (unspecified("refused"), "016772656675736564", EdhocError(1, "refused")),
        (unspecified(""), "0160", EdhocError(1, "")),
        (wrong_suite([2]), "0202", EdhocError(2, (2,))),
        (wrong_suite([3, 2, 24]), "028303021818", EdhocError(2, (3, 2, 24))),
        (unknown_credential(), "03f5", EdhocError(3, True)),
    ],
)
def test_what_is_sent_is_what_is_read(message: bytes, octets: str, error: EdhocError) -> None:
    assert message.hex() == octets
    assert parse(message) == error


@pytest.mark.parametrize(
    ("octets", "error"),
    [("1903e880", EdhocError(1000, [])), ("20a0", EdhocError(-1, {})), ("0220", EdhocError(2, (-1,)))],
)
def test_codes_and_suites_of_others_are_read(octets: str, error: EdhocError) -> None:
    assert parse(bytes.fromhex(octets)) == error


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("00f5", id="code 0"),
        pytest.param("", id="empty"),
        pytest.param("01", id="no information"),
        pytest.param("016000", id="a third item"),
        pytest.param("820160", id="array"),
        pytest.param("0101", id="code 1 without text"),
        pytest.param("0141ff", id="code 1 with octets"),
        pytest.param("0161ff", id="ill-formed text"),
        pytest.param("028102", id="array of one suite"),
        pytest.param("0280", id="no suites"),
        pytest.param("02f5", id="a boolean for a suite"),
        pytest.param("028202f5", id="a boolean among suites"),
        pytest.param("02820261", id="truncated"),
        pytest.param("028202613a", id="a text among suites"),
        pytest.param("03f4", id="code 3 with false"),
        pytest.param("0301", id="code 3 with 1"),
        pytest.param("f560", id="a boolean for a code"),
        pytest.param("180160", id="long code"),
        pytest.param("029f0203ff", id="indefinite length"),
        pytest.param("fb3ff000000000000060", id="a float for a code"),
        pytest.param("04" + "81" * 200 + "00", id="too deep"),
    ],
)
def test_anything_else_is_malformed(octets: str) -> None:
    with pytest.raises(MalformedError):
        parse(bytes.fromhex(octets))


def test_a_responder_without_suites_cannot_answer() -> None:
    with pytest.raises(ValueError, match="at least one"):
        wrong_suite([])
