"""The judge: which pairs of views agree, and what it says of those that do not."""

from dataclasses import replace
from typing import Any

import pytest

from trustconn.harness.mitm.agreement import Allowed, disagreements, matching
from trustconn.harness.mitm.view import View, view_of

DEVICE, SERVICE, INSIDER = "urn:tc:device:01", "https://service.example/", "https://insider.example/"
SID, OTHER_SID = "11" * 16, "22" * 16
HONEST = frozenset({DEVICE, SERVICE})
ALLOWED = Allowed(honest=HONEST, suite=3)


def device(**changed: Any) -> View:
    view = View("device", DEVICE, SERVICE, SID, 3, (2,), (2,), ("s1",), (7,), (0, 1), "clean", (), ("d1", "d2"), True)
    return replace(view, **changed)


def service(**changed: Any) -> View:
    view = View("service", SERVICE, DEVICE, SID, 3, (2,), (2,), ("d1", "d2"), (4, 5), (0,), "clean", (), ("s1",))
    return replace(view, **changed)


def test_two_views_of_one_session_agree() -> None:
    assert disagreements([device(), service()], ALLOWED) == []


LOST: dict[str, list[View]] = {
    "the last verdict": [
        device(sid="", suite=None, received=(), accepted=(), sequences=(), confirmed=(), ended="truncated", said=()),
        service(accepted=(), sequences=(), confirmed=(), ended="truncated", said=()),
    ],
    "everything": [
        device(peer="", sid="", sent=(), received=(), accepted=(), ended="refused"),
        service(peer="", sid="", sent=(), received=(), accepted=(), ended="refused"),
    ],
    "a receipt": [device(confirmed=(0,), ended="truncated"), service()],
    "data": [device(confirmed=(), ended="truncated"), service(accepted=("d2",), sequences=(5,))],
    "nothing, in two sessions": [device(), service(), device(sid=OTHER_SID), service(sid=OTHER_SID)],
    "the name of the suite": [device(suite=None), service()],
}


@pytest.mark.parametrize("views", LOST.values(), ids=LOST)
def test_what_a_network_can_always_do_is_no_disagreement(views: list[View]) -> None:
    assert disagreements(views, ALLOWED) == []


@pytest.mark.parametrize(
    ("views", "says"),
    [
        ([device(), service(sid=OTHER_SID)], "the device speaks with https://service.example/, who does not know"),
        ([device(), service(peer="urn:tc:device:02")], "the service trusts urn:tc:device:02, whom it was not told"),
        ([device()], "the device speaks with https://service.example/, who does not know"),
        ([device(peer=INSIDER), service(peer="", sid="")], "the device trusts https://insider.example/"),
        ([device(suite=2), service(suite=3)], "the device uses suite 2, its peer 3"),
        ([device(suite=2), service(suite=2)], "the device is open with suite 2, where both ends prefer 3"),
        ([device(received=(200,)), service()], "the device was given the verdicts (200,), its peer gave (2,)"),
        ([device(), service(accepted=("d2", "d1"))], "the service has accepted 2 data, not as its peer sent them"),
        ([device(), service(accepted=("d1", "d1", "d2"))], "the service has accepted 3 data"),
        ([device(), service(accepted=("x",))], "the service has accepted 1 data"),
        ([device(), service(sequences=(4, 4))], "the service has accepted labels numbered (4, 4)"),
        ([device(confirmed=(0,)), service(accepted=("d2",))], "the device was told of data that its peer accepted"),
        ([device(asked_to_close=False), service(ended="truncated")], "the device reports a clean end"),
        ([device(), service(), device(), service(sid=OTHER_SID)], "the device has opened two sessions"),
        ([device(sid="", ended="refused"), service(peer="", sid="")], "the device speaks with"),
    ],
)
def test_a_disagreement_is_said(views: list[View], says: str) -> None:
    assert any(sentence.startswith(says) for sentence in disagreements(views, ALLOWED)), disagreements(views, ALLOWED)


def test_an_attacker_is_accepted_as_itself_and_as_nothing_more() -> None:
    views = [device(peer=INSIDER, accepted=("own",)), service(peer="", sid="", sent=(), received=(), accepted=())]
    assert disagreements(views, Allowed({INSIDER: True}, HONEST)) == []
    assert "although it has no evidence" in disagreements(views, Allowed({INSIDER: False}, HONEST))[0]
    relayed = [replace(views[0], accepted=("s1",)), views[1]]
    assert "somebody else has signed" in disagreements(relayed, Allowed({INSIDER: True}, HONEST))[0]


def test_an_end_that_closes_by_itself_may() -> None:
    views = [device(asked_to_close=False), service()]
    assert disagreements(views, ALLOWED)
    assert disagreements(views, Allowed(honest=HONEST, suite=3, closes_unasked=True)) == []


def test_the_same_identifier_matches_before_anything_else() -> None:
    other, same = service(sid=OTHER_SID), service()
    assert matching(device(), [device(), other, same]) is same


def test_a_view_is_what_the_events_add_up_to() -> None:
    about = {"connection": 1, "time": 0}
    events: list[dict[str, Any]] = [
        {"event": "peer", "identity": SERVICE},
        {"event": "verdict", "direction": "sent", "tier": 2},
        {"event": "verdict", "direction": "received", "tier": 201},
        {"event": "open", "sid": SID, "suite": 2},
        {"event": "data", "labelled": True, "digest": "ab", "sequence": 9},
        {"event": "receipt", "direction": "received", "count": 3, "code": 0},
        {"event": "receipt", "direction": "received", "count": 4, "code": 30},
        {"event": "alert", "direction": "sent", "code": 10},
        {"event": "closed", "how": "refused"},
    ]
    view = view_of("device", DEVICE, [about | {"seq": n} | event for n, event in enumerate(events)])
    expected = View(
        "device", DEVICE, SERVICE, SID, 2, (2,), (201,), ("ab",), (9,), (3,), "refused", ("sends ALERT 10",)
    )
    assert view == expected
