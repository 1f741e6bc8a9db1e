"""Trusted user interfaces: evidence that tells none, and confirmations that are not the user's (chapter 13).

The tester is a device whose user has confirmed a transaction, the content of the DATA that the confirmation comes with.
What the interface of a device looks like no conversation can tell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.interface import ENVIRONMENT, FLAG, KEY, REE, TEE, TrustedInterface, told
from ..harness.identity.interface_party import make_interface
from ..harness.identity.world import World
from ..harness.labels.chain import CONFIRMED
from ..harness.labels.label import Action, Signer
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling, tell
from ..model.checks import CHECKS
from ..model.protocol.attestation import EVIDENCE
from ..model.protocol.frames import I
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .chaining import AGENT, CAMERA, PARAMETERS, PROCESSED, Origin, Workshop, made_from, signing
from .labelling import Act, accepted, faulty, send
from .stages import CONTENT, INTERVAL, open_then_request
from .test_chains import control, taken
from .test_evidence import att

SERVICE, DEVICE = "service", "device"
OTHER = b"another transaction"
PROMPT = b"Set the temperature?"


def interface(iut: Iut) -> TrustedInterface:
    """The tester's."""
    return make_interface(iut.pki)


def world(iut: Iut, shown: TrustedInterface | None) -> World:
    """The tester as a device with this interface."""
    return iut.fresh_world(interface=shown)


def named(sid: bytes, content: bytes = CONTENT) -> bytes:
    """What a confirmation has as key 7 (TUI-11)."""
    return sha256(sid + content).digest()


def confirmation(iut: Iut, confirms: bytes | None, by: Signer | None = None, name: str = CONFIRMED) -> Origin:
    """Data with a confirmation of the prompt that the user was shown."""
    shop = Workshop(iut)
    prompt = shop.label(PROMPT)
    key = by or signing(interface(iut).confirmation)
    return made_from([shop.label(PROMPT, prompt, by=key, action=name, confirms=confirms)], prompt)


def confirmed(conversation: Conversation, iut: Iut, content: bytes = CONTENT) -> str:
    """Send data that the user has confirmed; what went wrong."""
    return taken(conversation, confirmation(iut, named(conversation.peer.sid, content)), content)


def refused(
    bench: Bench, make: Callable[[Iut, bytes], Origin], shown: TrustedInterface | None = None, after: Act | None = None
) -> None:
    """Data with this confirmation, made for the session id, is refused, and the session goes on."""
    iut = bench.iut

    def confirmed_once() -> str:
        conversation = iut.converse(world=world(iut, interface(iut)))
        try:
            wrong = opened(conversation) or confirmed(conversation, iut)
            return "" if wrong else conversation.transcript.digest()
        finally:
            conversation.close()

    def act(iut: Iut, conversation: Conversation) -> None:
        tell(conversation.peer, make(iut, conversation.peer.sid).tale(conversation.peer))
        send(conversation.peer)

    with iut.showing_interface():
        bench.refuses(
            Deviation(), faulty(act, after=after), world=world(iut, shown or interface(iut)),
            configuration="confirmation", control=confirmed_once,
        )  # fmt: skip


# --- who confirms ----------------------------------------------------------------------------------------------------


def _honest(iut: Iut, sid: bytes) -> Origin:
    return confirmation(iut, named(sid))


def _by_the_identity_key(iut: Iut, sid: bytes) -> Origin:
    return confirmation(iut, named(sid), signing(iut.world.credentials.issued))


def _by_another_party(iut: Iut, sid: bytes) -> Origin:
    return confirmation(iut, named(sid), Workshop(iut).signer(CAMERA))


def _in_its_own_label(iut: Iut, sid: bytes) -> Origin:
    """The label of the data itself says that it is a confirmation."""
    prompt = Workshop(iut).label(PROMPT)
    return dataclasses.replace(made_from([prompt]), action=Action(CONFIRMED, AGENT, PARAMETERS))


def _under_another_name(iut: Iut, sid: bytes) -> Origin:
    return confirmation(iut, named(sid), name=PROCESSED)


BY: dict[str, Callable[[Iut, bytes], Origin]] = {
    "the-identity-key": _by_the_identity_key,
    "another-party": _by_another_party,
    "its-own-label": _in_its_own_label,
    "a-label-of-another-action": _under_another_name,
}


@for_each(citing(fault(SERVICE, "confirmation_is_by_the_interface", "confirm", by), "TUI-06", "TUI-11") for by in BY)
def test_confirmation_by(case: Case, bench: Bench) -> None:
    """Data refused solely because its confirmation is not by the key that evidence names: TUI-05, TUI-06, TUI-11."""
    refused(bench, BY[case.field])


