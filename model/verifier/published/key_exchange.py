"""Diffie-Hellman key exchanges, from none of the protections to all of them.

Each function gives a protocol of two roles, `I` and `R`, with the events `running` and `done` on (I, R, key). `K` is
derived from the shared secret; `x` and `y` are the exponents.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..protocol import STANDARD, Event, Protocol, Recv, Role, Send, Step, Symbol, Template, key_family

OWN = {"I": ("dh", "x"), "R": ("dh", "y")}
SECRET = {"I": ("dh", "x", "Y"), "R": ("dh", "y", "X")}
FRESH = {"I": {"x": "exponent"}, "R": {"y": "exponent", "n": "nonce"}}
VARIABLES = {"I": {"Y": "group", "n": "nonce"}, "R": {"X": "group"}}
CONSTANTS = dict.fromkeys(("session", "mac key", "seal", "zero", "header", "challenge", "answer", "evidence"), "label")


def key(role: str, label: str = "session") -> Template:
    """The key that a role derives from the shared secret."""
    return ("kdf", SECRET[role], label)


def _mark(role: str, name: str) -> Event:
    return Event(name, ("I", "R", key(role)))


def _protocol(
    name: str,
    initiator: tuple[Step, ...],
    responder: tuple[Step, ...],
    symbols: Mapping[str, Symbol] = STANDARD,
    neutral_element: bool = False,
) -> Protocol:
    """Two roles; in a template `gx`, `gy` and `K` stand for each role's own view of the shares and the key."""
    roles = []
    for role, steps in (("I", initiator), ("R", responder)):
        views: dict[str, Template] = {"gx": "X", "gy": "Y", f"g{'xy'[role == 'R']}": OWN[role], "K": key(role)}
        views |= {"Km": key(role, "mac key"), "Ke": key(role, "seal")}
        done = tuple(_view(s, views) for s in steps)
        roles.append(Role(role, ("I", "R"), role, done, FRESH[role], VARIABLES[role]))
    return Protocol(name, tuple(roles), symbols, CONSTANTS, neutral_element=neutral_element)


def _view(step: Step, views: dict[str, Template]) -> Step:
    if isinstance(step, Send | Recv):
        return type(step)(_fill(step.message, views), step.label, step.sender, step.receiver)
    return step


def _fill(template: Template, views: dict[str, Template]) -> Template:
    if isinstance(template, str):
        return views.get(template, template)
    return (template[0], *(_fill(t, views) for t in template[1:]))


def _exchange(
    name: str, first: Template, second: Template, third: Template | None, neutral_element: bool = False
) -> Protocol:
    """The responder is running when it answers, the initiator when it sends its last message."""
    running, done = "running", "done"
    initiator: tuple[Step, ...] = (Send(first, "1"), Recv(second, "2"), _mark("I", running))
    responder: tuple[Step, ...] = (Recv(first, "1"), _mark("R", running), Send(second, "2"))
    if third is not None:
        initiator += (Send(third, "3"),)
        responder += (Recv(third, "3"),)
    return _protocol(
        name, (*initiator, _mark("I", done)), (*responder, _mark("R", done)), neutral_element=neutral_element
    )


def unauthenticated() -> Protocol:
    """Two shares and nothing else."""
    return _exchange("dh", "gx", "gy", None)


def signed() -> Protocol:
    """Each side signs its own share, then the peer's; no identities are in the signatures."""
    return _exchange("signed-dh", "gx", ("tuple", "gy", _sign("R", "gy", "gx")), _sign("I", "gx", "gy"))


def iso() -> Protocol:
    """The key exchange of ISO 9798-3: each signature names the peer as well."""
    return _exchange("iso-dh", "gx", ("tuple", "gy", _sign("R", "gy", "gx", "I")), _sign("I", "gx", "gy", "R"))


def sts() -> Protocol:
    """Station to station: the signatures are encrypted under the session key, without identities."""
    second = ("tuple", "gy", ("senc", _sign("R", "gy", "gx"), "K"))
    return _exchange("sts", "gx", second, ("senc", _sign("I", "gx", "gy"), "K"))


def sts_mac(fix: int = 0) -> Protocol:
    """Station to station with a MAC on the shares beside the signature.

    With `fix` 1 the MAC names its sender; with `fix` 2 it names both sides.
    """
    names: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {
        0: ((), ()),
        1: (("R",), ("I",)),
        2: (("R", "I"), ("I", "R")),
    }
    by_responder, by_initiator = names[fix]
    second = ("tuple", "gy", _sign("R", "gy", "gx"), ("mac", ("tuple", "gy", "gx", *by_responder), "Km"))
    third = ("tuple", _sign("I", "gx", "gy"), ("mac", ("tuple", "gx", "gy", *by_initiator), "Km"))
    return _exchange(f"sts-mac-fix-{fix}" if fix else "sts-mac", "gx", second, third)


def _sign(by: str, *content: Template) -> Template:
    return ("sign", ("tuple", *content), ("sk", by))


def sigma(
    *,
    identity_in_mac: bool = True,
    initiator_signs: bool = True,
    responder_signs: bool = True,
    fresh: bool = True,
    bound: bool = True,
) -> Protocol:
    """SIGMA-I with MAC and AEAD; then the responder asks for evidence with a nonce, and the initiator's device attests.

    `fresh`: the nonce is in the evidence. `bound`: so are the channel and the identity. `ak` is the attestation key
    of a device, which a thief of its identity key does not have.
    """

    def proof(by: str, signs: bool, first: str, then: str) -> Template:
        mac: Template = ("mac", ("tuple", first, then, *((by,) if identity_in_mac else ())), "Km")
        signature = (_sign(by, first, then),) if signs else ()
        return ("aead", ("tuple", by, *signature, mac), "Ke", "zero", "header")

    second: Template = ("tuple", "gy", proof("R", responder_signs, "gy", "gx"))
    third = proof("I", initiator_signs, "gx", "gy")
    challenge: Template = ("aead", "n", "K", "zero", "challenge")
    claims = (("n",) if fresh else ()) + (("I", "K") if bound else ())
    evidence: Template = ("sign", ("tuple", "evidence", *claims), ("ak", "I"))
    answer: Template = ("aead", evidence, "K", "zero", "answer")
    initiator: tuple[Step, ...] = (
        Send("gx", "1"),
        Recv(second, "2"),
        _mark("I", "running"),
        Send(third, "3"),
        Recv(challenge, "4"),
        Event("attest", ("I", "n", key("I"))),
        Event("attest nonce", ("I", "n")),
        _mark("I", "done"),
        Send(answer, "5"),
    )
    responder: tuple[Step, ...] = (
        Recv("gx", "1"),
        Send(second, "2"),
        Recv(third, "3"),
        _mark("R", "running"),
        _mark("R", "done"),
        Event("challenge", ("n",)),
        Send(challenge, "4"),
        Recv(answer, "5"),
        Event("accept", ("I", "n", key("R"))),
        Event("accept nonce", ("I", "n")),
    )
    symbols = {**STANDARD, "ak": key_family("ak", sort="attestation key")}
    return _protocol("sigma", initiator, responder, symbols=symbols)
