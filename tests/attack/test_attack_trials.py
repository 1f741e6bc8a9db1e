"""Every attack of the removal matrix succeeds in octets without the check, and is refused by a complete peer."""

import copy
from typing import Any

import pytest

from trustconn.harness.attack.story import Story
from trustconn.harness.attack.trial import Beside, Result, attempt, beside, both, chosen, honest, missing, stories
from trustconn.harness.deadline import Deadline
from trustconn.harness.peer.binding import BINDINGS
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.harness.tester.local import LocalConnection, LocalIut
from trustconn.harness.tester.session import NeedNotMet
from trustconn.model.extract.committed import attacks

STORIES = list(stories().values())
NAMES = [story.name for story in STORIES]


PLAYED = [(story, binding) for binding in BINDINGS for story in chosen((), binding=binding)]


@pytest.mark.parametrize(("story", "binding"), PLAYED, ids=[f"{binding}-{story.name}" for story, binding in PLAYED])
def test_it_succeeds_without_the_check_and_is_refused_with_it_at_its_step(story: Story, binding: str) -> None:
    pair = both(story, 0, binding)
    assert pair.deviation == ""
    if not beside().get(story.name, Beside()).also:
        assert missing(story) == set(story.checks)
    assert pair.without.shown, "the implementation shows that it went on"


class Slow(LocalConnection):
    """What comes, comes in pieces, in the middle of records too."""

    left = b""

    def recv_some(self, deadline: Deadline) -> bytes:
        self.left = self.left or super().recv_some(deadline)
        piece, self.left = self.left[:700], self.left[700:]
        return piece


class InPieces(LocalIut):
    def connect(self) -> LocalConnection:
        connection = super().connect()
        connection.__class__ = Slow
        return connection


@pytest.mark.parametrize("name", ["label_digest_is_content", "ak_is_not_revoked"])
def test_a_handshake_of_tls_is_passed_on_in_pieces_too(name: str) -> None:
    story = stories()[name]
    role = story.victim.role
    assert attempt(story, InPieces(role, binding="tls")).result is Result.REFUSED
    assert attempt(story, InPieces(role, binding="tls", off=missing(story))).result is Result.SUCCEEDED


def test_every_attack_of_the_matrix_is_there() -> None:
    assert set(NAMES) == set(attacks())
    assert set(beside()) <= set(NAMES)


@pytest.mark.parametrize("name", [name for name, known in beside().items() if known.also])
def test_checks_beside_the_missing_one_stop_it_in_octets(name: str) -> None:
    story = stories()[name]
    iut = LocalIut(story.victim.role, off=frozenset(story.checks))
    assert attempt(story, iut).result is not Result.SUCCEEDED
    assert iut.latest is not None
    refusals = {e.fields["check"] for e in iut.latest.events if e.name in ("refused", "data_refused")}
    assert refusals <= set(beside()[name].also)


@pytest.mark.parametrize(("story", "other"), list(zip(STORIES, STORIES[1:] + STORIES[:1], strict=True)), ids=NAMES)
def test_a_peer_that_lacks_another_check_refuses_it(story: Story, other: Story) -> None:
    iut = LocalIut(story.victim.role, off=frozenset(other.checks) - frozenset(story.checks))
    assert attempt(story, iut).result is Result.REFUSED


@pytest.mark.parametrize("name", ["label_sid_is_this_session", "cred_r_path_verifies", "record_tag_verifies"])
def test_another_seed_comes_to_the_same(name: str) -> None:
    assert both(stories()[name], seed=4711).deviation == ""


def test_one_implementation_meets_the_same_attack_again_and_again() -> None:
    story, iut = stories()["label_seq_increases"], LocalIut("service")
    assert [attempt(story, iut).result for _ in range(3)] == [Result.REFUSED] * 3


