"""Chains: what makes one whole, every link that breaks it, its bounds, and what it costs."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from label_setting import NOW, PARAMETERS, Setting, made_setting

from trustconn.harness.labels.chain import PROFILE, Chain, Limits
from trustconn.harness.labels.errors import LabelError
from trustconn.harness.labels.label import Action, Input, Label, input_of, make, parse
from trustconn.harness.labels.stored import Stored, read
from trustconn.harness.labels.trust import Trust
from trustconn.harness.labels.verify import Judged, encode_parameters, verify


@pytest.fixture
def setting() -> Setting:
    """The module's."""
    return made_setting()


def judged(setting: Setting, *labels: Label, limits: Limits = PROFILE, trust: Trust | None = None) -> list[Judged]:
    """A chain as it comes out of its file; the last label is that of the data."""
    octets = [label.octets for label in labels]
    stored = read(Stored(octets[-1], tuple(octets[:-1])).encode())
    return verify(stored, trust or setting.trust(), limits=limits)


def refused(setting: Setting, *labels: Label, trust: Trust | None = None) -> LabelError:
    """Why a chain is refused."""
    with pytest.raises(LabelError) as failure:
        judged(setting, *labels, trust=trust)
    return failure.value


def test_a_picture_that_was_cropped_and_compressed_verifies_down_to_the_camera(setting: Setting) -> None:
    picture = setting.label(b"picture")
    cropped = setting.label(b"cropped", picture, by="editor")
    compressed = setting.label(b"compressed", cropped, by="editor")
    found = judged(setting, picture, cropped, compressed)
    assert [item.label.digest for item in found] == [picture.digest, cropped.digest, compressed.digest]
    assert [item.signer for item in found] == [setting.party(n).leaf.identity for n in ("camera", "editor", "editor")]


def test_labels_may_come_in_any_order_and_others_may_lie_beside(setting: Setting) -> None:
    first, beside = setting.label(b"1"), setting.label(b"beside")
    second = setting.label(b"2", first)
    third = setting.label(b"3", second, first)
    assert len(judged(setting, beside, second, first, third)) == 3


def _resigned(setting: Setting, label: Label, **changes: Any) -> Label:
    return parse(setting.altered(setting.statement(b"2"), inputs=label.inputs, **changes))


def _broken(setting: Setting) -> dict[str, tuple[str, str, list[Label]]]:
    first = setting.label(b"1")
    second = setting.label(b"2", first)
    named = second.inputs[0]
    forged = parse(first.octets[:-1] + bytes([first.octets[-1] ^ 1]))

    def made_from(*inputs: Input, **changes: Any) -> Label:
        return parse(setting.altered(setting.statement(b"2", first), inputs=inputs, **changes))

    def acting(name: str, *inputs: Input, **parts: Any) -> Label:
        action = replace(Action(name, "camera 1.0", PARAMETERS), **parts)
        return made_from(*inputs, action=action)

    stranger = replace(setting.signer("camera"), identity="https://other.example/")
    return {
        "missing": ("CHN-08", "is missing", [second]),
        "another label": ("CHN-08", "is missing", [setting.label(b"1"), second]),
        "forged": ("LBL-05", "signature", [forged, made_from(input_of(forged, "parentOf"))]),
        "other data": ("CHN-08", "about other data", [first, made_from(replace(named, data=bytes(32)))]),
        "no action": ("CHN-06", "none is named", [first, made_from(named, action=None)]),
        "no parameters": ("CHN-06", "no digest of parameters", [first, acting("tc.processed", named, parameters=None)]),
        "no agent": ("CHN-06", "no agent", [first, acting("tc.processed", named, agent="")]),
        "unknown action": ("CHN-07", "c2pa.cropped is unknown", [first, acting("c2pa.cropped", named)]),
        "created from something": ("CHN-11", "tc.created has inputs", [first, acting("tc.created", named)]),
        "processed from nothing": ("CHN-11", "tc.processed has no input", [acting("tc.processed")]),
        "forwarded otherwise": ("CHN-13", "was changed", [first, acting("tc.forwarded", named)]),
        "another subject": (
            "LBL-07", "another identity", [parse(make(setting.statement(b"1"), stranger))],
        ),
        "inputs beyond": ("CHN-10", "65, at most 64", [first, made_from(*[named] * 65)]),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(_broken(made_setting())))
