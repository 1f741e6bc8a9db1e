"""The evaluator: terms of the model to octets and back, and the interpreter that runs a role of the table.

Every value is octets: bare for keys, hashes and shares, encoded for CBOR items; an absent optional item is empty.
Private keys are handles that only their owner can use.
"""

from . import makers, matchers  # noqa: F401 (registers the implementations of the model's symbols)
from .registry import require_complete

require_complete()