def test_a_refusal_after_the_step_is_told_from_one_at_the_step() -> None:
    story = stories()["cred_i_is_not_revoked_locally + peer_leaf_is_not_revoked"]
    trial = attempt(story, LocalIut("service", off=frozenset({"cred_i_is_not_revoked_locally"})))
    assert (trial.result, trial.seen) == (Result.OTHERWISE, "alert:26")
    assert trial.reason == "expected edhoc-error:1 to message_3"


def test_an_attack_on_another_table_is_not_played() -> None:
    data: dict[str, Any] = copy.deepcopy(attacks()["eat_signature_verifies"])
    received = next(e for e in data["attack"]["events"] if e["label"] == "HELLO_R")
    received["term"][2] = "expected"
    trial = attempt(Story("eat_signature_verifies", data), LocalIut("device"))
    assert trial.result is Result.UNPLAYED
    assert "found anew" in trial.reason


def test_a_role_that_the_table_does_not_have_is_not_played() -> None:
    data: dict[str, Any] = copy.deepcopy(attacks()["eat_signature_verifies"])
    data["attack"]["runs"][0]["role"] = "device aa, other reading"
    assert attempt(Story("eat_signature_verifies", data), LocalIut("device")).result is Result.UNPLAYED
    data["attack"]["runs"][0]["role"] = "device xx"
    trial = attempt(Story("eat_signature_verifies", data), LocalIut("device"))
    assert (trial.result, trial.reason) == (Result.UNPLAYED, "the table has no role device xx")


def test_over_a_binding_that_has_no_such_check_it_is_not_played() -> None:
    trial = attempt(stories()["signature_2_verifies"], LocalIut("device", binding="tls"))
    assert trial.result is Result.UNPLAYED
    assert "tls" in trial.reason


def test_attacks_are_chosen_by_missing_checks_and_role() -> None:
    assert chosen(()) == tuple(STORIES)
    assert {s.name for s in STORIES} - {s.name for s in chosen((), binding="tls")} == {
        "signature_2_verifies", "signature_3_verifies", "suite_is_most_preferred", "record_tag_verifies",
    }  # fmt: skip
    assert [s.name for s in chosen(["peer_leaf_is_not_revoked"], "service")] == [
        "cred_i_is_not_revoked_locally + peer_leaf_is_not_revoked"
    ]
    assert chosen(["g_x_is_valid", "peer_leaf_is_not_revoked"]) == ()


@pytest.mark.parametrize("name", ["eat_signature_verifies", "waiver_signature_verifies", "cred_r_path_verifies"])
def test_an_honest_conversation_in_the_mode_of_an_attack_works(name: str) -> None:
    story = stories()[name]
    assert honest(story, LocalIut(story.victim.role)).peer.state == "CLOSED"


class Dying(LocalIut):
    """An implementation that is gone as soon as one looks."""

    def is_alive(self) -> bool:
        return False


def test_an_implementation_that_crashes_has_not_refused() -> None:
    trial = attempt(stories()["eat_signature_verifies"], Dying("device"))
    assert (trial.result, trial.seen) == (Result.BROKEN, "crashed")


class Mute(Endpoint):
    """A peer that opens, and then answers nothing any more."""

    def data_to_send(self) -> bytes:
        data = super().data_to_send()
        return b"" if self.state == "OPEN" else data


def test_an_implementation_that_hangs_has_not_refused() -> None:
    iut = LocalIut("device", off=frozenset({"signature_2_verifies"}), make=Mute)
    assert attempt(stories()["signature_2_verifies"], iut).result is Result.BROKEN


class FewSuites(LocalIut):
    """An implementation that declares one suite."""

    def need_feature(self, name: str, value: object = True) -> None:
        if name == "suites" and value != 2:
            raise NeedNotMet(f"feature {name} is not declared as {value!r}")


def test_a_choice_of_suites_is_tried_only_where_there_is_one() -> None:
    trial = attempt(stories()["suite_is_most_preferred"], FewSuites("service"))
    assert (trial.result, trial.reason) == (Result.UNPLAYED, "feature suites is not declared as 3")
