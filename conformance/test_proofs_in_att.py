"""Properties in zero knowledge in ATT: proofs and lists, each with one thing wrong.

The tester's module signs what it is told, and its prover proves what it is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.crypto.random import SeededRandom
from ..harness.identity.policy import PBA_FORMAT
from ..harness.tester.conversation import Conversation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.telling import Telling
from .attesting import data_taken, nothing_to_show
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .forging import observed, token_in
from .labelling import accepted
from .parties import LETTERS
from .proving import IN_ATT, accepting, presenting, proving_of, refuses
from .test_evidence import ROLES, att

if TYPE_CHECKING:
    from ..harness.property.proof import Statement
    from ..harness.property.proving import Holdings
    from ..harness.property.revocation import RevocationList


@for_each(Case(role, ("PBA-07", "PBA-16"), "prove", "truly") for role in ROLES)
def test_true_proofs(case: Case, bench: Bench) -> None:
    """Proofs for this session and identity key open it, and the token stands behind its data: PBA-07, LBL-32."""
    bench.iut.need_proofs()

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        accepted(conversation)
        return ""

    with accepting(bench.iut):
        bench.works(play, world=presenting(bench.iut))


# --- proofs ----------------------------------------------------------------------------------------------------------

Proved = Callable[[TesterEndpoint, list[bytes]], list[bytes]]
"""From the honest proofs to what is sent in their place."""


def _statements(peer: TesterEndpoint, change: Callable[[Statement], Statement]) -> list[bytes]:
    """Proofs of other statements, presented as those of the honest ones."""
    from ..harness.property.proof import Statement, prove
    from ..harness.property.proving import read_opening, read_own
    from ..model.protocol.proving import PROVING

    held, proving = peer.world.properties, PROVING[peer.letter]
    assert held is not None
    demand = held.demand
    made = read_own(peer.run.value(proving.token), demand)
    opening = read_opening(peer.run.value(proving.opening), demand)
    found = []
    for name, listed in sorted(demand.lists.items()):
        honest = Statement(demand.issuer, name, made, listed)
        told = change(honest)
        proof = prove(
            told, held.certificates[told.property_name], opening, peer.world.now(), SeededRandom(name.encode())
        )
        told_as = dataclasses.replace(proof, property_name=name, list_digest=listed.digest)
        found.append(told_as.encode(demand.issuer))
    return found


def _commitment(**changes: Any) -> Proved:
    """Another binder, identity key, token or commitment in the challenge."""

    def proved(peer: TesterEndpoint, honest: list[bytes]) -> list[bytes]:
        return _statements(
            peer, lambda told: dataclasses.replace(told, commitment=dataclasses.replace(told.commitment, **changes))
        )

    return proved


def _exchanged(peer: TesterEndpoint, honest: list[bytes]) -> list[bytes]:
    """Each property is proved as the other one."""
    from ..harness.property.fixture import PROPERTIES

    other = dict(zip(PROPERTIES, reversed(PROPERTIES), strict=True))
    digests = {cbor.decode(proof)[1]: cbor.decode(proof)[2] for proof in honest}
    members = [(other[found[1]], found) for found in map(cbor.decode, reversed(honest))]
    return [cbor.encode({**found, 1: name, 2: digests[name]}) for name, found in members]


def _member(key: int, change: Callable[[Any], Any]) -> Proved:
    """One member of the last proof is another one."""

    def proved(peer: TesterEndpoint, honest: list[bytes]) -> list[bytes]:
        members = cbor.decode(honest[-1])
        return [*honest[:-1], cbor.encode({**members, key: change(members[key])})]

    return proved


def _older_list(peer: TesterEndpoint, honest: list[bytes]) -> list[bytes]:
    """A proof for the list before."""
    return _member(2, lambda digest: bytes(32))(peer, honest)


def _filled(octets: bytes) -> bytes:
    return b"\xff" * len(octets)


A_PRIME, CHALLENGE, OF_E, OF_CONFIGURATION, OF_V, OF_R, OF_LIST = range(3, 10)
PROOFS: dict[str, tuple[str, str, Proved]] = {
    "another-binder": ("property_proofs_verify", "PBA-13", _commitment(binder=bytes(32))),
    "another-identity-key": ("property_proofs_verify", "PBA-13", _commitment(cnf=bytes(32))),
    "another-token": ("property_proofs_verify", "PBA-13", _commitment(token=b"")),
    "properties-exchanged": ("property_proofs_verify", "PBA-13", _exchanged),
    "a-prime-one-bit": ("property_proofs_verify", "PBA-13", _member(A_PRIME, one_bit_other)),
    "challenge-one-bit": ("property_proofs_verify", "PBA-13", _member(CHALLENGE, one_bit_other)),
    "response-for-e-one-bit": ("property_proofs_verify", "PBA-13", _member(OF_E, one_bit_other)),
    "response-for-m-one-bit": ("property_proofs_verify", "PBA-13", _member(OF_CONFIGURATION, one_bit_other)),
    "response-for-v-one-bit": ("property_proofs_verify", "PBA-13", _member(OF_V, one_bit_other)),
    "response-for-r-one-bit": ("property_proofs_verify", "PBA-13", _member(OF_R, one_bit_other)),
    "response-for-the-list-one-bit": (
        "property_proofs_verify", "PBA-13", _member(OF_LIST, lambda pairs: [[pairs[0][0], one_bit_other(pairs[0][1])]]),
    ),
    "a-prime-one": ("property_proofs_verify", "PBA-14", _member(A_PRIME, lambda a: bytes(len(a) - 1) + b"\x01")),
    "a-prime-zero": ("property_proofs_verify", "PBA-14", _member(A_PRIME, lambda a: bytes(len(a)))),
    "response-for-e-longest": ("property_proofs_verify", "PBA-14", _member(OF_E, _filled)),
    "response-for-v-shorter": ("property_proofs_verify", "PBA-14", _member(OF_V, lambda octets: octets[1:])),
    "response-for-r-not-reduced": ("property_proofs_verify", "PBA-14", _member(OF_R, _filled)),
    "no-response-for-the-list": ("property_proofs_verify", "PBA-16", _member(OF_LIST, lambda pairs: [])),
    "no-proof": ("property_proofs_verify", "PBA-19", lambda peer, honest: []),
    "nine-proofs": ("property_proofs_verify", "PBA-19", lambda peer, honest: [*honest, *honest[:1] * 7]),
    "octets": ("property_proofs_verify", "PBA-14", lambda peer, honest: [*honest[:-1], b"\xff" * 40]),
    "one-property-alone": ("proofs_answer_current_lists", "PBA-16", lambda peer, honest: honest[:1]),
    "one-property-twice": ("proofs_answer_current_lists", "PBA-16", lambda peer, honest: honest[:1] * 2),
    "both-and-one-again": ("proofs_answer_current_lists", "PBA-16", lambda peer, honest: [*honest, honest[0]]),
    "another-list": ("proofs_answer_current_lists", "PBA-16", _older_list),
}  # fmt: skip


@for_each(
    citing(fault(role, check, "prove", field), requirement, "PBA-07")
    for role in ROLES
    for field, (check, requirement, _) in PROOFS.items()
)
def test_proof(case: Case, bench: Bench) -> None:
    """Evidence over a good token, refused solely because of its proofs: PBA-13, PBA-14, PBA-16, PBA-19."""
    proved = PROOFS[case.field][2]

    def told(peer: TesterEndpoint, honest: bytes) -> bytes:
        return cbor.encode(proved(peer, cbor.decode(honest)))

    refuses(bench, Telling(att(bench.iut), {proving_of(bench.iut).proofs: told}))


@for_each(
    citing(fault(role, "property_proofs_verify", "commit", "another-configuration"), "PBA-10", "PBA-11")
    for role in ROLES
)
def test_uncertified_configuration(case: Case, bench: Bench) -> None:
    """The module has measured something else, and the software claims the certificate all the same: PBA-11."""
    iut, proving = bench.iut, proving_of(bench.iut)
    held = iut.world.properties
    assert held is not None
    other = iut.pki.tam(iut.opposite, iut.world.credentials)
    other.extend(11, bytes(32))

    def opening(peer: TesterEndpoint, honest: bytes) -> bytes:
        configuration = next(iter(held.certificates.values())).configuration
        return cbor.encode([configuration, cbor.decode(honest)[1]])

    refuses(bench, Telling(att(iut), tam={proving.opening: opening}), world=presenting(iut, tam=other))


# --- lists -----------------------------------------------------------------------------------------------------------


def _heedless(held: Holdings, latest: RevocationList | None = None) -> Holdings:
    """What a prover holds that answers every list, whatever it says, and this one in place of another."""
    from ..harness.property.revocation import RevocationList

    class Heedless(RevocationList):
        __slots__ = ()

        def require_good(self, property_: str, now: int) -> None:
            """It always is."""

    lists = {**held.demand.lists, **({latest.property_name: latest} if latest else {})}
    told = {
        name: Heedless(*(getattr(one, item.name) for item in dataclasses.fields(one))) for name, one in lists.items()
    }
    return dataclasses.replace(held, demand=dataclasses.replace(held.demand, lists=told))


@for_each(fault(role, "properties_are_not_withdrawn", "revoke", "withdrawn") for role in ROLES)
def test_withdrawn(case: Case, bench: Bench) -> None:
    """Proofs, all of them good, refused solely because the issuer's latest list withdraws a property: PBA-16."""
    from ..harness.property.fixture import PROPERTIES, list_of

    iut = bench.iut
    control = _control(bench)
    latest = list_of(PROPERTIES[0], iut.pki.now, number=2, withdrawn=True)

    def change(folder: Path) -> None:
        (folder / "properties" / "list-0.cbor").write_bytes(latest.encoded)

    with iut.provisioned(change), accepting(iut):
        _judge(bench, control, latest)


