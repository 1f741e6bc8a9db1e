"""Commands to a TPM 2.0 over a stream socket, as many as a peer and its provisioning need.

Source: TCG TPM 2.0 Library part 3 (commands), part 1 section 18 (headers and sessions). Every answer is bounded, and
one that is not whole ends the connection.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from .structures import NULL, SHA256, Reader, sized, write_selections

NO_SESSIONS, SESSIONS = 0x8001, 0x8002
OWNER, NULL_HANDLE, PASSWORD, ENDORSEMENT = 0x40000001, 0x40000007, 0x40000009, 0x4000000B
POLICY_SESSION: Final = 0x01
NULL_ALG, SHA256_ALG = NULL, SHA256
MAX_ANSWER: Final = 4096
WAIT: Final = 20.0
"""Seconds for any one answer: the slowest command makes a primary key."""
RETRY: Final = 0x922
"""TPM_RC_RETRY: the command was not started, because something else of the module's came first."""
TRIES: Final = 3


class Code:
    """TPM_CC."""

    CREATE_PRIMARY = 0x131
    STARTUP = 0x144
    SHUTDOWN = 0x145
    ACTIVATE_CREDENTIAL = 0x147
    CERTIFY = 0x148
    NV_READ = 0x14E
    POLICY_SECRET = 0x151
    QUOTE = 0x158
    SIGN = 0x15D
    FLUSH_CONTEXT = 0x165
    NV_READ_PUBLIC = 0x169
    START_AUTH_SESSION = 0x176
    PCR_READ = 0x17E
    POLICY_PCR = 0x17F
    PCR_EXTEND = 0x182
    POLICY_GET_DIGEST = 0x189
    READ_CLOCK = 0x181


class TpmError(Exception):
    """The module refused a command; `code` is its TPM_RC, 0 where it did not answer at all."""

    def __init__(self, what: str, code: int = 0) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True)
class Session:
    """An authorization: the empty password, or a policy session."""

    handle: int = PASSWORD
    keep: bool = False

    def encode(self) -> bytes:
        """TPMS_AUTH_COMMAND with an empty nonce and an empty value."""
        return _u32(self.handle) + sized(b"") + bytes([1 if self.keep else 0]) + sized(b"")


EMPTY_PASSWORD: Final = Session()


