"""Scenarios of an attacker who terminates both sides with keys that it legitimately has, or has stolen.

It relays what it gets from one honest end, bound to that session, to the other honest end in a session of its own. The
protocol is the table's: the tester's endpoints take messages apart and protect them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ...model.checks import CHECKS
from ...model.protocol.frames import HELLO
from ...model.protocol.proofs import proof_of
from ..codec import cbor
from ..identity.world import World
from ..tester.conversation import Conversation
from ..tester.deviation import Deviation
from ..tester.peer import TesterEndpoint
from ..tester.session import OPPOSITE, ControlFailed, Role
from ..tester.wire import Mark
from .binding import Binding, Position
from .intruders import Insert, Replace
from .relays import Make, Paused, Substitute, Withheld, hello_with_nonce_of, sealed
from .scenario import Scenario
from .scene import Scene
from .wire import Leg

LETTERS: dict[Role, str] = {"device": "I", "service": "R"}
INTENDED: dict[Role, str] = {"device": "cred_i_is_authorised", "service": "cred_r_is_intended"}
"""The check that a party of a role is one that its peer means to speak with."""
LEAKED = ("HELLO", "VERDICT", "ALERT", "CLOSE", "PING")
IMPOSTOR = "impostor"
"""Who has another key than the certificate says."""
WAIVER = 9
"""Key of the waiver in HELLO."""
NO_EVIDENCE = {"device": {"requires_evidence": False}, "service": {"requires_evidence": False}}
"""Neither end asks for evidence: the handshake alone must hold."""


def scenarios(binding: Binding) -> Iterator[Scenario]:
    """All of them."""
    for victim in LETTERS:
        yield from _evidence(victim)
        yield from _identities(binding, victim)
        yield from _statements(victim)
        yield from _keys(binding, victim)
    yield Scenario(
        "dh-both", "the attacker puts own ephemeral keys in the place of both ends', under their certificates",
        _citing(*(proof_of(role, binding.name).check for role in LETTERS)), "device", "dh", "both", _own_keys_both_ways,
        configurations=NO_EVIDENCE,
    )  # fmt: skip


def _citing(*checks: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(CHECKS[check].requirement for check in checks))


def _evidence(victim: Role) -> Iterator[Scenario]:
    """Evidence of one honest end is shown to the other, who is `victim`."""
    attester = OPPOSITE[victim]
    binder = _citing("eat_nonce_is_binder")
    owner = _citing("cnf_is_peer_identity_key", "ueid_is_peer_device", "ak_names_peer_device")
    sentence = f"evidence of the honest {attester} is shown to the {victim}"
    for name, nonces, how in (
        ("relay", False, "under its stolen identity key"),
        ("relay-nonces", True, "under its stolen identity key, in sessions that have the honest ends' nonces"),
    ):
        yield Scenario(
            f"{name}-{victim}", f"{sentence} {how}", binder, victim, "relay-evidence", f"{name}-{victim}",
            partial(_relay_evidence, victim=victim, stolen=True, nonces=nonces),
            known=(victim,), insiders={victim: True},
        )  # fmt: skip
    yield Scenario(
        f"diversion-{victim}", f"{sentence} as the insider's own", (*binder, *owner), victim, "relay-evidence",
        f"diversion-{victim}", partial(_relay_evidence, victim=victim, stolen=False, nonces=False),
        known=(victim, attester), insiders={victim: True, attester: False},
    )  # fmt: skip
    yield Scenario(
        f"cuckoo-{victim}", f"evidence of the attacker's platform comes under the {attester}'s stolen identity key",
        owner, victim, "cuckoo", victim,
        partial(_pose, victim=victim, who="cuckoo", at=f"ATT_{LETTERS[attester]}"),
    )  # fmt: skip


def _identities(binding: Binding, victim: Role) -> Iterator[Scenario]:
    """Somebody else in the place of the honest peer."""
    role = OPPOSITE[victim]
    letter, proof = LETTERS[role].lower(), proof_of(role, binding.name)
    shown = proof.message.name
    alone, meant = {"configurations": NO_EVIDENCE}, {"known": (role,)}
    for name, who, check, sentence, options in (
        ("foreign", "insider", INTENDED[role],
         f"another {role}, certified by the same authority, takes the {role}'s place", {}),
        ("revoked", "revoked", f"cred_{letter}_is_not_revoked_locally",
         f"a {role} that the {victim} means to speak with has a revoked certificate", meant),
        ("forged", "forger", f"cred_{letter}_path_verifies",
         f"the {victim} is shown a certificate with the {role}'s names by the attacker's authority", alone),
        ("wrong-role", "other_role", f"cred_{letter}_has_{role}_role",
         f"a {role} that the {victim} means to speak with has a certificate for the other role", alone | meant),
        ("impostor", IMPOSTOR, proof.check,
         f"the attacker shows the {role}'s certificate to the {victim} and has another key", alone),
    ):  # fmt: skip
        play = partial(_pose, victim=victim, at=shown, who=who)
        yield Scenario(f"{name}-{victim}", sentence, _citing(check), victim, name, victim, play, **options)
    yield Scenario(
        f"misbinding-{victim}", f"{shown} of the insider's own session arrives in the honest ends' session",
        _citing(proof.check), victim, "misbinding", victim, partial(_misbinding, victim=victim),
        configurations=NO_EVIDENCE, known=(role,),
    )  # fmt: skip


def _statements(victim: Role) -> Iterator[Scenario]:
    """What an honest end says to the insider is said to the other end as the insider's own."""
    author, both = OPPOSITE[victim], {"device": True, "service": True}
    yield Scenario(
        f"labels-{victim}", f"data that the {author} signed for the insider is handed on to the {victim}",
        _citing("label_x5t_is_peer_leaf", "label_sid_is_this_session", "label_signature_verifies"), victim,
        "relay-labels", victim, partial(_relay_labels, victim=victim), known=("device", "service"), insiders=both,
    )  # fmt: skip
    yield Scenario(
        f"verdict-{victim}", f"the verdict that the {author} gave the insider is handed on to the {victim}",
        _citing("verdict_tier_fits_direction"), victim, "relay-verdict", victim,
        partial(_relay_verdict, victim=victim), known=("device", "service"), insiders=both,
    )  # fmt: skip
    if victim == "service":
        yield Scenario(
            "waiver-service", "the waiver that the device showed the insider is shown to the service as the insider's",
            _citing("waiver_names_the_peer_leaf"), victim, "relay-waiver", victim, _relay_waiver,
            configurations={"device": {"presents_waiver": True}}, known=("service", "device"),
            insiders={"service": True, "device": False},
        )  # fmt: skip


