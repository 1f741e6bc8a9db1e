"""The retry after error code 2 (RFC 9528 section 6.3): which suites an initiator offers then, if any."""

import pytest

from trustconn.harness.peer.edhoc_errors import EdhocError
from trustconn.harness.peer.retry import retry_after, retry_suites

SUPPORTED = (3, 2, 5)


@pytest.mark.parametrize(
    ("suites_r", "expected"),
    [
        ((2,), (3, 2)),
        ((5, 2), (3, 2)),
        ((5,), (3, 2, 5)),
        ((160, 5), (3, 2, 5)),
    ],
)
def test_the_most_preferred_common_suite_comes_last_behind_all_preferred_to_it(
    suites_r: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert retry_suites((3,), suites_r, SUPPORTED) == expected


@pytest.mark.parametrize("suites_r", [(160,), (3,), (2, 3), (24, 0)])
def test_what_no_honest_responder_says_leads_to_no_retry(suites_r: tuple[int, ...]) -> None:
    assert retry_suites((3,), suites_r, SUPPORTED) is None


def test_a_suite_that_policy_excludes_is_never_selected() -> None:
    assert retry_suites((3,), (2,), (3,)) is None


def test_without_the_check_the_responder_is_believed() -> None:
    assert retry_suites((3,), (2,), (3,), frozenset({"suites_r_allow_a_retry"})) == (2,)


@pytest.mark.parametrize(
    "error", [EdhocError(1, "text"), EdhocError(3, True), EdhocError(42, [2])], ids=("text", "credential", "unknown")
)
def test_other_errors_lead_to_no_retry(error: EdhocError) -> None:
    assert retry_after(error, (3,), SUPPORTED) is None
