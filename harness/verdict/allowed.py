"""What a correct implementation may answer when a check fails: its refusal, and what the specification tolerates."""

from dataclasses import dataclass

from ...model.checks import Channel, Check
from ...spec import refusals


@dataclass(frozen=True, slots=True)
class Allowed:
    """Actions as `Outcome.action` names them; `because` is the requirement whose sentence tolerates the others."""

    specified: frozenset[str]
    tolerated: frozenset[str]
    because: str


def allowed_refusals(check: Check, *, handshake: bool) -> Allowed:
    """The actions allowed for `check`, before (`handshake`) or after the handshake is complete."""
    channel = check.refusal.channel
    rule = refusals().rule(check.name, channel.value)
    own = "close" if channel is Channel.SILENT else f"{channel.value}:{check.refusal.code}"
    specified = frozenset(rule.specified or (own,))
    return Allowed(specified, frozenset(rule.tolerates(handshake=handshake)) - specified, rule.because)
