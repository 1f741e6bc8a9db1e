"""Revocation while two real peers talk, in processes of their own, at a time that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from status_authority import StatusAuthority, serving

from trustconn.harness.deadline import Deadline
from trustconn.harness.identity.credentials import TrustAnchors
from trustconn.harness.identity.provision import load_world, provision
from trustconn.harness.identity.status import make_crl
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.iut.description import Credentials
from trustconn.harness.iut.launch import LaunchedIut
from trustconn.harness.iut.reference import reference

NOW, INTERVAL, PATIENCE = 1_800_000_000, 60, 30.0
REVOKED = 26
SOURCES = ("ocsp", "crl")


class Pair:
    """A device and the service that it dials; `moment` is the time of both."""

    def __init__(self, folder: Path, processes: ExitStack, sources: tuple[str, ...]) -> None:
        self.folder, self.moment = folder, NOW
        self.pki: TesterPki = provision(folder, seed=b"live", now=NOW, role="device")
        self.leaf = load_world(folder / "iut", lambda: NOW).credentials.leaf
        issuing = self.pki.device.issuing
        self.authority = processes.enter_context(serving(StatusAuthority(issuing, [self.leaf], lambda: self.moment)))
        asked = [word for name in sources for word in (f"--{name}", self.authority.url(name))]
        self.device = processes.enter_context(_launched("device", folder, []))
        self.service = processes.enter_context(_launched("service", folder, asked))

    def dial(self) -> int:
        """The device dials; a mark in what the service tells from then on."""
        control, mark = self.device.control, self.mark()
        assert control is not None
        control.connect(self.service.address)
        return mark

    def mark(self) -> int:
        """The latest event of the service."""
        assert self.service.control is not None
        return self.service.control.last_seq

    def tells(self, name: str, since: int, **fields: Any) -> None:
        """The service tells of this."""
        assert self.service.control is not None
        wanted = {"event": name, **fields}
        self.service.control.wait_event(lambda e: wanted.items() <= e.items(), Deadline.after(PATIENCE), name, since)

    def opens(self) -> int:
        """A session opens; the mark from which it began."""
        mark = self.dial()
        self.tells("open", mark)
        return mark

    def passes(self, seconds: int) -> None:
        """Time passes for both."""
        self.moment += seconds
        for iut in (self.device, self.service):
            assert iut.control is not None
            iut.control.advance_clock(seconds)

    def refuses_as_revoked(self, since: int) -> None:
        """The service ends it by ALERT revoked."""
        self.tells("alert", since, direction="sent", code=REVOKED)
        self.tells("closed", since)


def _launched(role: str, folder: Path, asked: list[str]) -> LaunchedIut:
    """A reference peer with further words on its command line."""
    described = reference(role, folder, now=NOW)
    party = folder / ("iut" if role == "device" else "tester/peer")
    command = [str(party) if word == str(folder / "iut") else word for word in described.control.command or ()]
    control = replace(described.control, command=(*command, *asked))
    return LaunchedIut(replace(described, control=control, credentials=Credentials(folder)))


@pytest.fixture(params=[()], ids=["none"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as processes:
        made = Pair(tmp_path, processes, request.param)
        assert made.service.control is not None
        made.service.control.provision(reattest_interval=INTERVAL)
        yield made


def test_a_list_that_comes_ends_the_session_and_refuses_the_next(pair: Pair) -> None:
    """Pushed: without a tick of the clock."""
    mark = pair.opens()
    folder = pair.folder / "tester" / "peer"
    anchors = TrustAnchors.load(folder)
    crl = make_crl(pair.pki.device.issuing, [pair.leaf.serial], NOW)
    replace(anchors, crls=(*anchors.crls, crl)).save(folder)
    assert pair.service.control is not None
    pair.service.control.provision(folder=str(folder))
    pair.refuses_as_revoked(mark)
    again = pair.dial()
    pair.tells("closed", again)
    assert pair.service.control is not None
    assert not [e for e in pair.service.control.events if e["event"] == "open" and e["seq"] > again]


@pytest.mark.parametrize("pair", [("ocsp",), ("crl",)], indirect=True, ids=SOURCES)
def test_what_the_own_source_revokes_ends_within_one_interval(pair: Pair) -> None:
    mark = pair.opens()
    later = pair.mark()
    pair.passes(INTERVAL + 1)
    pair.tells("verdict", later, direction="sent")
    pair.authority.revoked.add(pair.leaf.serial)
    pair.passes(INTERVAL + 1)
    pair.refuses_as_revoked(mark)
    pair.refuses_as_revoked(pair.dial())


@pytest.mark.parametrize("pair", [("ocsp",), ("crl",), SOURCES], indirect=True, ids=[*SOURCES, "both"])
def test_a_source_that_does_not_answer_is_a_refusal(pair: Pair) -> None:
    mark = pair.opens()
    pair.authority.answers = False
    pair.passes(INTERVAL + 1)
    pair.refuses_as_revoked(mark)
    pair.refuses_as_revoked(pair.dial())
    pair.authority.answers = True
    pair.opens()


@pytest.mark.parametrize("pair", [SOURCES], indirect=True, ids=["both"])
def test_where_one_source_fails_the_other_answers(pair: Pair) -> None:
    pair.authority.issued.clear()  # The responder breaks off, the list is there.
    pair.opens()
    assert set(pair.authority.asked) == {"/crl"}


@pytest.mark.parametrize("pair", [("ocsp",)], indirect=True, ids=["ocsp"])
def test_an_answer_to_another_request_is_none(pair: Pair) -> None:
    pair.authority.echoes = False
    pair.refuses_as_revoked(pair.dial())
