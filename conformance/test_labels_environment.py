"""Environment objects of labels: each part wrong, from another time, or where none belongs.

The label names the object by its digest, so that nothing but the object itself is wrong.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.identity.keys import derive_key, signer
from ..harness.identity.pki import x5t
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Tale, tell
from ..model.protocol.labels import LABEL_REGISTERS, Environment
from .bench import Bench
from .case import Case, fault, for_each
from .claiming import CLAIMS
from .labelling import accepted, bring_environment, environment_of, faulty, in_environment, send
from .parties import LETTERS
from .stages import INTERVAL, StageNotReached, open_then_request, when_open

ROLES = ("device", "service")

Make = Callable[[TesterEndpoint], Tale]


def _constant(term: Callable[[Environment], Any], value: Any) -> Make:
    return lambda peer: {term(environment_of(peer)): cbor.encode(value)}


def _signed(sign: Callable[[TesterEndpoint, bytes], bytes]) -> Make:
    def tale(peer: TesterEndpoint) -> Tale:
        token = environment_of(peer).token
        return {token.signature: lambda p, honest: sign(p, p.tam.run.value(token.tbs))}

    return tale


def _flipped(peer: TesterEndpoint) -> Tale:
    return {environment_of(peer).token.signature: lambda _, honest: one_bit_other(honest)}


def _measured(field: str) -> Make:
    """As evidence says it wrongly."""
    change = CLAIMS[field].change
    return lambda peer: {
        environment_of(peer).token.measurements: lambda p, honest: cbor.encode(change(p, cbor.decode(honest)))
    }


OTHER_KEY = cose.cose_key(derive_key(b"somebody", "else").public_key())

ENVIRONMENTS: dict[str, tuple[str, Make]] = {
    "alg-eddsa": ("env_header_is_exact", _constant(lambda e: e.token.alg, -8)),
    "alg-esp256": ("env_header_is_exact", _constant(lambda e: e.token.alg, -9)),
    "typ-of-a-label": ("env_header_is_exact", _constant(lambda e: e.token.typ, "application/vnd.tc.label+cose")),
    "typ-of-evidence": ("env_header_is_exact", _constant(lambda e: e.token.typ, 263)),
    "x5t-of-the-leaf": (
        "env_header_is_exact",
        lambda peer: {environment_of(peer).token.x5t: x5t(peer.world.credentials.leaf)},
    ),
    "signature-bit": ("env_signature_verifies", _flipped),
    "signature-by-the-identity-key": (
        "env_signature_verifies",
        _signed(lambda peer, tbs: peer.world.tam.sign_identity(tbs)),
    ),
    "cnf-of-another-key": ("env_cnf_is_label_signer", _constant(lambda e: e.token.cnf, OTHER_KEY)),
    "sid-of-no-session": ("env_sid_is_this_session", lambda peer: {environment_of(peer).sid: bytes(16)}),
    "sid-last-bit": ("env_sid_is_this_session", lambda peer: {environment_of(peer).sid: one_bit_other(peer.sid)}),
    "epoch-of-the-next": ("env_epoch_is_attested_one", _constant(lambda e: e.epoch, 1)),
    "bootcount-higher": ("env_bootcount_is_attested_one", _constant(lambda e: e.token.bootcount, 2)),
    "measurements-one-other": ("env_measurements_match_reference_values", _measured("measurements-one-other")),
    "measurements-one-missing": ("env_measurements_match_reference_values", _measured("measurements-one-missing")),
    "bootcount-lower": ("env_bootcount_is_attested_one", _constant(lambda e: e.token.bootcount, 0)),
}


@for_each(fault(role, check, "environment", field) for role in ROLES for field, (check, _) in ENVIRONMENTS.items())
def test_environment(case: Case, bench: Bench) -> None:
    """Data refused solely because of one thing in its environment object: LBL-15 to LBL-20, LBL-22, LBL-36."""
    bench.refuses(Deviation(), faulty(in_environment(ENVIRONMENTS[case.field][1])))


@for_each(
    fault(role, check, "second-environment", field) for role in ROLES for field, (check, _) in ENVIRONMENTS.items()
)
def test_second_environment(case: Case, bench: Bench) -> None:
    """The same behind data that was accepted: later objects are judged like the first (LBL-15 to LBL-22)."""
    wrong = in_environment(ENVIRONMENTS[case.field][1])
    bench.refuses(Deviation(), faulty(wrong, after=lambda iut, conversation: accepted(conversation)))


@for_each(
    fault(role, "env_signature_verifies", "context", field)
    for role in ROLES
    for field in ("empty", "tc1-eat", "tc1-label")
)
def test_separation(case: Case, bench: Bench) -> None:
    """An object refused solely because it is signed over the external_aad of something else, or none: LBL-15."""
    context = b"" if case.field == "empty" else case.field.encode()

    def sign(peer: TesterEndpoint, tbs: bytes) -> bytes:
        kind, protected, _, payload = cbor.decode(tbs)
        return peer.world.tam.sign_attestation(cbor.encode([kind, protected, context, payload]))

    bench.refuses(Deviation(), faulty(in_environment(_signed(sign))))


@for_each(fault(role, "env_ak_is_the_attested_one", "sign", "other-attestation-key") for role in ROLES)
def test_attestation_key(case: Case, bench: Bench) -> None:
    """An object refused solely because another trusted attestation key than the attested one signed it: LBL-16."""
    other = bench.iut.pki.party(bench.iut.opposite, "another platform")
    assert other.ak_key is not None
    sign = signer(other.ak_key)

    def tale(peer: TesterEndpoint) -> Tale:
        chain = {environment_of(peer).token.chain: other.attestation.x5chain()}
        return {**chain, **_signed(lambda _, tbs: sign(tbs))(peer)}

    bench.refuses(Deviation(), faulty(in_environment(tale)))


@for_each(fault(role, "env_sid_is_this_session", "environment", "sid-of-another-session") for role in ROLES)
def test_session_of_another_environment(case: Case, bench: Bench) -> None:
    """An object refused solely because it is for an earlier session of the same parties: LBL-18."""
    sid = bench.iut.good().peer.sid
    bench.refuses(Deviation(), faulty(in_environment(lambda peer: {environment_of(peer).sid: sid})))


@for_each(fault(role, "env_is_not_older", "environment", "iat-before-the-last") for role in ROLES)
def test_older_environment(case: Case, bench: Bench) -> None:
    """A second object refused solely because it is older than the one before it: LBL-21."""
    older = in_environment(lambda peer: {environment_of(peer).token.iat: cbor.encode(peer.world.now() - 10)})
    bench.refuses(Deviation(), faulty(older, after=lambda iut, conversation: accepted(conversation)))


@for_each(fault(role, "env_signature_verifies", "sign", f"zero-{half}", half) for role in ROLES for half in ("r", "s"))
def test_degenerate_signature(case: Case, bench: Bench) -> None:
    """An object refused solely because one of the numbers of its signature is zero: LBL-15."""

    def zero(peer: TesterEndpoint, honest: bytes) -> bytes:
        return bytes(32) + honest[32:] if case.data == "r" else honest[:32] + bytes(32)

    act = in_environment(lambda peer: {environment_of(peer).token.signature: zero})
    bench.refuses(Deviation(), faulty(act))


@for_each(fault(role, "env_is_referred_to", "after-epoch-1", "environment-accepted-in-epoch-0") for role in ROLES)
def test_environment_accepted_in_the_last_epoch(case: Case, bench: Bench) -> None:
    """After renewed evidence data may no longer name the object that was accepted before: LBL-14."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    registers = LABEL_REGISTERS[LETTERS[iut.opposite]]

    def stage(iut: Iut, conversation: Conversation) -> None:
        when_open(lambda i, c: accepted(c))(iut, conversation)
        peer = conversation.peer
        named = peer.run.value(registers.reference)
        open_then_request(iut, conversation, lambda peer: None)
        _until_verdict(iut, conversation)
        peer.deviation.happened(peer)
        tell(peer, {registers.reference: named, registers.unsent: b""})
        send(peer)
        conversation.flush()

    with iut.configured(reattest_interval=INTERVAL), iut.later():
        bench.refuses(Deviation(), stage)


