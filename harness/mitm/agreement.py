"""The judge: what both ends report must be two views of the same sessions.

No end may have been made to accept what its peer did not do in that session. What an attacker may be accepted as is
said by the scenario; everything else must have a matching view at the other end (CLM-03, and CLM-05 to CLM-12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.protocol.frames import Tier
from .view import View

POSITIVE = frozenset({int(Tier.AFFIRMING), int(Tier.WAIVED)})
"""Tiers that say something good of a peer."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the attacker is entitled to: identities that may be accepted, and whether it can attest as each of them."""

    identities: Mapping[str, bool] = field(default_factory=dict)
    honest: frozenset[str] = frozenset()
    """Identities of both ends, who may accept each other."""
    suite: int | None = None
    """The suite that both ends choose when nobody interferes."""
    closes_unasked: bool = False
    """An end closes by itself when the conversation has been had."""


def disagreements(views: Sequence[View], allowed: Allowed) -> list[str]:
    """Each way in which the ends do not agree, as a sentence."""
    return [f"the {view.role} {what}" for view in views for what in _about(view, views, allowed)]


def matching(view: View, views: Iterable[View]) -> View | None:
    """The other end's view of the same session: by identifier where both have one, else by whom it speaks with."""
    others = [v for v in views if v.role != view.role and v.peer == view.identity and view.peer == v.identity]
    if view.is_open:
        same = next((v for v in others if v.sid == view.sid), None)
        if same is not None:
            return same
        others = [v for v in others if not v.is_open]
    return next((v for v in others if _begins(view.received, v.sent)), others[0] if others else None)


def _about(view: View, views: Sequence[View], allowed: Allowed) -> Iterator[str]:
    if view.is_open and sum(v.role == view.role and v.sid == view.sid for v in views) > 1:
        yield "has opened two sessions with one identifier"
    trusts = view.is_open or bool(POSITIVE.intersection(view.sent))
    if view.peer in allowed.identities:
        yield from _with_attacker(view, views, allowed.identities[view.peer])
    elif trusts and view.peer not in allowed.honest - {view.identity}:
        yield f"trusts {view.peer or 'somebody it does not name'}, whom it was not told to accept"
    elif trusts or view.accepted:
        yield from _with_peer(view, matching(view, views), allowed)


def _with_attacker(view: View, views: Sequence[View], attests: bool) -> Iterator[str]:
    if not attests and (good := POSITIVE.intersection(view.sent)):
        yield f"has given {view.peer} a verdict of {min(good)}, although it has no evidence of its own"
    foreign = {digest for v in views for digest in v.said}
    if foreign.intersection(view.accepted):
        yield f"has accepted data from {view.peer} that somebody else has signed"


def _with_peer(view: View, match: View | None, allowed: Allowed) -> Iterator[str]:
    if match is None:
        yield f"speaks with {view.peer}, who does not know of that session"
        return
    if view.is_open and match.is_open and view.suite != match.suite and None not in (view.suite, match.suite):
        yield f"uses suite {view.suite}, its peer {match.suite}"
    if view.suite is not None and allowed.suite is not None and view.suite != allowed.suite:
        yield f"is open with suite {view.suite}, where both ends prefer {allowed.suite}"
    if not _begins(view.received, match.sent):
        yield f"was given the verdicts {view.received}, its peer gave {match.sent}"
    if not _is_part(view.accepted, match.said):
        yield f"has accepted {len(view.accepted)} data, not as its peer sent them, in their order and once"
    if list(view.sequences) != sorted(set(view.sequences)):
        yield f"has accepted labels numbered {view.sequences}"
    if any(n >= len(view.said) or view.said[n] not in match.accepted for n in view.confirmed):
        yield "was told of data that its peer accepted and that it did not"
    if view.ended == "clean" and not (view.asked_to_close or match.asked_to_close or allowed.closes_unasked):
        yield "reports a clean end, although no application has closed"


def _begins(short: Sequence[int], long: Sequence[int]) -> bool:
    return tuple(long[: len(short)]) == tuple(short)


def _is_part(part: Iterable[str], whole: Iterable[str]) -> bool:
    """Whether `part` is `whole` with items left out."""
    rest = iter(whole)
    return all(item in rest for item in part)