def _keys(binding: Binding, victim: Role) -> Iterator[Scenario]:
    """The keys of another session are known: frames under them come into the honest ends' session."""
    flow = [p for p in binding.flow() if p.sender != victim and p.protected]
    data = next(p for p in flow if p.message.startswith("DATA"))
    for kind in LEAKED:
        for at in (flow[1], data):
            yield Scenario(
                f"leaked-{victim}-{kind}-{at.message}",
                f"before {at.message} the {victim} gets {kind} under the keys of another session",
                _citing(binding.protects), victim, "leaked-key", f"{victim}-{kind}-{at.message}",
                partial(_leaked, victim=victim, kind=kind, at=at), insiders={OPPOSITE[victim]: True},
            )  # fmt: skip


# --- playing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Talk:
    """A session that the attacker terminates: its end of it, and the leg to the honest end."""

    leg: Leg
    conversation: Conversation

    @property
    def peer(self) -> TesterEndpoint:
        """The attacker's endpoint."""
        return self.conversation.peer

    def got(self, kind: str) -> bytes:
        """A message of the honest end. Raises ControlFailed when it does not come."""
        name = f"{kind}_{LETTERS[self.leg.role]}"
        self.conversation.until(lambda: self.conversation.saw(name) is not None or self.peer.closed)
        found = self.conversation.saw(name)
        if found is None:
            raise ControlFailed(f"the {self.leg.role} sent no {name} to the attacker")
        return found.data

    def open(self) -> None:
        """Go on to OPEN. Raises ControlFailed."""
        if not self.finish():
            raise ControlFailed(f"the {self.leg.role} does not open a session with the insider")

    def finish(self) -> bool:
        """Go on to OPEN, or to a refusal; whether OPEN was reached and the honest end answers."""
        self.conversation.until(lambda: self.peer.state == "OPEN" or self.peer.closed)
        return self.peer.state == "OPEN" and self.conversation.probe()


def _talk(scene: Scene, to: Role, world: World, deviation: Deviation | None = None, **options: Any) -> Talk:
    return Talk(*scene.terminate(to, deviation or Deviation(), world=world, **options))


def _relay_evidence(scene: Scene, victim: Role, *, stolen: bool, nonces: bool) -> None:
    """The attester speaks with the insider; the victim speaks with somebody who poses as the attester."""
    attester, cast = OPPOSITE[victim], scene.cast
    evidence = f"ATT_{LETTERS[attester]}"
    relay = Substitute(evidence)
    posing = cast.stolen(attester) if stolen else cast.insider(attester)
    if nonces:
        target = _talk(scene, victim, posing, relay)
        relay.makers |= _with_nonces(scene, attester, target)
    else:
        source = _talk(scene, attester, cast.insider(victim))
        source.got("ATT")
        relay.makers[evidence] = lambda _: source.got("ATT")
        target = _talk(scene, victim, posing, relay)
    _finish(scene, target, relay, f"relayed {evidence} of the {attester} to the {victim}")