@for_each(
    fault(role, check, "after-epoch-1", field)
    for role in ROLES
    for check, field in (
        ("env_epoch_is_attested_one", "environment-of-epoch-0"),
        ("env_is_referred_to", "no-environment"),
        ("env_is_referred_to", "no-environment-after-data"),
    )
)
def test_environment_of_the_last_epoch(case: Case, bench: Bench) -> None:
    """After renewed evidence the first data must bring a new object, of the new epoch: LBL-14, LBL-19."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    held: list[bytes] = []

    def stage(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer

        def before(peer: TesterEndpoint) -> None:
            held.append(_object(peer))
            if case.field.endswith("after-data"):
                accepted(conversation)

        open_then_request(iut, conversation, before)
        _until_verdict(iut, conversation)
        peer.deviation.happened(peer)
        bring_environment(peer, held[0])
        if case.field.startswith("no-environment"):
            tell(peer, {LABEL_REGISTERS[peer.letter].unsent: b""})
        send(peer)
        conversation.flush()

    with iut.configured(reattest_interval=INTERVAL), iut.later():
        bench.refuses(Deviation(), stage)


def _object(peer: TesterEndpoint) -> bytes:
    octets: bytes = peer.run.value(environment_of(peer).token.term)
    return octets


def _until_verdict(iut: Iut, conversation: Conversation) -> None:
    name = f"VERDICT_{LETTERS[iut.role]}"
    if not conversation.until(lambda: sum(o.name == name for o in conversation.peer.observations) == 2):
        raise StageNotReached("the renewed evidence was not answered")


# --- where none belongs ----------------------------------------------------------------------------------------------


def _waived(iut: Iut) -> World:
    waiver = iut.pki.waiver(iut.world.credentials.leaf).sign(iut.pki.waiver_authority)
    return iut.fresh_world(credentials=dataclasses.replace(iut.world.credentials, waiver=waiver))


@for_each(
    fault(role, "label_names_its_environment", "waived", field) for role in ROLES for field in ("brought", "named-only")
)
def test_environment_though_waived(case: Case, bench: Bench) -> None:
    """Data refused solely because it comes with an environment, where no evidence was shown: LBL-13."""
    bench.iut.need_feature("accepts_waiver")

    def act(iut: Iut, conversation: Conversation) -> None:
        peer = conversation.peer
        environment = environment_of(peer)
        tell(peer, tam={environment.epoch: cbor.encode(0), environment.sid: peer.sid})
        bring_environment(peer, peer.tam.run.value(environment.token.term))
        if case.field == "named-only":
            tell(peer, {LABEL_REGISTERS[peer.letter].unsent: b""})
        send(peer)

    bench.refuses(Deviation(), faulty(act), world=_waived(bench.iut))


# --- what must work --------------------------------------------------------------------------------------------------


def _plain(conversation: Conversation) -> str:
    if not conversation.until_open():
        return "the session did not open"
    try:
        accepted(conversation)
        accepted(conversation)
    except StageNotReached as error:
        return str(error)
    return ""


@for_each(Case(role, ("LBL-13",), "accept", "no-environment-where-waived") for role in ROLES)
def test_label_where_waived(case: Case, bench: Bench) -> None:
    """A label without an environment is accepted where the direction was waived: LBL-13."""
    bench.iut.need_feature("accepts_waiver")
    bench.works(_plain, world=_waived(bench.iut))


@for_each(
    Case(role, ("LBL-14", "LBL-21"), "accept", field, data=seconds)
    for role in ROLES
    for field, seconds in (("new-environment-in-the-epoch", 1), ("new-environment-in-the-second", 0))
)
def test_new_environment(case: Case, bench: Bench) -> None:
    """Data may bring a newer object at any time, and later data may name it again: LBL-14, LBL-21."""

    def play(conversation: Conversation) -> str:
        wrong = _plain(conversation)
        if wrong:
            return wrong
        peer = conversation.peer
        tell(peer, tam={environment_of(peer).token.iat: cbor.encode(peer.world.now() + case.data)})
        bring_environment(peer, peer.tam.run.value(environment_of(peer).token.term))
        return _plain(conversation)

    bench.works(play)