def test_a_chain_that_is_broken_is_refused_and_the_label_named(setting: Setting, name: str) -> None:
    requirement, reason, labels = _broken(setting)[name]
    error = refused(setting, *labels)
    assert error.requirement == requirement
    assert reason in str(error)
    assert error.label in {label.digest for label in labels}
    assert error.label.hex()[:12] in str(error)


def test_forwarded_data_that_is_unchanged_passes(setting: Setting) -> None:
    first = setting.label(b"1")
    assert len(judged(setting, first, setting.label(b"1", first, by="editor", action="tc.forwarded"))) == 2


def test_an_action_that_policy_names_passes(setting: Setting) -> None:
    first = setting.label(b"1")
    own = setting.label(b"2", first, action="example.blurred")
    stored = Stored(own.octets, (first.octets,))
    assert refused(setting, first, own).requirement == "CHN-07"
    assert len(verify(stored, setting.trust(), known=frozenset({"example.blurred", "tc.created"}))) == 2


def test_a_label_without_action_is_an_original(setting: Setting) -> None:
    plain = parse(setting.altered(setting.statement(b"1"), action=None))
    assert len(judged(setting, plain, setting.label(b"2", plain))) == 2


def _line(setting: Setting, length: int) -> list[Label]:
    labels: list[Label] = []
    for number in range(length):
        labels.append(setting.label(str(number).encode(), *labels[-1:]))
    return labels


def test_depth_is_bounded(setting: Setting) -> None:
    labels = _line(setting, 33)
    assert len(judged(setting, *labels[:32])) == 32
    error = refused(setting, *labels)
    assert (error.requirement, error.field) == ("CHN-10", "depth")
    assert len(judged(setting, *labels, limits=Limits(depth=33))) == 33


def test_labels_of_a_chain_are_bounded(setting: Setting) -> None:
    leaves = [setting.label(str(number).encode()) for number in range(6)]
    top = setting.label(b"top", *leaves)
    assert len(judged(setting, *leaves, top, limits=Limits(labels=7))) == 7
    with pytest.raises(LabelError, match="labels: more than 6 in the chain"):
        judged(setting, *leaves, top, limits=Limits(labels=6))


def test_diamonds_are_walked_in_linear_time(setting: Setting) -> None:
    """Thirty levels of two labels that each name both below: a walk without memory would take 2^30 steps."""
    level = [setting.label(b"a"), setting.label(b"b")]
    labels = list(level)
    for number in range(29):
        level = [setting.label(f"{number}{side}".encode(), *level) for side in "ab"]
        labels += level
    found = judged(setting, *labels)
    assert len(found) == 59
    assert len({item.label.digest for item in found}) == 59


def test_a_chain_that_contains_itself_is_refused(setting: Setting) -> None:
    """No digest can be its own preimage, so the store tells a lie: it finds the label itself under its input."""
    first = setting.label(b"1")
    second = setting.label(b"2", first)
    third = setting.label(b"3", second)
    around = replace(first, inputs=(input_of(third, "parentOf"),))
    chain = Chain(third, {second.digest: second, first.digest: around, third.digest: third})
    with pytest.raises(LabelError, match=r"made from itself.*CHN-10"):
        chain.ordered()


def test_ten_times_the_links_cost_ten_times_the_calls(setting: Setting) -> None:
    labels = _line(setting, 1000)
    limits = Limits(depth=1000, labels=1000)
    judged(setting, *labels[:10])
    few, many = (_calls(partial(judged, setting, *labels[:length], limits=limits)) for length in (100, 1000))
    assert 9 * few < many < 11 * few