def _with_nonces(scene: Scene, attester: Role, target: Talk) -> dict[str, Make]:
    """The attester's session begins inside the target's, so that each honest end meets the other's nonce."""
    source: list[Talk] = []

    def start(deviation: Deviation) -> Talk:
        source.append(_talk(scene, attester, scene.cast.insider(OPPOSITE[attester]), deviation))
        return source[0]

    def resumed() -> bytes:
        target.got("HELLO")
        paused.resume(source[0].peer, hello_with_nonce_of(source[0].peer, target.peer))
        source[0].conversation.flush()
        return source[0].got("ATT")

    first, second = HELLO["R"].name, HELLO["I"].name
    if attester == "device":
        theirs = Substitute(first, {first: lambda peer: hello_with_nonce_of(peer, target.peer)})
        return {second: lambda _: start(theirs).got("HELLO"), "ATT_I": lambda _: source[0].got("ATT")}
    paused = Paused(second)
    return {first: lambda _: start(paused).got("HELLO"), "ATT_R": lambda _: resumed()}


def _finish(scene: Scene, talk: Talk, deviation: Deviation, what: str) -> None:
    talk.finish()
    if (failure := getattr(deviation, "failure", None)) is not None:
        raise failure
    scene.reached = what if deviation.reached else ""


def _pose(scene: Scene, victim: Role, who: str, at: str) -> None:
    """The victim speaks with somebody who is not the honest peer; `at` is the message in which that shows."""
    mark = Mark(at)
    options = {"channel": scene.pair.binding.impostor} if who == IMPOSTOR else {}
    talk = _talk(scene, victim, getattr(scene.cast, who)(OPPOSITE[victim]), mark, **options)
    _finish(scene, talk, mark, f"sent {at} to the {victim}")


def _own_keys_both_ways(scene: Scene) -> None:
    binding = scene.pair.binding
    marks = {role: Mark(proof_of(OPPOSITE[role], binding.name).message.name) for role in LETTERS}
    talks = [
        _talk(scene, role, scene.cast.impostor(OPPOSITE[role]), mark, channel=binding.impostor)
        for role, mark in marks.items()
    ]
    for talk in talks:
        talk.finish()
    if all(mark.reached for mark in marks.values()):
        scene.reached = "exchanged own ephemeral keys with both ends under the other's certificate"


def _misbinding(scene: Scene, victim: Role) -> None:
    role = OPPOSITE[victim]
    shown = proof_of(role, scene.pair.binding.name).message.name
    withheld = Withheld(shown)
    own = _talk(scene, victim, scene.cast.insider(role), withheld)
    own.conversation.until(lambda: withheld.reached or own.peer.closed)
    at = next(p for p in scene.pair.binding.flow() if p.message == shown)
    scene.through(Replace(at, lambda: withheld.octets, "the insider's"))


def _relay_labels(scene: Scene, victim: Role) -> None:
    author = OPPOSITE[victim]
    source = _talk(scene, author, scene.cast.insider(victim))
    target = _talk(scene, victim, scene.cast.insider(author))
    source.open()
    target.open()
    scene.speak(source.leg, 1)
    target.peer.send_frame(source.got("DATA"))
    target.conversation.flush()
    scene.reached = f"relayed DATA of the {author} to the {victim}"
    receipt = f"RECEIPT_{LETTERS[victim]}"
    target.conversation.until(lambda: target.conversation.saw(receipt) is not None or target.peer.closed)


def _relay_verdict(scene: Scene, victim: Role) -> None:
    author = OPPOSITE[victim]
    verdict = f"VERDICT_{LETTERS[author]}"
    source = _talk(scene, author, scene.cast.insider(victim))
    relay = Substitute(verdict, {verdict: lambda _: source.got("VERDICT")})
    _finish(scene, _talk(scene, victim, scene.cast.insider(author), relay), relay, f"relayed {verdict}")


def _relay_waiver(scene: Scene) -> None:
    hello = _talk(scene, "device", scene.cast.insider("service")).got("HELLO")
    _, body = cbor.split_array(hello)
    statement = cbor.split_map(body).get(cbor.encode(WAIVER))
    if statement is None:
        raise ControlFailed("the device presents no waiver")
    insider = scene.cast.insider("device")
    posing = replace(insider, credentials=replace(insider.credentials, waiver=statement))
    mark = Mark(HELLO["I"].name)
    _finish(scene, _talk(scene, "service", posing, mark), mark, "showed the device's waiver to the service")


def _leaked(scene: Scene, victim: Role, kind: str, at: Position) -> None:
    """The insider has a session with the victim first; its keys stand for those that leaked."""
    role = OPPOSITE[victim]
    with scene.pair.configured({victim: scene.cast.introducing(role)}):
        own = _talk(scene, victim, scene.cast.insider(role))
        own.open()
    octets = sealed(own.peer, kind)
    scene.through(Insert(at, victim, octets, f"{kind} of another session"))
