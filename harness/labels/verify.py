"""Stored data judged: label, chain, signers at their time, environments, parameters. It needs nothing of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..codec import cbor
from . import environment
from .chain import ACTIONS, PROFILE, Chain, Limits, check_action, check_forwarded, check_inputs
from .environment import Environment
from .errors import LabelError, short
from .label import Label
from .stored import Stored
from .trust import Trust

AGENT, KIND = 1, 2
"""Parameters that every action has: who or what did it, and what kind of agent that is (CHN-12)."""
KINDS = ("person", "device", "algorithm", "generative")
"""By their numbers."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A label that was verified: who signed it, when it existed at the latest where that is proven, and its facts."""

    label: Label
    signer: str
    existed: int | None
    environment: Environment | None
    parameters: Mapping[int | str, Any] | None

    @property
    def generative(self) -> bool:
        """Whether a generative algorithm made the data, as its signer says."""
        return self.parameters is not None and KINDS[self.parameters[KIND]] == "generative"


def verify(
    stored: Stored,
    trust: Trust,
    *,
    limits: Limits = PROFILE,
    known: frozenset[str] = ACTIONS,
    advance: Callable[[int], None] = lambda labels: None,
) -> list[Judged]:
    """Every label of the chain, inputs first, that of the data last. Raises LabelError for the first that fails."""
    chain = Chain.of(stored.label, stored.labels)
    times = _times(stored, chain, trust)
    environments, parameters = stored.by_digest(stored.environments), stored.by_digest(stored.parameters)
    ordered, judged = chain.ordered(limits), []
    _check_owned(parameters, ordered)
    for label in ordered:
        existed = times.get(label.digest)
        check_action(label, known)
        check_inputs(label, chain.find)
        check_forwarded(label)
        trust.check_signature(label)
        trust.check_subject(label)
        trust.check_path(label, existed)
        trust.check_status(label, existed)
        shown = _environment(label, environments, trust, existed)
        judged.append(Judged(label, trust.signer(label)[0].identity, existed, shown, _parameters(label, parameters)))
        advance(1)
    return judged


def _check_owned(parameters: Iterable[bytes], labels: Iterable[Label]) -> None:
    """Parameters that no label signs are told to nobody: they are altered ones, or others put in their place."""
    signed = {label.action.parameters for label in labels if label.action is not None}
    for digest in parameters:
        if digest not in signed:
            raise LabelError("CHN-06", "parameters", f"{short(digest)} are those of no label of the chain")


def _times(stored: Stored, chain: Chain, trust: Trust) -> dict[bytes, int]:
    """The earliest trusted time of each label that has one."""
    if not stored.stamps:
        return {}
    from .stamp import proven_time

    times: dict[bytes, int] = {}
    for digest, response in stored.stamps:
        label = chain.top if digest == chain.top.digest else chain.find(digest)
        if label is None:
            raise LabelError("LBL-24", "time stamp", f"is over label {short(digest)}, which is not there")
        found = proven_time(response, label.octets, digest, trust.authorities)
        times[digest] = min(found, times.get(digest, found))
    return times


def _environment(
    label: Label, environments: Mapping[bytes, bytes], trust: Trust, existed: int | None
) -> Environment | None:
    if label.environment is None:
        return None
    octets = environments.get(label.environment)
    if octets is None:
        raise LabelError("LBL-23", "environment", f"object {short(label.environment)} is missing", label=label.digest)
    return environment.check(label, octets, trust, existed)


def _parameters(label: Label, parameters: Mapping[bytes, bytes]) -> Mapping[int | str, Any] | None:
    """What an action's parameters say, where they are kept (CHN-12)."""
    action = label.action
    octets = parameters.get(action.parameters) if action is not None and action.parameters is not None else None
    if action is None or octets is None:
        return None
    try:
        value = cbor.decode(octets)
    except cbor.CborError as error:
        raise LabelError("CHN-12", "parameters", str(error), label=label.digest) from error
    if not isinstance(value, dict) or value.get(AGENT) != action.agent or value.get(KIND) not in range(len(KINDS)):
        raise LabelError("CHN-12", "parameters", "do not tell the label's agent and its kind", label=label.digest)
    return value


def encode_parameters(agent: str, kind: str, further: Mapping[str, Any]) -> bytes:
    """Parameters of an action, encoded. Raises ValueError for an unknown kind of agent."""
    if kind not in KINDS:
        raise ValueError(f"{kind}: expected one of {', '.join(KINDS)}")
    return cbor.encode({**further, AGENT: agent, KIND: KINDS.index(kind)})