class Tpm:
    """One connection; commands go one after the other."""

    handle = 0
    """What the last command that makes an object or a session gave."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(WAIT)

    def close(self) -> None:
        """End the connection; a module that serves it alone ends with it."""
        self._connection.close()

    def call(
        self, code: int, handles: Sequence[int] = (), parameters: bytes = b"", sessions: Iterable[Session] = ()
    ) -> Reader:
        """One command; its answer's parameters, behind them what sessions add. Raises TpmError."""
        for attempt in range(TRIES):
            try:
                return self._call(code, handles, parameters, tuple(sessions))
            except TpmError as error:
                if error.code != RETRY or attempt == TRIES - 1:
                    raise
        raise AssertionError(TRIES)

    def _call(self, code: int, handles: Sequence[int], parameters: bytes, sessions: tuple[Session, ...]) -> Reader:
        answer = Reader(self._answer(code, handles, parameters, sessions), MAX_ANSWER)
        tag, _, result = answer.number(2), answer.number(4), answer.number(4)
        if result:
            raise TpmError(f"command {code:#x}: the module answers {result:#x}", result)
        if code in _GIVES_HANDLE:
            self.handle = answer.number(4)
        if tag == SESSIONS:
            answer = Reader(answer.take(answer.number(4)), MAX_ANSWER)
        return answer

    def _answer(self, code: int, handles: Sequence[int], parameters: bytes, sessions: tuple[Session, ...]) -> bytes:
        area = b"".join(session.encode() for session in sessions)
        body = b"".join(map(_u32, handles)) + (_u32(len(area)) + area if sessions else b"") + parameters
        tag = SESSIONS if sessions else NO_SESSIONS
        try:
            self._connection.sendall(_u16(tag) + _u32(10 + len(body)) + _u32(code) + body)
            head = self._receive(10)
            length = int.from_bytes(head[2:6], "big")
            if not 10 <= length <= MAX_ANSWER:
                raise TpmError(f"command {code:#x}: an answer of {length} octets")
            return head + self._receive(length - 10)
        except OSError as error:
            raise TpmError(f"command {code:#x}: the module does not answer ({error})") from error

    def _receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = self._connection.recv(length - len(data))
            if not part:
                raise TpmError("the module has ended")
            data += part
        return bytes(data)

    # --- start and registers -----------------------------------------------------------------------------------------

    def startup(self) -> None:
        """TPM2_Startup(CLEAR), as a platform that was switched on."""
        self.call(Code.STARTUP, (), _u16(0))

    def shutdown(self) -> None:
        """TPM2_Shutdown(CLEAR)."""
        self.call(Code.SHUTDOWN, (), _u16(0))

    def extend(self, index: int, digest: bytes) -> None:
        """Extend a PCR of the SHA-256 bank by 32 octets."""
        values = _u32(1) + _u16(SHA256_ALG) + digest
        self.call(Code.PCR_EXTEND, (index,), values, (EMPTY_PASSWORD,))

    def read_pcrs(self, indices: Iterable[int]) -> dict[int, bytes]:
        """Values of the SHA-256 bank, 32 octets each, asked for eight at a time."""
        wanted, values = sorted(indices), dict[int, bytes]()
        for start in range(0, len(wanted), 8):
            some = wanted[start : start + 8]
            answer = self.call(Code.PCR_READ, (), write_selections([(SHA256_ALG, some)]))
            answer.take(4)  # update counter
            answer.take(answer.expect(4, 1) * 6)
            if answer.number(4) != len(some):
                raise TpmError("PCRs that were asked for are not there")
            values.update({index: answer.sized(32) for index in some})
        return values

    def reset_count(self) -> int:
        """How often the module has been reset since its owner was last cleared."""
        answer = self.call(Code.READ_CLOCK)
        answer.take(8 + 8)
        return answer.number(4)

    # --- keys --------------------------------------------------------------------------------------------------------

    def create_primary(self, hierarchy: int, template: bytes) -> tuple[int, bytes]:
        """A primary key from a public template; its handle and its public area."""
        parameters = sized(sized(b"") + sized(b"")) + sized(template) + sized(b"") + _u32(0)
        answer = self.call(Code.CREATE_PRIMARY, (hierarchy,), parameters, (EMPTY_PASSWORD,))
        return self.handle, answer.sized(512)

    def flush(self, handle: int) -> None:
        """Forget a transient object or a session."""
        self.call(Code.FLUSH_CONTEXT, (), _u32(handle))

    def read_nv(self, index: int) -> bytes:
        """The content of an NV index that its own empty password reads. Raises TpmError where there is none."""
        public = Reader(self.call(Code.NV_READ_PUBLIC, (index,)).sized(64))
        public.take(4 + 2 + 4)
        public.sized(64)
        size, data = public.number(2), b""
        while len(data) < size:
            part = min(size - len(data), 512)
            parameters = _u16(part) + _u16(len(data))
            data += self.call(Code.NV_READ, (index, index), parameters, (EMPTY_PASSWORD,)).sized(512)
        return data

    # --- signatures --------------------------------------------------------------------------------------------------

    def sign(self, handle: int, digest: bytes, session: Session = EMPTY_PASSWORD) -> bytes:
        """TPMT_SIGNATURE over a digest by an unrestricted key with a scheme of its own."""
        ticket = _u16(0x8024) + _u32(NULL_HANDLE) + sized(b"")
        return self.call(Code.SIGN, (handle,), sized(digest) + _u16(NULL_ALG) + ticket, (session,)).rest()

    def quote(self, handle: int, extra: bytes, indices: Iterable[int]) -> tuple[bytes, bytes]:
        """TPMS_ATTEST over PCRs of the SHA-256 bank, and its TPMT_SIGNATURE."""
        selection = write_selections([(SHA256_ALG, indices)])
        answer = self.call(Code.QUOTE, (handle,), sized(extra) + _u16(NULL_ALG) + selection, (EMPTY_PASSWORD,))
        return answer.sized(1024), answer.rest()

    def certify(self, subject: int, handle: int, extra: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST of another key, signed by `handle`, and its TPMT_SIGNATURE."""
        parameters = sized(extra) + _u16(NULL_ALG)
        answer = self.call(Code.CERTIFY, (subject, handle), parameters, (EMPTY_PASSWORD, EMPTY_PASSWORD))
        return answer.sized(1024), answer.rest()

    # --- policies ----------------------------------------------------------------------------------------------------

    @contextmanager
    def policy(self) -> Iterator[Session]:
        """A policy session with SHA-256, neither bound nor salted; afterwards it is forgotten."""
        parameters = sized(bytes(16)) + sized(b"") + bytes([POLICY_SESSION]) + _u16(NULL_ALG) + _u16(SHA256_ALG)
        self.call(Code.START_AUTH_SESSION, (NULL_HANDLE, NULL_HANDLE), parameters)
        session = Session(self.handle, keep=True)
        try:
            yield session
        finally:
            self.flush(session.handle)

    def policy_secret(self, session: Session, hierarchy: int) -> None:
        """Satisfy a policy by the authorization of a hierarchy."""
        parameters = sized(b"") * 3 + _u32(0)
        self.call(Code.POLICY_SECRET, (hierarchy, session.handle), parameters, (EMPTY_PASSWORD,))

    def policy_pcr(self, session: Session, indices: Iterable[int]) -> None:
        """Tie a policy to the present values of PCRs of the SHA-256 bank."""
        self.call(Code.POLICY_PCR, (session.handle,), sized(b"") + write_selections([(SHA256_ALG, indices)]))

    def policy_digest(self, session: Session) -> bytes:
        """What an object's authPolicy must be for the session to authorize its use, 32 octets."""
        return self.call(Code.POLICY_GET_DIGEST, (session.handle,)).sized(32)

    def activate_credential(self, key: int, endorsement: int, blob: bytes, secret: bytes) -> bytes:
        """What a credential conceals, if `key` is the one that it names and `endorsement` can read it."""
        parameters = sized(blob) + sized(secret)
        with self.policy() as session:
            self.policy_secret(session, ENDORSEMENT)
            sessions = (EMPTY_PASSWORD, session)
            return self.call(Code.ACTIVATE_CREDENTIAL, (key, endorsement), parameters, sessions).sized(64)


_GIVES_HANDLE: Final = frozenset({Code.CREATE_PRIMARY, Code.START_AUTH_SESSION})


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")
