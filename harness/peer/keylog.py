"""Secrets of sessions in a file, so that tools can read captures: `LABEL context secret` a line, hex (RFC 9850).

TLS 1.3 has the labels of that RFC, with ClientHello.random as context. For EDHOC these are ours, with G_X of message_1
as context and the names of RFC 9528: KEYSTREAM_2, and K, IV and TH of message_3 and message_4. `EDHOC_RECORD_KEY_I` and
its like are keys and ivs of the record layer, by the sender's letter. Who knows TLS alone passes over them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...model.protocol.channel import TRAFFIC_IV, TRAFFIC_KEY
from ...model.protocol.edhoc import G_X, handshake
from ...model.terms import Term
from ..evaluator.errors import CheckFailed, Unbound
from ..evaluator.makers import keystream
from ..evaluator.run import Run

_MESSAGE_2, _MESSAGE_3, _MESSAGE_4 = (
    term.args[0] for term in (getattr(handshake(0), f"message_{n}") for n in (2, 3, 4))
)
_STREAM = _MESSAGE_2.args[1]


def _sealed(number: int, message: Term) -> dict[str, Term]:
    """Key, nonce and transcript hash of an EDHOC message that an AEAD protects."""
    key, nonce, associated, _ = message.args
    transcript = associated.args[2].args[0]
    return {f"EDHOC_K_{number}": key, f"EDHOC_IV_{number}": nonce, f"EDHOC_TH_{number}": transcript}


SECRETS: dict[str, Term] = {
    **_sealed(3, _MESSAGE_3),
    **_sealed(4, _MESSAGE_4),
    **{f"EDHOC_RECORD_KEY_{letter}": term for letter, term in TRAFFIC_KEY.items()},
    **{f"EDHOC_RECORD_IV_{letter}": term for letter, term in TRAFFIC_IV.items()},
}
"""Label to the term of the table whose octets it stands for; beside it, EDHOC_KEYSTREAM_2."""


class KeyLog:
    """A file that grows by one line at a time, whoever else writes to it; only its owner can read it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path.absolute()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, label: str, context: bytes, secret: bytes) -> None:
        """One line. Raises OSError."""
        self.add_line(f"{label} {context.hex()} {secret.hex()}".encode())

    def add_line(self, line: bytes) -> None:
        """One line, as a library made it. Raises OSError."""
        os.write(self._file, line + b"\n")

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._file)


class EdhocKeys:
    """What one end of an EDHOC session knows, written as it comes to know it."""

    def __init__(self, log: KeyLog, run: Run) -> None:
        self._log, self._run = log, run
        self._written: set[str] = set()

    def write(self) -> None:
        """What was not known before. Raises OSError."""
        for label, secret in self._known():
            self._log.add(label, self._run.value(G_X), secret)
            self._written.add(label)

    def _known(self) -> Iterator[tuple[str, bytes]]:
        for label in ("EDHOC_KEYSTREAM_2", *SECRETS):
            if label not in self._written:
                try:
                    yield label, self._value(label)
                except (Unbound, ValueError, CheckFailed):
                    return

    def _value(self, label: str) -> bytes:
        run = self._run
        if label in SECRETS:
            value: bytes = run.value(SECRETS[label])
            return value
        return keystream(run, _STREAM, len(run.value(_STREAM.args[2])))