@dataclasses.dataclass(frozen=True, slots=True)
class Claiming(TrustedInterface):
    """An interface whose claim has another value."""

    value: bytes = b""

    def claim(self) -> bytes:
        return self.value


def _claiming(change: Callable[[dict[int, Any]], object]) -> Callable[[Iut], TrustedInterface]:
    def make(iut: Iut) -> TrustedInterface:
        honest = interface(iut)
        claim = told(honest.claim())
        assert claim is not None
        changed = change(dict(claim))
        value = b"" if changed is None else honest.claim()[:5] + cbor.encode(changed)
        return Claiming(honest.confirmation, value=value)

    return make


CLAIMS: dict[str, Callable[[Iut], TrustedInterface]] = {
    "drawn-by-the-rich-environment": _claiming(lambda claim: {**claim, ENVIRONMENT: REE}),
    "without-key": _claiming(lambda claim: {ENVIRONMENT: TEE}),
    "of-another-key": _claiming(lambda claim: {**claim, KEY: bytes(32)}),
    "absent": _claiming(lambda claim: None),
    "malformed": _claiming(lambda claim: [TEE]),
}


MALFORMED = "eat_claims_have_their_types"


def _by_claim(check: str, operator: str, fields: Iterable[str]) -> Iterator[Case]:
    """A claim that has not its form does not come as far as the check of what it says."""
    for field in fields:
        malformed = field.endswith("malformed")
        yield citing(fault(SERVICE, MALFORMED if malformed else check, operator, field), CHECKS[check].requirement)


@for_each(_by_claim("confirmation_is_by_the_interface", "claim", CLAIMS))
def test_confirmation_without_claim(case: Case, bench: Bench) -> None:
    """Data refused solely because the accepted evidence does not tell the interface that confirms it: TUI-05."""
    iut = bench.iut
    iut.need_feature("trusted_user_interface")
    shown = CLAIMS[case.field](iut)
    if case.check != MALFORMED:
        refused(bench, _honest, shown)
        return
    with iut.showing_interface():
        bench.refuses(Telling(att(iut)), world=world(iut, shown))


@for_each(fault(DEVICE, "confirmation_is_by_the_interface", when, "a-service") for when in ("confirm", "later"))
def test_confirmation_by_a_service(case: Case, bench: Bench) -> None:
    """Data refused solely because a confirmation comes from a side whose evidence tells no interface: TUI-05."""

    def act(iut: Iut, conversation: Conversation) -> None:
        sid = conversation.peer.sid
        tell(conversation.peer, confirmation(iut, named(sid), Workshop(iut).signer(CAMERA)).tale(conversation.peer))
        send(conversation.peer)

    after: Act | None = (lambda iut, conversation: accepted(conversation)) if case.operator == "later" else None
    honest_chain = control(bench)
    with bench.iut.showing_interface():
        bench.refuses(Deviation(), faulty(act, after=after), **honest_chain)


# --- what is confirmed -----------------------------------------------------------------------------------------------

WHAT: dict[str, Callable[[bytes], bytes | None]] = {
    "another-transaction": lambda sid: named(sid, OTHER),
    "another-session": lambda sid: named(bytes(16)),
    "the-transaction-alone": lambda sid: sha256(CONTENT).digest(),
    "the-session-alone": lambda sid: sha256(sid).digest(),
    "the-prompt": lambda sid: named(sid, PROMPT),
    "nothing": lambda sid: None,
}


@for_each(citing(fault(SERVICE, "confirmation_names_the_transaction", "confirm", what), "TUI-11") for what in WHAT)
def test_confirmation_of(case: Case, bench: Bench) -> None:
    """Data refused solely because the user has confirmed something else: TUI-07, TUI-11."""
    refused(bench, lambda iut, sid: confirmation(iut, WHAT[case.field](sid)))


@for_each([fault(SERVICE, "confirmation_is_new", "confirm", "again")])
def test_confirmation_again(case: Case, bench: Bench) -> None:
    """Data refused solely because its confirmation was accepted before, for the same content: TUI-07."""
    kept: list[Origin] = []

    def first(iut: Iut, conversation: Conversation) -> None:
        kept[:] = [_honest(iut, conversation.peer.sid)]
        taken(conversation, kept[0])

    refused(bench, lambda iut, sid: kept[0], after=first)


LATER: dict[str, Callable[[Iut, bytes], Origin]] = {
    "confirmation_is_by_the_interface": _by_another_party,
    "confirmation_names_the_transaction": lambda iut, sid: confirmation(iut, bytes(32)),
}


