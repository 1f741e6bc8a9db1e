"""The reference peer, sans-IO: bytes in, bytes out, time injected.

What it decides is in the table; this file only connects the table's machine to a channel, frames, timers and the TAM.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from ...model.protocol import local
from ...model.protocol.attestation import EVIDENCE, SID, TAM_NAME
from ...model.protocol.forms import BY_TOKENS, COLLECTION_FORMAT, TPM_FORMAT
from ...model.protocol.frames import ALERT, ALERT_CODE, VERDICT, FrameType
from ...model.protocol.labels import CONTENT, CONTENT_TYPE
from ...model.protocol.tables import profile
from ...model.refusals import Channel as Means
from ...model.refusals import Code
from ...model.table import APP, ASKED, LOCAL, RECORD, Message, Table, holds
from ..codec import cbor
from ..crypto.random import Random, system_random
from ..evaluator.errors import CheckFailed, GrammarError
from ..evaluator.machine import Effects, Machine
from ..evaluator.run import Run
from ..identity.credentials import TrustAnchors
from ..identity.errors import CredentialUnavailable, OwnFault, Unanswered
from ..identity.footing import AGAIN
from ..identity.tpm_tam import TpmTam
from ..identity.world import World
from ..tpm.commands import TpmError
from ..transport.errors import TransportError
from .binding import BINDINGS, DEFAULT
from .channel import ChannelOf
from .edhoc_channel import EdhocChannel
from .events import CLAIM_EVENTS, Event, readable
from .evidence import kinds_of_evidence
from .keylog import KeyLog
from .parsing import frame_name, rules_without
from .provider import PROFILE_SUITES, WorldProvider
from .timers import Timers

LETTER = {"device": "I", "service": "R"}
SEND_MARGIN = 5
"""Seconds before the end of a verdict's validity in which a sender no longer starts."""


class NotOpen(RuntimeError):
    """The application asked for something that the state does not allow."""


_OF_A_TPM = (TPM_FORMAT, COLLECTION_FORMAT)
"""Evidence of which a TPM makes at least a part itself."""