@for_each(fault(role, "properties_are_not_withdrawn", "wait", "list-not-current") for role in ROLES)
def test_outdated(case: Case, bench: Bench) -> None:
    """Proofs, all of them good, refused solely because the relying party's own lists have ended: PBA-16."""
    from ..harness.property.fixture import VALIDITY

    control = _control(bench)
    with bench.iut.later() as clock, accepting(bench.iut):
        clock.advance(VALIDITY)
        _judge(bench, control)


def _control(bench: Bench) -> str | None:
    iut = bench.iut
    iut.need_proofs()
    with accepting(iut):
        return bench.control(IN_ATT, lambda: iut.good(world=presenting(iut)).transcript.digest())


def _judge(bench: Bench, control: str | None, latest: RevocationList | None = None) -> None:
    iut = bench.iut
    assert iut.world.properties is not None
    world = presenting(iut, properties=_heedless(iut.world.properties, latest))
    conversation = iut.converse(Telling(att(iut)), world=world)
    bench.main = conversation.transcript
    outcome = conversation.outcome(iut.is_alive)
    conversation.close()
    bench.conclude(outcome, control, conversation)


# --- the implementation's own ----------------------------------------------------------------------------------------


@for_each(Case(role, ("PBA-07", "PBA-11", "PBA-15", "LBL-32"), "send", "own-proofs") for role in ROLES)
def test_own_proofs(case: Case, bench: Bench) -> None:
    """The implementation's proofs pass every check, twice, with nothing in them twice: PBA-07, PBA-11, PBA-15."""
    iut = bench.iut
    iut.need_proofs()
    name = f"ATT_{LETTERS[case.role]}"

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        conversation.peer.reattest()
        conversation.flush()
        seen = conversation.peer.observations
        if not conversation.until(lambda: sum(o.name == name for o in seen) == 2):
            return "no second evidence came"
        if not any(e.name == "evidence_accepted" and "epoch" in e.fields for e in conversation.peer.events):
            return "the second evidence was not accepted"
        numbers = [_numbers(token_in(observed(conversation, name, nth))) for nth in (0, 1)]
        if repeated := numbers[0] & numbers[1]:
            return f"{len(repeated)} numbers stand in both"
        bench.iut.sends(conversation, b"data")
        return data_taken(bench, conversation)

    policy = dataclasses.replace(iut.world.policy, accepted=(PBA_FORMAT,))
    with iut.configured(offered=[PBA_FORMAT]):
        bench.works(play, world=iut.fresh_world(policy=policy), off=frozenset())


def _numbers(evidence: bytes) -> set[bytes]:
    """Commitment, blinded certificates, challenges and responses."""
    members = cbor.decode(evidence)
    claims = cbor.decode(cbor.decode(members[1]).value[2])
    return {claims[-71904][2], *_in_proofs(members[2])}


def _in_proofs(proofs: list[bytes]) -> Iterator[bytes]:
    for proof in map(cbor.decode, proofs):
        yield from (proof[key] for key in range(A_PRIME, OF_LIST))
        yield from (number for pair in proof[OF_LIST] for number in pair)


@for_each(Case(role, ("PBA-21",), "withhold", "no-certificate") for role in ROLES)
def test_cannot_prove(case: Case, bench: Bench) -> None:
    """An implementation without a certificate says that this is its own fault, and sends no evidence: PBA-21."""
    iut = bench.iut
    iut.need_proofs()

    def change(folder: Path) -> None:
        for file in (folder / "properties").glob("certificate-*.cbor"):
            file.unlink()

    policy = dataclasses.replace(iut.world.policy, accepted=(PBA_FORMAT,))
    with iut.provisioned(change), iut.configured(offered=[PBA_FORMAT]):
        bench.works(partial(nothing_to_show, bench), world=iut.fresh_world(policy=policy))