def _calls(act: Callable[[], object]) -> int:
    """How often anything is called, in Python or beyond: what a machine that does something else does not change."""
    count = itertools.count()
    sys.setprofile(lambda frame, event, argument: next(count) and None if event.endswith("call") else None)
    try:
        act()
    finally:
        sys.setprofile(None)
    return next(count)


# --- signers ---------------------------------------------------------------------------------------------------------


def test_a_signer_without_a_path_is_refused(setting: Setting) -> None:
    label = setting.label()
    trust = setting.trust()
    trust.roots = (setting.pki.service.root.certificate,)
    assert "no pinned root" in str(refused(setting, label, trust=trust))


def test_a_signer_that_is_not_at_hand_is_refused_and_one_that_is_held_is_found(setting: Setting) -> None:
    label = parse(make(setting.statement(), setting.signer(), with_certificates=False))
    assert "not at hand" in str(refused(setting, label))
    trust = setting.trust()
    held = (setting.party("camera").leaf, *setting.party("camera").chain)
    trust.held = {item.sha256: item for item in held}
    assert judged(setting, label, trust=trust)


def test_another_certificate_of_the_same_key_is_refused(setting: Setting) -> None:
    label = setting.label()
    other = setting.signer("editor")
    mixed = replace(setting.signer(), certificates=other.certificates)
    assert refused(setting, parse(make(setting.statement(), mixed))).requirement == "LBL-05"
    brought = replace(label, certificates=other.certificates)
    with pytest.raises(LabelError, match="LBL-06"):
        setting.trust().check_signature(brought)


def test_an_attestation_key_signs_no_label(setting: Setting) -> None:
    own = setting.party("camera")
    certificates = (own.ak.der, *(item.der for item in own.ak_chain))
    signer = replace(setting.signer(), certificates=certificates)
    trust = setting.trust()
    trust.roots = (setting.pki.attestation.root.certificate,)
    with pytest.raises(LabelError, match="is not for labels"):
        trust.check_path(parse(make(setting.statement(), signer)))


@pytest.mark.parametrize(
    ("now", "reason"), [(NOW + 400 * 86400, "not valid at"), (NOW - 2 * 3600, "is yet to come")], ids=["late", "early"]
)
def test_a_certificate_is_judged_at_present(setting: Setting, now: int, reason: str) -> None:
    assert reason in str(refused(setting, setting.label(), trust=setting.trust(now=now)))


# --- parameters ------------------------------------------------------------------------------------------------------


def _with_parameters(setting: Setting, octets: bytes, agent: str) -> Callable[[], list[Judged]]:
    action = Action("tc.created", agent, sha256(octets).digest())
    label = setting.altered(setting.statement(), action=action)
    return lambda: verify(Stored(label, parameters=(octets,)), setting.trust())


def test_a_generative_agent_is_told(setting: Setting) -> None:
    made = encode_parameters("painter 3", "generative", {"prompt": "a bridge"})
    (found,) = _with_parameters(setting, made, "painter 3")()
    assert found.generative
    assert found.parameters == {1: "painter 3", 2: 3, "prompt": "a bridge"}


def test_parameters_of_another_agent_are_refused(setting: Setting) -> None:
    made = encode_parameters("painter 3", "generative", {})
    with pytest.raises(LabelError, match="CHN-12"):
        _with_parameters(setting, made, "camera 1.0")()


def test_parameters_without_a_kind_of_agent_are_refused(setting: Setting) -> None:
    with pytest.raises(LabelError, match="CHN-12"):
        _with_parameters(setting, b"\xa1\x01\x66camera", "camera")()
    with pytest.raises(ValueError, match="expected one of"):
        encode_parameters("camera", "oracle", {})
