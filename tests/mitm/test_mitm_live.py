"""Scenarios between the complete reference peers, as two processes: nothing makes them disagree."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitm_pair import judgement, live_pair, played, register

from trustconn.harness.deadline import Deadline
from trustconn.harness.mitm.ends import Pair
from trustconn.harness.mitm.play import Player
from trustconn.harness.mitm.scene import Scene
from trustconn.harness.mitm.wire import Intruder
from trustconn.harness.tester.session import NeedNotMet
from trustconn.harness.verdict.verdict import Grade, Verdict

ONE_OF_EACH = (
    "pass", "pieces-3", "drop-ATT_R", "duplicate-message_2", "again-DATA_I", "reflect-message_1", "echo-HELLO_R",
    "fin-VERDICT_I", "rst-RECEIPT_I", "half-message_3", "delay-message_4", "delay-CLOSE_R", "splice-message_3",
    "splice-DATA_R", "recorded-message_1", "recorded-VERDICT_R", "flip-message_1-C_I", "flip-ATT_I-tag",
    "rewrite-message_1-SUITES_I-weaker", "rewrite-RECEIPT_R-CLOSE", "inject-DATA_I-service-error-1",
    "inject-message_2-device-error-2", "swap-VERDICT_I", "conversation-service", "conversation-device",
    "relay-service", "relay-nonces-device", "diversion-device", "cuckoo-service", "foreign-device", "revoked-service",
    "impostor-service", "forged-device", "wrong-role-service", "misbinding-device", "labels-device", "verdict-service",
    "waiver-service", "dh-both", "leaked-device-CLOSE-DATA_R",
)  # fmt: skip


ONE_OF_EACH_OVER_TLS = (
    "pass", "pieces-3", "drop-ATT_R", "duplicate-server_flight.3", "again-DATA_I", "reflect-client_hello",
    "echo-HELLO_R", "fin-VERDICT_I", "rst-RECEIPT_I", "half-client_flight.2", "delay-server_flight.2",
    "splice-client_flight.2", "splice-DATA_R", "recorded-client_hello", "recorded-VERDICT_R", "flip-client_hello-alpn",
    "flip-ATT_I-last", "rewrite-client_hello-key_share", "rewrite-server_flight-key_share", "rewrite-RECEIPT_R-CLOSE",
    "inject-DATA_I-service-alert", "inject-server_flight-device-message", "swap-VERDICT_I", "conversation-service",
    "conversation-device", "relay-service", "relay-nonces-device", "diversion-device", "cuckoo-service",
    "foreign-device", "revoked-service", "impostor-service", "forged-device", "wrong-role-service",
    "misbinding-device", "labels-device", "verdict-service", "waiver-service", "dh-both", "leaked-device-CLOSE-DATA_R",
)  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with live_pair(tmp_path_factory.mktemp("pair")) as running:
        yield running


def test_one_of_each_kind_is_listed() -> None:
    for names, binding in ((ONE_OF_EACH, "edhoc"), (ONE_OF_EACH_OVER_TLS, "tls")):
        known = register(binding)
        assert {known[name].operator for name in names} == {s.operator for s in known.values()}


def test_complete_peers_agree_whatever_happens(pair: Pair) -> None:
    found = played(pair, *ONE_OF_EACH)
    assert {name: judgement(p).reason for name, p in found.items() if judgement(p).verdict is not Verdict.PASS} == {}
    for item in found.values():
        if judgement(item).negative:
            witness = judgement(item).witness
            assert witness is not None
            assert not witness.missing
    assert "eat_nonce_is_binder" in str(judgement(found["relay-service"]).witness)
    assert "message_2, unit 0 of the service" in str(judgement(found["duplicate-message_2"]).witness)
    assert judgement(found["inject-DATA_I-service-error-1"]).grade is Grade.TOLERATED
    assert judgement(found["drop-ATT_R"]).grade is Grade.SPECIFIED


def test_complete_peers_agree_over_tls(tmp_path: Path) -> None:
    with live_pair(tmp_path, binding="tls") as pair:
        found = played(pair, *ONE_OF_EACH_OVER_TLS)
    assert {name: judgement(p).reason for name, p in found.items() if judgement(p).verdict is not Verdict.PASS} == {}
    assert "eat_nonce_is_binder" in str(judgement(found["relay-service"]).witness)


def test_a_whole_conversation_passes_with_what_both_applications_said(pair: Pair) -> None:
    player = Player(pair)
    scene = Scene(pair, player.cast, "conversation")
    scene.through(Intruder())
    device, service = scene.end()
    assert device.sid == service.sid
    assert (device.peer, service.peer) == (service.identity, device.identity)
    assert (device.accepted, service.accepted) == (service.said, device.said)
    assert device.suite == service.suite == 3
    assert device.ended == service.ended == "clean"


def test_without_what_the_judge_needs_everything_is_inconclusive(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(verb: str) -> None:
        raise NeedNotMet(f"the control plane has no verb {verb}")

    monkeypatch.setattr(pair.service.session, "need_verb", lacking)
    (item,) = played(pair, "drop-ATT_R").values()
    assert judgement(item).verdict is Verdict.INCONC
    assert judgement(item).reason == "service: the control plane has no verb events"


def test_a_scenario_that_does_not_come_to_its_point_is_inconclusive(pair: Pair) -> None:
    scenario = register()["drop-DATA_I"]
    with pair.configured({"device": {"suites": [5]}, "service": {"suites": [3]}}):
        scene = Scene(pair, Player(pair).cast, scenario.id)
        scenario.play(scene)
        scene.end()
    assert scene.reached == ""


def test_an_end_that_no_longer_runs_has_failed(tmp_path: Path) -> None:
    with live_pair(tmp_path) as running:
        process = running.service.session.launched.process
        assert process is not None

        def stop(scene: Scene) -> None:
            process.stop(Deadline.after(60))

        kills = dataclasses.replace(register()["drop-ATT_R"], play=stop)
        first, second = Player(running).all([kills, register()["drop-ATT_I"]])
    assert judgement(first).verdict is Verdict.FAIL
    assert "the service no longer runs" in judgement(first).reason
    assert judgement(second).verdict is not Verdict.PASS


def test_an_end_that_speaks_late_is_given_more_time(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """First nobody is waited for: the octets that come too late show that more patience is needed."""
    player, wait = Player(pair), pair.barrier
    before = player._good()
    monkeypatch.setattr(pair, "barrier", lambda: wait() if pair.grace else None)
    monkeypatch.setattr(pair, "grace", 0.0)
    monkeypatch.setattr(pair.device.session, "silence", 0.5)
    assert judgement(player.play(register()["delay-HELLO_I"], before)).verdict is Verdict.PASS
