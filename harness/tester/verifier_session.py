"""Verifiers under test: one that runs by itself, on standard input and output or over HTTP, and one in this process."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from ...spec import identifiers
from ..crypto.random import SeededRandom, system_random
from ..deadline import Deadline
from ..faults import reference_verifier
from ..identity.tester import TesterPki
from ..iut.channel import ChannelClosed, ChannelTimeout
from ..iut.description import Description
from ..iut.frame_channel import FrameChannel
from ..iut.launch import LaunchError
from ..iut.process import Exit, Process
from ..verifier import folder
from ..verifier.appraisal import MAX_REQUEST, Verifier
from ..verifier.ledger import Ledger
from .clock import TesterClock
from .session import NeedNotMet
from .verifier_iut import VerifierIut

START_TIME = 1_800_000_000
"""Unix seconds at which a verifier in this process is asked."""
_MEDIA_TYPES = identifiers()["media_type"]
REQUEST_TYPE: str = _MEDIA_TYPES["verifier_request"]
REPLY_TYPE: str = _MEDIA_TYPES["verifier_reply"]
PROOFS = ("crl", "ocsp", "short-lived")
MOST = 1 << 20
"""Octets of a reply that are read."""
SILENT, CLOSED = "silent", "close"
Sent = tuple[bytes | None, str]


class VerifierSession(VerifierIut):
    """The verifier that a description names. Evidence is made at `now`, unix seconds, by default when it is asked.

    One that keeps its own time keeps what it was asked, too: its binders are new ones in every run, and only the
    tester's decisions repeat from the seed.

    Raises on construction CredentialError for the tester's folder.
    """

    def __init__(self, description: Description, seed: int, now: int | None = None) -> None:
        self.description = description
        clock = TesterClock(now)
        pki = TesterPki.load(description.credentials.tester)
        anew = b"" if now is not None else system_random(16)
        super().__init__(pki, SeededRandom(f"tester/verifier/{seed}".encode() + anew), clock.now)
        self._url = urlsplit(description.wire.url) if description.wire.url else None
        self._process: Process | None = None
        self._ended: Exit | None = None
        """How it ended when it did so last."""
        self._channel: FrameChannel | None = None
        self._awake = self._mute = False

    def send(self, request: bytes) -> Sent:
        if self._url is not None:
            return self._post(request)
        try:
            reply = self._started().ask(request, self._patience())
        except ChannelTimeout:
            self._stop()
            self._mute = True
            return None, SILENT
        except ChannelClosed:
            return None, CLOSED
        finally:
            if len(request) > MAX_REQUEST:
                self._stop()  # It may end the stream (VER-08), sooner or later: the next request gets a new one.
        self._awake, self._mute = True, False
        return reply, ""

    def send_beside(self, request: bytes, begun: bytes) -> Sent:
        if self._url is None:
            raise NeedNotMet("on standard input and output there is one relying party")
        with closing(self._dial(self._url)) as other:
            head = f"POST {self._url.path or '/'} HTTP/1.1\r\nHost: {self._url.netloc}\r\n"
            head += f"Content-Type: {REQUEST_TYPE}\r\nContent-Length: {2 * len(begun)}\r\n\r\n"
            other.sendall(head.encode() + begun)
            return self._post(request)

    def restart(self) -> None:
        if self._url is not None:
            raise NeedNotMet("a verifier that was started elsewhere cannot be restarted from here")
        self._stop()
        self._started()

    def is_alive(self) -> bool:
        if self._process is not None:
            self._ended = self._process.poll()
        return self._ended is None or not self._ended.crashed

    def need_feature(self, name: str, value: object = True) -> None:
        declared = getattr(self.description.features, name)
        if not (value in declared if isinstance(declared, tuple) else declared == value):
            raise NeedNotMet(f"feature {name} is not declared as {value!r}")

    def close(self) -> None:
        self._stop()

    # --- standard input and output -----------------------------------------------------------------------------------

    def _started(self) -> FrameChannel:
        """The channel to it; one that has ended, as it may after what it cannot read on from, is started again."""
        if self._process is not None and self._process.poll() is not None:
            self._stop()
        if self._channel is None:
            assert self.description.wire.command is not None, "the description was checked"
            self._process = Process(self.description.wire.command, self.description.folder, talks=True)
            self._channel = FrameChannel(*self._process.pipes())
            self._awake = self._mute
        return self._channel

    def _patience(self) -> Deadline:
        """Who was just started has to come up first; but not again and again who says nothing then."""
        times = self.description.timeouts
        return Deadline.after(times.reply if self._awake else max(times.start, times.reply))

    def _stop(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._ended = self._process.stop(Deadline.after(self.description.timeouts.stop))
        self._channel = self._process = None

    # --- HTTP --------------------------------------------------------------------------------------------------------

    def _post(self, request: bytes) -> Sent:
        url = self._url
        assert url is not None
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": REQUEST_TYPE, "Accept": REPLY_TYPE}
        with closing(kind(url.hostname or "", url.port, timeout=self.description.timeouts.reply)) as connection:
            try:
                connection.connect()
            except OSError as error:
                raise LaunchError(f"{url.geturl()} cannot be reached: {error}") from error
            try:
                with suppress(BrokenPipeError, ConnectionResetError):  # It may answer before it has read everything.
                    connection.request("POST", url.path or "/", request, headers)
                response = connection.getresponse()
                content = response.read(MOST)
            except TimeoutError:
                return None, SILENT
            except (OSError, http.client.HTTPException):
                return None, CLOSED
        return (content, "") if response.status == 200 else (None, f"http:{response.status}")

    def _dial(self, url: SplitResult) -> socket.socket:
        port = url.port or (443 if url.scheme == "https" else 80)
        return socket.create_connection((url.hostname or "", port), self.description.timeouts.reply)


_APPRAISES: dict[str, tuple[object, ...]] = {
    "evidence_accepted": ("eat", "tpm2", "psa", "collection"), "revocation_proofs": PROOFS,
    "measurement_lists": (True,),
}  # fmt: skip


class LocalVerifier(VerifierIut):
    """The reference verifier in this process, with the faults that `off` names. `make` makes one."""

    def __init__(
        self,
        *,
        off: frozenset[str] = frozenset(),
        seed: bytes = b"local",
        ledger: Path | None = None,
        make: Callable[..., Verifier] = reference_verifier,
    ) -> None:
        super().__init__(TesterPki.from_seed(seed, START_TIME), SeededRandom(seed), lambda: START_TIME)
        self.off, self._make = off, make
        self._ledger = ledger
        self.verifier = self._verifier(Ledger(ledger))

    def send(self, request: bytes) -> Sent:
        return self.verifier.answer(request), ""

    def send_beside(self, request: bytes, begun: bytes) -> Sent:
        return self.send(request)

    def restart(self) -> None:
        """Its memory is a file where one was named, else what it holds in this process."""
        ledger = Ledger(self._ledger) if self._ledger else self.verifier.ledger
        self.verifier = self._verifier(ledger)

    def forget(self) -> None:
        """It has been asked about nothing."""
        self.verifier = self._verifier(Ledger(self._ledger))

    def _verifier(self, ledger: Ledger) -> Verifier:
        world = folder.make_world(self.pki.verifier(), folder.anchors(self.pki), self.now)
        held = {policy.id: policy for policy in folder.policies()}
        return self._make(world, held, ledger, folder.own_name(), off=self.off)

    def is_alive(self) -> bool:
        return True

    def need_feature(self, name: str, value: object = True) -> None:
        """The reference verifier appraises every kind of evidence, and judges every proof of status."""
        if value not in _APPRAISES.get(name, ()):
            raise NeedNotMet(f"feature {name} is not declared as {value!r}")

    def close(self) -> None:
        """Nothing runs."""
