"""Bare EDHOC: a party with credentials of any kind and no certificates, for published traces and foreign peers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...model.protocol.edhoc import handshake, messages
from ...model.protocol.local import START
from ...model.protocol.tables import bare_edhoc
from ...model.terms import octets
from ..codec.cbor import NINT, decode, split_sequence
from ..crypto.curves import EphemeralKey
from ..crypto.random import Random, system_random
from ..crypto.suites import SUITES, Suite
from .errors import CheckFailed
from .machine import Effects, Machine
from .run import Run

SignatureKey = Any


class UnknownCredential(LookupError):
    """Nothing is held for an ID_CRED_x."""


@dataclass(frozen=True, slots=True)
class Credential:
    """CRED_x with the keys in it: a signature verification key, a static share, or both."""

    cred: bytes
    public_key: SignatureKey = None
    static_share: bytes | None = None


_FIELDS = {
    "suites_i": "suites_i",
    "c_i": "connection",
    "c_r": "connection",
    "id_cred_i": "id_cred",
    "id_cred_r": "id_cred",
    "sk_i": "secret",
    "sk_r": "secret",
}
"""Label of an atom to the field of a party."""


@dataclass(slots=True)
class BareParty:
    """A provider of one party. `secret` is a signer, or a static Diffie-Hellman key."""

    suites: tuple[int, ...]
    suites_i: bytes
    """Encoded: what an initiator offers, and what a responder has last accepted."""
    connection: bytes
    """C_I or C_R, encoded."""
    id_cred: bytes
    secret: Callable[[bytes], bytes] | EphemeralKey
    store: Mapping[bytes, Credential]
    """Encoded ID_CRED_x to the credential, ours and the peers' that are known."""
    ead: Mapping[int, bytes] = field(default_factory=dict)
    exponent: EphemeralKey | None = None
    """A fixed ephemeral key, for published traces."""

    def given(self, label: str) -> Any:
        """Values of atoms; see `Provider.given`."""
        if label.startswith("ead_"):
            return self.ead.get(int(label[4:]), b"")
        if label in ("x", "y") and self.exponent is not None:
            return self.exponent
        return getattr(self, _FIELDS[label])

    def look_up(self, symbol: str, argument: bytes) -> Any:
        """Credentials by ID_CRED_x, keys by CRED_x; an unknown one is refused (RFC 9528 section 3.5.2)."""
        if symbol == "cred":
            if argument not in self.store:
                raise UnknownCredential(argument.hex())
            return self.store[argument].cred
        credential = next(c for c in self.store.values() if c.cred == argument)
        return credential.public_key if symbol == "public_key" else credential.static_share

    def judge(self, check: str, arguments: tuple[bytes, ...]) -> None:
        """The predicates of the handshake."""
        if check == "suite_is_most_preferred":
            judge_suites(arguments[0], self.suites)
            self.suites_i = arguments[0]
        elif check in ("g_x_is_valid", "g_y_is_valid"):
            judge_share(check, arguments[0], SUITES[_offered(self.suites_i)[-1]])
        elif check.startswith("ead_"):
            judge_ead(check, arguments[0])
        else:
            raise KeyError(check)


class BareEnd:
    """One end of a handshake: EDHOC messages in and out, keys when it is complete.

    Every method that takes or makes a message raises what `Machine.deliver` raises.
    """

    def __init__(self, role: str, method: int, party: BareParty, rng: Random = system_random) -> None:
        self.run = Run(role, party, rng)
        self.machine = Machine(bare_edhoc(method), role, self.run)
        self.terms = handshake(method)
        self._messages = messages(method)

    @property
    def completed(self) -> bool:
        """Whether the last message of the handshake has been accepted."""
        return self.machine.state == "completed"

    def start(self) -> bytes:
        """message_1 of an initiator."""
        return self._sent(self.machine.deliver(START, b""))

    def receive(self, message: bytes) -> bytes:
        """The answer to the message that this end waits for; empty after message_4."""
        expected = getattr(self._messages, self.machine.state.removeprefix("wait_"))
        return self._sent(self.machine.deliver(expected, message))

    @staticmethod
    def _sent(effects: Effects) -> bytes:
        return effects.sends[0][1] if effects.sends else b""

    def export(self, label: int, context: bytes, length: int) -> bytes:
        """EDHOC_Exporter (RFC 9528 section 4.2.1); raises OutputTooLong beyond 255 times the hash length."""
        return self.run.suite.edhoc_kdf(self.run.value(self.terms.prk_exporter), label, context, length)

    def update_key(self, context: bytes) -> None:
        """EDHOC_KeyUpdate (RFC 9528 appendix H): later exports come from the new key."""
        self.terms = self.terms.updated(octets(context))


def complete(initiator: BareEnd, responder: BareEnd) -> tuple[bytes, ...]:
    """Run a handshake to its end; the messages in their order."""
    exchanged = [initiator.start()]
    for receiver in (responder, initiator, responder, initiator):
        exchanged.append(receiver.receive(exchanged[-1]))
    return tuple(exchanged[:-1])


def judge_suites(suites_i: bytes, supported: tuple[int, ...]) -> None:
    """RFC 9528 section 6.3: the selected suite is ours, and nothing that the initiator prefers to it is.

    Raises:
        CheckFailed: `suite_is_most_preferred`.
    """
    *preferred, selected = _offered(suites_i)
    if selected not in supported:
        raise CheckFailed("suite_is_most_preferred", f"suite {selected} is not supported")
    if any(suite in supported for suite in preferred):
        raise CheckFailed("suite_is_most_preferred", "a suite that the initiator prefers is supported")


def _offered(suites_i: bytes) -> list[int]:
    value = decode(suites_i)
    return value if isinstance(value, list) else [value]


def judge_share(check: str, share: bytes, suite: Suite) -> None:
    """RFC 9528 section 9.2.

    Raises:
        CheckFailed: the share is no point, or one of small order.
    """
    try:
        suite.curve.validate(share)
    except ValueError as error:
        raise CheckFailed(check, str(error)) from error


def judge_ead(check: str, ead: bytes) -> None:
    """RFC 9528 section 3.8: this profile knows no EAD item but padding, so a critical one (negative label) is refused.

    Raises:
        CheckFailed: a critical item.
    """
    for item in split_sequence(ead):
        if item[0] >> 5 == NINT:
            raise CheckFailed(check, f"critical EAD item {-decode(item)}")
