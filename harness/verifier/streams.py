"""A verifier on a pair of streams: `len : u24 big-endian | request`, answered by the same, in the order of requests."""

from __future__ import annotations

import os
import select
import time

from ...model.refusals import VerifierError
from ...spec import identifiers
from ..transport.errors import FrameError
from ..transport.frames import FrameReader, write_frame
from .appraisal import MAX_REQUEST, Verifier, error

SECONDS: int = identifiers()["verifier"]["request_seconds"]
_CHUNK = 1 << 16


def serve(verifier: Verifier, source: int, sink: int, seconds: float = SECONDS) -> None:
    """Answer until the stream of the descriptor `source` ends, announces a request that is too long, or stands still in
    the middle of one: `seconds` bound a request, from its first octet on.

    After that nothing can be read any more: where the next request begins is unknown.
    """
    reader = FrameReader(MAX_REQUEST if "request_is_bounded" not in verifier.off else 1 << 24)
    begun: float | None = None
    while _comes(source, None if begun is None else begun + seconds) and (data := os.read(source, _CHUNK)):
        came = time.monotonic()
        try:
            for request in reader.feed(data):
                begun = None
                _write(sink, write_frame(verifier.answer(request)))
        except FrameError:
            _write(sink, write_frame(error(VerifierError.MALFORMED)))
            return
        begun = (begun or came) if reader.pending else None


def _comes(source: int, until: float | None) -> bool:
    """Whether octets, or the end, come before that moment of the monotonic clock."""
    patience = None if until is None else max(0.0, until - time.monotonic())
    return bool(select.select([source], [], [], patience)[0])


def _write(sink: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
