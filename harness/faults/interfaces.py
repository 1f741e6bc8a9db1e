"""Faults of trusted user interfaces: of telling them, and of judging what they confirm."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.frames import I
from ..codec import cbor
from ..identity.interface import CLAIM, ENVIRONMENT, FLAG, KEY, REE, thumbprint, told
from ..identity.world import World
from ..peer.label_checks import confirming, read_chain
from .fault import DEVICE, SERVICE, Fault, fault
from .operators import Condition, accepts, forgives, number, refuses
from .run import FaultyRun, Judge

BY, OF = "confirmation_is_by_the_interface", "confirmation_names_the_transaction"
TOLD = "interface_is_told"


def _of(condition: Any) -> Condition:
    """Of the confirmations near a label, and what else the check compares; false where there is none."""

    def holds(world: World, action: bytes, inputs: bytes, brought: bytes, label: bytes, *more: bytes) -> bool:
        chain, _ = read_chain(label, brought)
        found = confirming(chain) if chain is not None and (action or inputs or brought) else []
        return bool(found) and all(condition(world, one, *more) for one in found)

    return holds


def _named_key(world: World, one: Any, further: bytes) -> bool:
    from ..labels.trust import Trust

    claim = told(further)
    return claim is not None and claim.get(KEY) == thumbprint(Trust.of(world).signer(one)[0])


def _no_key_named(world: World, one: Any, further: bytes) -> bool:
    claim = told(further)
    return claim is not None and KEY not in claim


def _enrolled(world: World, one: Any, further: bytes) -> bool:
    from ..labels.chain import CONFIRMED

    claim = told(further)
    return claim is not None and claim[ENVIRONMENT] != REE and one.action is not None and one.action.name == CONFIRMED


def _any_action(world: World, one: Any, further: bytes) -> bool:
    from ..labels.chain import CONFIRMED

    return _named_key(world, one, further) and one.action is not None and one.action.name != CONFIRMED


def _confirms(*parts: str) -> Judge:
    """A digest over less passes too."""

    def fits(world: World, one: Any, sid: bytes, content: bytes) -> bool:
        values = {"sid": sid, "content": content}
        return bool(one.confirms == sha256(b"".join(values[part] for part in parts)).digest())

    return accepts(_of(fits))


def _ree(run: FaultyRun, honest: bytes) -> bytes:
    claim = told(honest)
    return honest if claim is None else cbor.encode(CLAIM) + cbor.encode({**claim, ENVIRONMENT: REE})


def _keyless(run: FaultyRun, honest: bytes) -> bytes:
    claim = told(honest)
    return honest if claim is None else cbor.encode(CLAIM) + cbor.encode({ENVIRONMENT: claim[ENVIRONMENT]})


_JUDGING: tuple[tuple[str, str, str, str, str, Judge, str], ...] = (
    ("confirmation_by_anyone_enrolled", "TUI-05", "any of several", "confirmation key", BY, accepts(_of(_enrolled)),
     "Any enrolled key may confirm."),
    ("confirmation_without_named_key", "TUI-05", "absent", "thumbprint", BY, accepts(_of(_no_key_named)),
     "Where evidence names no key, any may confirm."),
    ("confirmation_drawn_by_ree", "TUI-05", "missing", "environment", BY, accepts(_of(_named_key)),
     "Who draws the interface that confirms does not matter."),
    ("confirmation_under_any_action", "TUI-11", "missing", "action", BY, accepts(_of(_any_action)),
     "A label of any action may confirm."),
    ("confirmation_of_any_session", "TUI-07", "missing", "session id", OF, _confirms("content"),
     "A confirmation that names no session passes."),
    ("confirmation_of_anything", "TUI-07", "missing", "transaction", OF, _confirms("sid"),
     "A confirmation that names the session alone passes."),
    ("confirmation_of_nothing", "TUI-07", "absent", "transaction", OF,
     accepts(_of(lambda world, one, sid, content: one.confirms is None)), "A confirmation of nothing passes."),
    ("confirmation_refused", "TUI-06", "false reject", "confirmation", OF,
     refuses(_of(lambda world, one, sid, content: True)), "Confirmations are refused."),
    ("interface_of_ree_suffices", "TUI-09", "missing", "environment", TOLD, forgives("rich environment"),
     "An interface that the rich environment draws suffices."),
    ("interface_by_flag_alone", "TUI-09", "absent", "claim", TOLD,
     accepts(lambda world, further, flags: bool(cbor.decode(flags) & FLAG)), "Flag 8 stands for the claim."),
    ("interface_with_last_refused", "TUI-04", "false reject", "last confirmation", TOLD,
     refuses(lambda world, further, flags: bool(further) and len(cbor.split_sequence(further)[1]) > 60),
     "Evidence that tells the last confirmation is refused."),
)  # fmt: skip


def interface_faults() -> Iterator[Fault]:
    """All faults about trusted user interfaces."""
    for name, requirement, operator, what, check, judge, sentence in _JUDGING:
        yield fault(name, sentence, requirement, operator, what, SERVICE, judges={check: judge})
    further = EVIDENCE["I"].further
    for name, requirement, what, seams, sentence in (
        ("interface_flag_not_set", "TUI-09", "flag 8", {I.flags: number(lambda flags: flags & ~FLAG)},
         "A device with a trusted user interface does not say so."),
        ("interface_claim_not_made", "TUI-09", "claim", {further: lambda run, honest: b""},
         "Evidence does not tell the user interface."),
        ("interface_told_as_ree", "TUI-04", "environment", {further: _ree},
         "Evidence tells the trusted user interface as one of the rich environment."),
        ("interface_key_not_told", "TUI-04", "thumbprint", {further: _keyless}, "Evidence names no confirmation key."),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, "wrong value", what, DEVICE, lies=seams)
