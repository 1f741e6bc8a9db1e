"""A verifier on a pair of streams: `len : u24 big-endian | request`, answered by the same, in the order of requests."""

from __future__ import annotations

import os

from ...model.refusals import VerifierError
from ..transport.errors import FrameError
from ..transport.frames import FrameReader, write_frame
from .appraisal import MAX_REQUEST, Verifier, error

_CHUNK = 1 << 16


def serve(verifier: Verifier, source: int, sink: int) -> None:
    """Answer until the stream of the descriptor `source` ends, or announces a request that is too long.

    After that nothing can be read any more: where the next request begins is unknown.
    """
    reader = FrameReader(MAX_REQUEST if "request_is_bounded" not in verifier.off else 1 << 24)
    while data := os.read(source, _CHUNK):
        try:
            for request in reader.feed(data):
                _write(sink, write_frame(verifier.answer(request)))
        except FrameError:
            _write(sink, write_frame(error(VerifierError.MALFORMED)))
            return


def _write(sink: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sink, rest) :]
