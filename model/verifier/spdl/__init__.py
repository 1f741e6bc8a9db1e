"""SPDL, Scyther's notation for protocols: read a file, get a protocol and its claims.

`load(text)` gives a `Model`. Everything that is not supported is refused with its line and column; nothing is skipped
silently, except what says nothing about any number of runs of a protocol: claims of kind `Empty` and `SID`, and the
words `knows`, `run`, `option`, `singular` and `symmetric-role`.
"""

from __future__ import annotations

from .lexer import SpdlError
from .translate import Model, SpdlClaim, load

__all__ = ["Model", "SpdlClaim", "SpdlError", "load"]
