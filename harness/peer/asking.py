"""A reference peer that has evidence judged by a verifier, and how it reaches one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from ...model.protocol.asking import asking, asking_profile
from ...model.protocol.background import RESULT, result_checks
from ...model.protocol.frames import SIDES
from ...model.table import ASKED, Message, Table
from ...spec import identifiers
from ..codec import cbor
from ..evaluator.errors import CheckFailed, GrammarError
from ..identity.errors import Unanswered
from ..identity.world import World
from .binding import DEFAULT
from .endpoint import Endpoint
from .evidence import kinds_of_evidence

_MEDIA_TYPES = identifiers()["media_type"]
REQUEST_TYPE: str = _MEDIA_TYPES["verifier_request"]
REPLY_TYPE: str = _MEDIA_TYPES["verifier_reply"]
SECONDS = 5.0
"""Real time that a verifier has for an answer."""
MOST = 1 << 16
"""Octets of a reply that are read."""

Ask = Callable[[bytes], bytes]
"""From a request to a reply. Raises Unanswered."""


class AskingEndpoint(Endpoint):
    """Forwards evidence to a verifier and waits for its result, which decides; without one it refuses."""

    def __init__(
        self, role: Any, world: World, *, ask: Ask, table: Table | None = None, binding: str = DEFAULT, **options: Any
    ) -> None:
        table = asking(table) if table else asking_profile(binding)
        super().__init__(role, world, table=table, binding=binding, **options)
        self._ask = ask

    def choose_evidence(self, hello: bytes) -> None:
        """Of the table for that evidence, the one of peers that ask."""
        before = self.table
        super().choose_evidence(hello)
        if self.table is not before:
            kinds = kinds_of_evidence(self.world.policy, self.letter, hello)
            self.table = self.machine.table = self.tam.table = asking_profile(self.binding, kinds)

    def _send(self, message: Message, data: bytes) -> None:
        if message.channel == ASKED and message.name.endswith(self.peer):
            self._judge(data)
        else:
            super()._send(message, data)

    def _judge(self, question: bytes) -> None:
        try:
            self.step(RESULT[self.peer].message, self._ask(question))
        except (GrammarError, cbor.CborError, Unanswered) as error:
            if "result_is_given" not in self.off:
                raise CheckFailed("result_is_given", str(error)) from error
            self._take_for_granted()

    def _take_for_granted(self) -> None:
        """What a peer without the check does: it goes on as if a result had come, and been good."""
        run, off = self.run, self.run.off
        run.off = off.union(step.check.name for step in result_checks(SIDES[self.peer]))
        try:
            self.step(RESULT[self.peer].message, None)
        finally:
            run.off = off


class HttpVerifier:
    """A verifier at a URL."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self._url, self._seconds = urlsplit(url), seconds

    def __call__(self, request: bytes) -> bytes:
        """Raises Unanswered."""
        import http.client  # Few peers ask.

        url = self._url
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": REQUEST_TYPE, "Accept": REPLY_TYPE}
        try:
            with closing(kind(url.hostname or "", url.port, timeout=self._seconds)) as connection:
                connection.request("POST", url.path or "/", request, headers)
                response = connection.getresponse()
                content = response.read(MOST)
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"the verifier does not answer: {error}") from error
        if response.status != 200:
            raise Unanswered(f"the verifier answered with HTTP status {response.status}")
        return content
