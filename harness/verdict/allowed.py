"""What a correct implementation may answer when a check fails: its refusal, and what the specification tolerates."""

from dataclasses import dataclass

from ...model.checks import Check
from ...model.refusals import Channel
from ...spec import refusals


@dataclass(frozen=True, slots=True)
class Allowed:
    """Actions as `Outcome.action` names them; `because` is the requirement whose sentence tolerates the others."""

    specified: frozenset[str]
    tolerated: frozenset[str]
    because: str


CERTIFICATE_RULES = {"tls": "tls-certificate"}
"""Rule for checks of certificates by the binding that has one of its own."""
ANY_TLS_ALERT = "tls-alert:any"
TLS_ALERTS = frozenset(f"tls-alert:{code}" for code in range(1, 256) if code != 90)
"""Fatal alerts: all but close_notify and user_canceled (RFC 9846 section 6.1)."""


def allowed_refusals(check: Check, *, handshake: bool, certificates: str = "") -> Allowed:
    """The actions allowed for `check`, before (`handshake`) or after the handshake is complete.

    `certificates` names the rule for checks of certificates, where the binding has one of its own.
    """
    channel = check.refusal.channel
    if certificates and channel is Channel.EDHOC:
        rule = refusals().channels[certificates]
    else:
        rule = refusals().rule(check.name, channel.value)
    own = "close" if channel is Channel.SILENT else f"{channel.value}:{check.refusal.code}"
    specified = frozenset(rule.specified or (own,))
    tolerated = frozenset(rule.tolerates(handshake=handshake))
    if ANY_TLS_ALERT in tolerated:
        tolerated |= TLS_ALERTS
    return Allowed(specified, tolerated - specified, rule.because)