@for_each(fault(SERVICE, check, "later", check) for check in LATER)
def test_later_confirmation(case: Case, bench: Bench) -> None:
    """Likewise, where the label refers to an environment object that came before: TUI-05, TUI-07."""
    refused(bench, LATER[case.field], after=lambda iut, conversation: accepted(conversation))


@for_each([fault(SERVICE, "confirmation_is_new", "later", "with-a-new-environment-object")])
def test_confirmation_again_after_attestation(case: Case, bench: Bench) -> None:
    """A confirmation that was accepted before is refused with a new environment object too: TUI-07."""
    kept: list[Origin] = []

    def first(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        kept[:] = [_honest(iut, peer.sid)]
        taken(conversation, kept[0])
        from ..model.protocol.labels import LABEL_REGISTERS

        registers = LABEL_REGISTERS[peer.letter]
        tell(peer, {registers.unsent: peer.run.value(registers.kept)})

    refused(bench, lambda iut, sid: kept[0], after=first)


# --- evidence --------------------------------------------------------------------------------------------------------


def _unfit() -> Iterator[tuple[str, Callable[[Iut], TrustedInterface | None]]]:
    yield "no-interface", lambda iut: None
    yield "claim-absent", CLAIMS["absent"]
    yield "claim-malformed", CLAIMS["malformed"]
    yield "drawn-by-the-rich-environment", CLAIMS["drawn-by-the-rich-environment"]


UNFIT = dict(_unfit())


@for_each(_by_claim("interface_is_told", "demand", UNFIT))
def test_interface_is_needed(case: Case, bench: Bench) -> None:
    """Evidence refused solely because it tells no interface of the trusted environment, where one is needed: TUI-09."""
    iut = bench.iut
    with iut.showing_interface(), demanding(iut):
        bench.refuses(Telling(att(iut)), world=world(iut, UNFIT[case.field](iut)), configuration="interface needed")


@for_each([fault(SERVICE, "interface_is_told", "demand-again", "claim-absent")])
def test_interface_is_needed_again(case: Case, bench: Bench) -> None:
    """Later evidence refused solely because it does not tell the interface any more: TUI-09."""
    iut, further = bench.iut, EVIDENCE["I"].further
    iut.need_feature("initiates_reattestation")

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, lambda peer: tell(peer, None, {further: b""}))

    with iut.showing_interface(), demanding(iut, reattest_interval=INTERVAL), iut.later():
        bench.refuses(Telling(att(iut), nth=1), stage, configuration="interface needed")


@contextmanager
def demanding(iut: Iut, **more: Any) -> Iterator[None]:
    """The implementation needs an interface, and the tester has one in every good conversation."""
    with iut.configured(requires_interface=True, **more):
        iut.world.interface = interface(iut)
        try:
            yield
        finally:
            iut.world.interface = None


@for_each([Case(SERVICE, ("TUI-06", "TUI-07", "TUI-11"), "take", "confirmations")])
def test_confirmations(case: Case, bench: Bench) -> None:
    """Two transactions that the user has confirmed are taken, one after the other: TUI-06, TUI-07, TUI-11."""

    def play(conversation: Conversation) -> str:
        return opened(conversation) or confirmed(conversation, bench.iut) or confirmed(conversation, bench.iut, OTHER)

    with bench.iut.showing_interface():
        bench.works(play, world=world(bench.iut, interface(bench.iut)))


@for_each([Case(SERVICE, ("TUI-04", "TUI-09"), "take", "claims")])
def test_claim_with_a_last_confirmation(case: Case, bench: Bench) -> None:
    """Evidence that tells the last confirmation too is accepted: TUI-04."""
    shown = dataclasses.replace(interface(bench.iut), last=bytes(32))
    with bench.iut.showing_interface(), demanding(bench.iut):
        bench.works(opened, world=world(bench.iut, shown))


@for_each([Case(DEVICE, ("TUI-04", "TUI-09"), "tell", "interface")])
def test_interface_is_told(case: Case, bench: Bench) -> None:
    """A device with a trusted user interface sets flag 8, and its evidence tells it: TUI-04, TUI-09."""

    def play(conversation: Conversation) -> str:
        return opened(conversation) or _shown(conversation)

    with bench.iut.showing_interface():
        bench.works(play)


def _shown(conversation: Conversation) -> str:
    run = conversation.peer.run
    if not cbor.decode(run.value(I.flags)) & FLAG:
        return "flag 8 is not set"
    try:
        claim = told(run.value(EVIDENCE["I"].further))
    except ValueError as error:
        return str(error)
    if claim is None:
        return "the evidence tells no user interface"
    if claim[ENVIRONMENT] != TEE:
        return "the rich environment draws the interface"
    key = claim.get(KEY)
    return "" if isinstance(key, bytes) and len(key) == 32 else "the evidence names no confirmation key"
