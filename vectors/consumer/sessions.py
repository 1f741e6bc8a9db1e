"""A whole session over EDHOC, read with both ephemeral keys and judged as one of its peers does."""

from __future__ import annotations

import hashlib
from typing import Any

from . import appraisal, channel, grammar, hello, labels
from .edhoc import SUITES, Reader, kdf
from .refusal import Refused, ensure
from .strict import dump, load

OTHER = {"device": "service", "service": "device"}
HELLO, ATT_REQ, ATT, VERDICT, DATA, ALERT, CLOSE, PING, RECEIPT, PONG = range(1, 11)
RULES = {
    HELLO: "frame_hello", ATT_REQ: "frame_att_req", ATT: "frame_att", VERDICT: "frame_verdict", DATA: "frame_data",
    ALERT: "frame_alert", CLOSE: "frame_close", PING: "frame_ping", RECEIPT: "frame_receipt", PONG: "frame_pong",
}  # fmt: skip
OPENING = [
    ("service", HELLO),
    ("device", HELLO),
    ("service", ATT),
    ("device", VERDICT),
    ("device", ATT),
    ("service", VERDICT),
]
"""Frames up to OPEN, where both sides attest."""


class Session:
    """What one peer knows while the session goes on."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given, self.judge = given, given["judge"]
        self.handshake = Reader(given)
        self.streams: dict[str, tuple[bytes, bytes]] = {}
        self.numbers = {"device": 0, "service": 0}
        self.pending = {"device": b"", "service": b""}
        self.opening = 0
        self.frames: list[list[Any]] = []
        self.hellos: dict[str, bytes] = {}
        self.nonce: dict[str, bytes] = {}
        self.epoch = {"device": 0, "service": 0}
        self.asked: set[str] = set()
        self.shown: set[str] = set()
        self.bootcount = 0
        self.attestation_key = b""
        self.environment, self.environment_iat = "", 0
        self.last_sequence, self.seen = -1, list[str]()
        self.unanswered: dict[str, list[int]] = {"device": [], "service": []}
        self.sent = {"device": 0, "service": 0}
        self.pings: dict[str, list[bytes]] = {"device": [], "service": []}
        self.closed: set[str] = set()

    # --- units -------------------------------------------------------------------------------------------------------

    def unit(self, sender: str, octets: bytes) -> None:
        """One unit."""
        kind, payload = octets[4], octets[5:]
        if kind == 1:
            number = len([name for name in ("th_2", "th_3", "th_4", "plaintext_4") if name in self.handshake.found])
            ensure(number < 4 and not self.streams, "a message after the handshake")
            step = 1 if not hasattr(self.handshake, "g_x") else number + 1 if number else 2
            getattr(self.handshake, f"message_{step}")(payload)
            if step == 4:
                self._established()
            return
        ensure(kind == 3 and self.streams, "no record")
        suite = SUITES[self.given["suites"][0]]
        key, iv = self.streams[sender]
        number = self.numbers[sender]
        given = {"suite": self.given["suites"][0], "key": key.hex(), "iv": iv.hex(), "limit": 1 << 20}
        self.numbers[sender] = number + 1
        self.pending[sender] += channel.open_record(given, number, payload, suite)
        self._cut(sender)

    def _established(self) -> None:
        suite = SUITES[self.given["suites"][0]]
        secret = self.handshake.found["prk_exporter"]

        def export(label: int, length: int) -> bytes:
            return kdf(suite, secret, label, b"", length)

        self.streams = {
            "device": (export(41070, suite.key), export(41072, suite.nonce)),
            "service": (export(41071, suite.key), export(41073, suite.nonce)),
        }
        self.sid = export(41075, 16)

    def _cut(self, sender: str) -> None:
        while len(self.pending[sender]) >= 3:
            length = int.from_bytes(self.pending[sender][:3], "big")
            ensure(length <= channel.FRAME[self.opening == len(OPENING)], "a frame that is too long", "alert:13")
            if len(self.pending[sender]) < 3 + length:
                return
            frame, self.pending[sender] = self.pending[sender][3 : 3 + length], self.pending[sender][3 + length :]
            self.frame(sender, frame)

    # --- frames ------------------------------------------------------------------------------------------------------

    def frame(self, sender: str, octets: bytes) -> None:
        """One frame."""
        item = load(octets)
        ensure(isinstance(item, list) and len(item) == 2 and type(item[0]) is int, "no frame", "alert:11")
        kind, body = item
        self.frames.append([sender, kind])
        if kind >= 128:
            return
        ensure(kind in RULES, "a type that does not exist", "alert:10")
        self._expected(sender, kind)
        if sender == self.judge:
            self._own(kind, body, octets)
            return
        if kind not in (HELLO, ATT, DATA, VERDICT):
            ensure(grammar.rule(RULES[kind])(item), "grammar", "alert:11")
        {
            HELLO: self._hello, ATT_REQ: self._request, ATT: self._evidence, VERDICT: self._verdict, DATA: self._data,
            PING: self._ping, RECEIPT: self._receipt, PONG: self._pong, ALERT: self._nothing, CLOSE: self._nothing,
        }[kind](sender, body, octets)  # fmt: skip

    def _expected(self, sender: str, kind: int) -> None:
        if self.opening < len(OPENING) and OPENING[self.opening] == (sender, kind):
            self.opening += 1
            return
        peer, is_open = OTHER[sender], self.opening == len(OPENING)
        allowed = {PING, PONG, ALERT, CLOSE} if self.opening >= 2 else {ALERT}
        if is_open:
            allowed |= {DATA, RECEIPT}
            if sender not in self.asked:
                allowed.add(ATT_REQ)
            if peer in self.asked and sender not in self.shown:
                allowed.add(ATT)
            if peer in self.shown and sender in self.asked:
                allowed.add(VERDICT)
        ensure(kind in allowed, "a frame that the state does not allow", "alert:10")

    def _own(self, kind: int, body: Any, octets: bytes) -> None:
        """What the judging peer sent itself: known to be right."""
        if kind == HELLO:
            self.hellos[self.judge], self.nonce[self.judge] = octets, body[2]
        elif kind == ATT_REQ:
            self.asked.add(self.judge)
            self.nonce[self.judge] = body[2]
        elif kind == DATA:
            self.unanswered[self.judge].append(self.sent[self.judge])
            self.sent[self.judge] += 1
        elif kind == PING:
            self.pings[self.judge].append(body[1])
        elif kind == ATT and OTHER[self.judge] in self.asked:
            self.shown.add(self.judge)
        elif kind == VERDICT and OTHER[self.judge] in self.shown:
            self.shown.discard(OTHER[self.judge])
            self.asked.discard(self.judge)

    def _nothing(self, sender: str, body: Any, octets: bytes) -> None:
        """ALERT and CLOSE end the session."""

    def _hello(self, sender: str, body: Any, octets: bytes) -> None:
        given = {**self.given, "frame": octets.hex(), "max_age": self.given["revocation_max_age"]}
        ensure(hello.hello(given)["direction"] == "attests", "this reader knows sessions with evidence alone")
        self.hellos[sender], self.nonce[sender] = octets, body[2]

    def _request(self, sender: str, body: Any, octets: bytes) -> None:
        ensure(body[1] == self.epoch[self.judge] + 1, "epoch", "alert:25")
        self.asked.add(sender)
        self.epoch[self.judge] += 1
        self.nonce[sender] = body[2]

    def _evidence(self, sender: str, body: Any, octets: bytes) -> None:
        again = self.judge in self.asked
        epoch = self.epoch[sender] + again
        ensure(isinstance(body, dict) and {1, 2} <= set(body) <= {1, 2, 3}, "grammar of ATT", "alert:11")
        ensure(body[1] == epoch, "epoch", "alert:25")
        endorsements = dump(body[3]).hex() if 3 in body else ""
        given = {
            **self.given,
            "cmw": body[2].hex(),
            "endorsements": endorsements,
            "binder": self._binder(sender, epoch),
        }
        appraisal.eat(given)
        token = load(load(body[2])[1])
        self.bootcount, self.epoch[sender] = load(token.value[2])[267], epoch
        chain = token.value[1][33]
        self.attestation_key = chain if isinstance(chain, bytes) else chain[0]
        self.environment = ""
        if again:
            self.shown.add(sender)

    def _binder(self, attester: str, epoch: int) -> str:
        leaf, own = (hashlib.sha256(bytes.fromhex(self.given[name])).digest() for name in ("leaf", "own"))
        both = hashlib.sha256(self.hellos["device"] + self.hellos["service"]).digest()
        role = 0 if attester == "device" else 1
        context = dump(["tc1-binder", role, epoch, self.nonce[OTHER[attester]], leaf, own, both])
        suite = SUITES[self.given["suites"][0]]
        return kdf(suite, self.handshake.found["prk_exporter"], 41074, hashlib.sha256(context).digest(), 32).hex()

    def _verdict(self, sender: str, body: Any, octets: bytes) -> None:
        ensure(isinstance(body, dict) and {1, 3, 4} <= set(body) <= {1, 2, 3, 4}, "grammar of VERDICT", "alert:11")
        ensure(all(type(body[key]) is int and body[key] >= 0 for key in (1, 3, 4)), "grammar of VERDICT", "alert:11")
        ensure(body[1] in (2, 32, 96), "tier", "alert:10")
        ensure(body[3] == self.epoch[self.judge], "epoch", "alert:25")
        ensure(body[4] > 0, "no validity", "alert:11")
        if sender in self.asked:
            self.shown.discard(self.judge)
            self.asked.discard(sender)

    def _data(self, sender: str, body: Any, octets: bytes) -> None:
        given = {
            **self.given, "frame": octets.hex(), "sid": self.sid.hex(), "epoch": self.epoch[sender],
            "bootcount": self.bootcount, "attestation_key": self.attestation_key.hex(), "environment": self.environment,
            "environment_iat": self.environment_iat, "last_sequence": self.last_sequence, "seen": self.seen,
        }  # fmt: skip
        labels.label(given)
        said = load(load(octets)[1][2].value[0])
        self.last_sequence = said[labels.LABEL_MAP][3]
        self.seen.append(said[15][7].hex())
        self.environment = said[labels.LABEL_MAP][1].hex()

    def _ping(self, sender: str, body: Any, octets: bytes) -> None:
        """It is answered."""

    def _pong(self, sender: str, body: Any, octets: bytes) -> None:
        mine = self.pings[self.judge]
        if not mine or mine.pop(0) != body[1]:
            raise Refused("answers no PING", "alert:10")

    def _receipt(self, sender: str, body: Any, octets: bytes) -> None:
        mine = self.unanswered[self.judge]
        if not mine or mine.pop(0) != body[1]:
            raise Refused("answers no DATA", "alert:10")


def session(given: dict[str, Any]) -> dict[str, Any]:
    """Operation `session`."""
    found = Session(given)
    for sender, unit in [*given["handshake"], *given["units"]]:
        found.unit(sender, bytes.fromhex(unit))
    return {"sid": found.sid.hex(), "frames": found.frames}
