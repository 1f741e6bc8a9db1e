"""EDHOC for the learner: a channel that watches, and the letters of its handshake that are not the table's."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import partial

from ...model.protocol.attestation import CHANNEL_SECRET
from ...model.protocol.edhoc import handshake
from ...model.protocol.proofs import Proof, proof_of
from ...model.table import NET
from ..bits import one_bit_other
from ..codec import cbor
from ..evaluator.errors import CheckFailed, GrammarError
from ..identity.errors import CredentialUnavailable
from ..peer import edhoc_errors
from ..peer.edhoc_channel import EdhocChannel
from ..peer.protection import Protection
from ..tester.peer import Observation, TesterEndpoint
from ..tester.session import OPPOSITE
from ..tester.telling import tell
from ..transport.errors import TransportError
from ..transport.frames import write_frame
from ..transport.units import Kind
from .letter import Letter, Playing, handshake_message
from .puppet import UNREADABLE, Puppet, Watching

UNEXPECTED = "edhoc_message"
"""A handshake message that the puppet does not wait for."""
DISCARDS = "edhoc_after_completion_is_discarded"
"""The check behind a silence: after the handshake there is none."""


class WatchingEdhoc(EdhocChannel, Watching):
    """Whatever cannot be followed is an observation like any other."""

    def _message(self, payload: bytes) -> None:
        puppet = self._endpoint
        assert isinstance(puppet, TesterEndpoint)
        message = puppet.table.messages.get(puppet.state.removeprefix("wait_"))
        at, name = len(puppet.observations), UNEXPECTED
        if message is not None and message.channel == NET:
            try:
                puppet.step(message, payload)
                name = message.name
            except (CheckFailed, GrammarError, cbor.CborError, CredentialUnavailable, LookupError):
                pass  # It is watched under the name of what nobody waits for.
        puppet.observations.insert(at, Observation(name, payload))

    def _error(self, payload: bytes) -> None:
        self._endpoint.observe("edhoc_error", payload)

    def _record(self, payload: bytes) -> None:
        try:
            super()._record(payload)
        except TransportError:
            self._endpoint.observe(UNREADABLE, payload)

    def put_early(self, frame: bytes) -> None:
        for record in self._early_records(frame):
            self._endpoint.send_unit(Kind.RECORD, record)

    def _early_records(self, frame: bytes) -> Iterable[bytes]:
        puppet = self._endpoint
        run = copy.copy(puppet.run)
        run.values, run.bound = dict(run.values), set(run.bound)
        try:
            run.values[CHANNEL_SECRET] = run.value(handshake(0).prk_exporter)
            return Protection(run, puppet.letter, puppet.peer, puppet.world.policy.record_limit, puppet.off).seal(frame)
        except (CheckFailed, LookupError):
            return (write_frame(frame) + bytes(16),)


def letters() -> Iterator[Letter]:
    """What else than the table's messages can come in the handshake."""
    for role, peer in OPPOSITE.items():
        proof = proof_of(peer, "edhoc")
        name = proof.message.name
        yield Letter(
            f"{name}_forged", f"{name} whose signature does not verify",
            handshake_message(name, partial(_forged, proof=proof)), role=role, unauthenticated=True, handshake=True,
        )  # fmt: skip
    yield Letter(
        "edhoc_error", "EDHOC error, which anyone can send", _error, True, unauthenticated=True, handshake=True
    )


def _forged(puppet: Puppet, proof: Proof) -> bytes:
    """With a signature that does not verify, and everything after it computed over that."""
    tell(puppet, {proof.slot: lambda peer, honest: one_bit_other(honest)})
    data: bytes = puppet.run.value(proof.message.term)
    return data


def _error(play: Playing) -> None:
    play.peer.put_unit(Kind.EDHOC_ERROR, edhoc_errors.unspecified("somebody"))