class Endpoint:
    """One connection of one peer. Feed it whole units, single bytes or several messages at once: it behaves the same.

    `off` names checks that this peer does not make. `events` grows; nothing is ever taken from it. With `key_log` the
    secrets of the session are written there.
    """

    def __init__(
        self,
        role: Literal["device", "service"],
        world: World,
        *,
        off: frozenset[str] = frozenset(),
        rng: Random = system_random,
        suites: tuple[int, ...] = PROFILE_SUITES,
        suites_i: tuple[int, ...] = (),
        table: Table | None = None,
        binding: str = DEFAULT,
        channel: ChannelOf | None = None,
        key_log: KeyLog | None = None,
    ) -> None:
        self.role, self.world, self.off, self.binding = role, world, off, binding
        self.key_log = key_log
        self.letter = LETTER[role]
        self.peer = "R" if role == "device" else "I"
        self.table = table or profile(binding)
        self.provider = WorldProvider(world, rng, suites=suites, suites_i=suites_i)
        self.run = self.new_run(role)
        self.provider.selected = self.run.selected_suite
        self.provider.lives = lambda: not self.closed
        self.machine = Machine(self.table, role, self.run)
        tam = TAM_NAME[self.letter]
        self.tam = Machine(self.table, tam, self.new_run(tam))
        self.events: list[Event] = []
        self.closed = False
        self.retry: tuple[int, ...] | None = None
        """SUITES_I with which an initiator may try once more on a new connection."""
        self.timers = Timers(world, self.letter, off)
        self.channel = (channel or BINDINGS[binding])(self)
        self._out = bytearray()
        self._unconfirmed = 0

    def new_run(self, role: str) -> Run:
        """Values of one role in this session: the software's, or its TAM's."""
        return Run(role, self.provider, self.provider.rng, off=self.off, rules=rules_without(self.off))

    # --- what drives it ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The device begins; a service only starts its timer."""
        self.timers.handshake_starts()
        if self.role == "device":
            self.step(local.START, b"")

    def receive_data(self, data: bytes) -> None:
        """Octets from the transport, however cut."""
        if not self.closed:
            self._guarded(lambda: self.channel.receive(data))

    def receive_eof(self) -> None:
        """The transport ended: without CLOSE that is truncation."""
        if not self.closed:
            stands = self.channel.stands
            unnoticed = stands and "truncation_is_reported" in self.off
            self.report("closed", clean=unnoticed, truncated=stands and not unnoticed, unconfirmed=self._unconfirmed)
            self.closed = True

    def data_to_send(self) -> bytes:
        """Octets for the transport; taken once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def send_data(self, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Label and send application data.

        Raises:
            NotOpen: no affirming verdicts, or their validity is about to end.
        """
        if self.state != "OPEN" or self.timers.ends_within(SEND_MARGIN):
            raise NotOpen(f"no data in state {self.state}")
        self.run.unbind((CONTENT, CONTENT_TYPE))
        self._app(local.SEND, content, cbor.encode(content_type))
        self._unconfirmed += 1

    def close(self) -> None:
        """Send CLOSE, or end a connection that has no channel yet."""
        if self.machine.receives(local.CLOSE.name):
            self._app(local.CLOSE)
        elif not self.closed:
            self.end("closed", clean=False, truncated=False, unconfirmed=self._unconfirmed)

    def reattest(self) -> None:
        """Ask for evidence of the next epoch.

        Raises:
            NotOpen: not in this state, or one request is outstanding.
        """
        if not self.machine.receives(local.REATTEST.name):
            raise NotOpen(f"no re-attestation in state {self.state}")
        self._app(local.REATTEST)

    def learn(self, anchors: TrustAnchors) -> None:
        """Go by other trust anchors and CRLs: a session that rests on what they revoke ends (REV-09)."""
        self.world.anchors = anchors
        if not self.closed and AGAIN not in self.off:
            self._guarded(self.provider.look_again)

    def ping(self, payload: bytes) -> None:
        """Send PING with 8 octets.

        Raises:
            NotOpen: not in this state.
        """
        if not self.machine.receives(local.PING.name):
            raise NotOpen(f"no PING in state {self.state}")
        self._app(local.PING, cbor.encode(payload))

    def tick(self) -> None:
        """Deliver the timers that are due; the clock is the world's."""
        while not self.closed and (message := self.timers.due(self.state)) is not None:
            self.timers.disarm(message)
            if message.channel == APP:
                if self.machine.receives(message.name):
                    self._app(message)
            elif self.machine.receives(message.name):
                self._guarded(partial(self.step, message, b""))

    @property
    def next_deadline(self) -> int | None:
        """Unix seconds of the next timer, if one runs."""
        return None if self.closed else self.timers.next_deadline()

    @property
    def state(self) -> str:
        """State of the table."""
        return self.machine.state

    @property
    def sid(self) -> bytes:
        """Session id, 16 octets, once the channel stands."""
        value: bytes = self.run.value(SID)
        return value

    # --- receiving ---------------------------------------------------------------------------------------------------

    def receive_frame(self, frame: bytes) -> None:
        """A frame of the protected stream. Raises CheckFailed."""
        name = frame_name(frame, self.peer, self.run.rules, self.off)
        if name is None:
            return
        self.observe(name, frame)
        if name == f"HELLO_{self.peer}":
            self.choose_evidence(frame)
        message = self.table.messages[name]
        try:
            self.step(message, frame)
        except (GrammarError, cbor.CborError, CredentialUnavailable) as error:
            self._judge_type_of_evidence(message)
            raise CheckFailed("frame_matches_its_grammar", str(error)) from error

    def choose_evidence(self, hello: bytes) -> None:
        """Go on with the table for the evidence that both HELLOs choose."""
        kinds = kinds_of_evidence(self.world.policy, self.letter, hello)
        if kinds != BY_TOKENS:
            self.table = self.machine.table = self.tam.table = profile(self.binding, kinds)
            if isinstance(self.world.tam, TpmTam) and kinds["IR".index(self.letter)] in _OF_A_TPM:
                from .tpm_machine import TpmMachine

                self.tam = TpmMachine(self.table, self.tam.role, self.tam.run, self.letter, self.world.tam)

    def _judge_type_of_evidence(self, message: Message) -> None:
        """Evidence of a type that was not accepted is refused for its type, whatever the form of its value (ATT-33)."""
        evidence = EVIDENCE[self.peer]
        if message is evidence.att and evidence.cmw_type in self.run.bound:
            self.run.judge(holds("cmw_type_was_accepted", evidence.cmw_type))

    # --- stepping ----------------------------------------------------------------------------------------------------

    def _app(self, message: Message, *values: bytes) -> None:
        for item, value in zip(message.slots, values, strict=True):
            self.run.unbind((item,))
            self.run.bind(item, value)
        self._guarded(lambda: self.step(message, None))

    def step(self, message: Message, data: bytes | None) -> None:
        """One message for the table, with all that follows from it. Raises what `Machine.deliver` raises."""
        before = self.state
        self.follow(before, self.machine.deliver(message, data))

    def follow(self, before: str, effects: Effects) -> None:
        """What follows from a message that was taken in the state `before`."""
        self._apply(effects)
        if self.state != before:
            self._entered(before)

    def _apply(self, effects: Effects) -> None:
        for happening in effects.happenings:
            self._happened(happening.name, happening.data, effects)
        for message, data in effects.sends:
            self._send(message, data)

    def _send(self, message: Message, data: bytes) -> None:
        if message.channel == LOCAL:
            answer = self.tam.deliver(message, data)
            for reply, octets in answer.sends:
                self.step(reply, octets)
        elif message.channel == ASKED:
            self._fetch(data)
        else:
            self.emit(message, data if message.channel == RECORD else self.channel.encode(message, data))

    def _fetch(self, question: bytes) -> None:
        """Go on with what a verifier says about this party. Raises Unanswered."""
        if self.world.verifier is None:
            raise Unanswered("there is no verifier to be asked")
        try:
            self.step(self.table.messages[f"result_{self.letter}"], self.world.verifier(question))
        except (GrammarError, cbor.CborError) as error:
            raise Unanswered(f"the verifier gives no result: {error}") from error

    def emit(self, message: Message, data: bytes) -> None:
        """A message on its way to the peer."""
        if message.channel == RECORD:
            self.send_frame(data)
            if message.frame_type == FrameType.ALERT:
                self.report("alert_sent", code=cbor.decode(self.run.value(ALERT_CODE[self.letter])))
        else:
            self.channel.send_handshake(message, data)

    def observe(self, name: str, data: bytes) -> None:
        """A message of the peer, before it is judged; for whoever watches."""

    def send_frame(self, frame: bytes) -> None:
        """A frame into the protected stream."""
        self.channel.send_frame(frame)

    def send_unit(self, kind: int, payload: bytes) -> None:
        """A unit of the EDHOC binding."""
        self.edhoc.send_unit(kind, payload)

    def end_channel(self) -> None:
        """Nothing more will be sent."""
        self.channel.close()

    def put_octets(self, data: bytes) -> None:
        """Octets onto the transport."""
        self._out += data

    @property
    def edhoc(self) -> EdhocChannel:
        """The channel, where the binding is EDHOC."""
        assert isinstance(self.channel, EdhocChannel), self.binding
        return self.channel

    def _entered(self, before: str) -> None:
        state = self.state
        self.timers.entered(before, state)
        self.report("state", state=state)
        if state in ("wait_HELLO_R", "wait_HELLO_I"):
            self.channel.established()
        if state == "OPEN":
            self.channel.session_opened()
            self._judge_validity()
        if state == "CLOSED":
            self.closed = True
            self.end_channel()

    def _judge_validity(self) -> None:
        """One affirming verdict leads back from EXPIRED only where the other one has not ended."""
        if self.timers.is_due(local.VALIDITY_ENDS):
            self.timers.disarm(local.VALIDITY_ENDS)
            self.step(local.VALIDITY_ENDS, b"")

    def _happened(self, name: str, data: dict[str, Any], effects: Effects) -> None:
        if name == "label_accepted":
            self._remember_label(data)
        elif name in ("authenticated_i", "authenticated_r"):
            self.world.authenticated(data["id_cred"])
        elif name == "receipt":
            self._unconfirmed = max(0, self._unconfirmed - 1)
        elif name == "verdict_sent":
            self.timers.verdict_sent(self.provider.valid_for())
        elif name == "verdict_received":
            seconds = self.run.value(VERDICT[self.peer].valid_for)
            self.timers.verdict_received(cbor.decode(seconds, rules=self.run.rules))
        elif name == "data_sent":
            self.world.memory.sent_sequence(cbor.decode(data["sequence"]), self.world.pseudonym)
        if not name.startswith(CLAIM_EVENTS):
            more = {"suite": self.channel.suite} if name == "open" else {}
            told = {k: readable(k, v, self.world, self.run.rules) for k, v in data.items()}
            self.report(name, **told, **more)

    def _remember_label(self, data: dict[str, Any]) -> None:
        signer = self.world.credential(data["signer"]).leaf.sha256
        sequence, cti = (cbor.decode(data[k], rules=self.run.rules) for k in ("sequence", "cti"))
        self.world.memory.accept_label(signer, sequence, cti, self.world.time())

    # --- refusing ----------------------------------------------------------------------------------------------------

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except CheckFailed as failure:
            self._refuse(failure)
        except TransportError as failure:
            self._refuse(CheckFailed(failure.check, str(failure)))
        except (TpmError, OwnFault):
            self._give_up()

    def _give_up(self) -> None:
        """A module that does nothing more, or evidence that cannot be had, is this party's own fault (ERR-23)."""
        if self.channel.stands:
            self._alert(Code.INTERNAL)
        self.end("closed", clean=False, truncated=False, unconfirmed=self._unconfirmed)

    def _refuse(self, failure: CheckFailed) -> None:
        refusal = failure.check.refusal
        self.report("refused", check=failure.check.name, reason=failure.reason)
        if not self.channel.stands:
            self.channel.refuse(refusal)
        elif refusal.channel in (Means.ALERT, Means.RECEIPT):
            self._alert(refusal.code)
        self.end("closed", clean=False, truncated=False, unconfirmed=self._unconfirmed)

    def _alert(self, code: int) -> None:
        register = ALERT_CODE[self.letter]
        self.run.forget((register,))
        self.run.bind(register, cbor.encode(code))
        self.send_frame(self.run.value(ALERT[self.letter].term))
        self.report("alert_sent", code=code)

    def end(self, event_name: str, **fields: Any) -> None:
        """Nothing more is sent or received."""
        self.report(event_name, **fields)
        self.machine.state = "CLOSED"
        self.closed = True
        self.end_channel()

    def report(self, name: str, **fields: Any) -> None:
        """Add an event."""
        self.events.append(Event(name, fields))
