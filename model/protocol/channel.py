"""The protected channel: its keys are exporter terms, whatever the binding."""

from ..symbols import export
from ..terms import Term
from .attestation import CHANNEL_SECRET, EMPTY

TRAFFIC_KEY: dict[str, Term] = {
    "I": export(CHANNEL_SECRET, 41070, EMPTY, "key"),
    "R": export(CHANNEL_SECRET, 41071, EMPTY, "key"),
}
"""Record key by the sender's letter."""
TRAFFIC_IV: dict[str, Term] = {
    "I": export(CHANNEL_SECRET, 41072, EMPTY, "nonce"),
    "R": export(CHANNEL_SECRET, 41073, EMPTY, "nonce"),
}
"""Record initialisation vector by the sender's letter."""
