"""The profile once more, literally: written from the chapters of the specification alone, and by other means.

Nothing here comes from the table, its evaluator or the reference peers: `hashlib`, `cryptography` and `cbor2` make the
octets, in the order in which they go over the wire. Where the table and this file disagree, one of them has misread the
specification. Suite 3, method 0, epoch 0; maps are written in the order that deterministic encoding wants.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HELLO, ATT, VERDICT, DATA, ALERT, CLOSE, PING, RECEIPT, PONG = 1, 3, 4, 5, 6, 7, 8, 9, 10
ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
INITIATOR, RESPONDER = 0, 1


class Mismatch(Exception):
    """The other side sent something else than the specification says here."""


@dataclass(frozen=True)
class Identity:
    """Certificates in DER, leaf first, and their keys; `proofs` and `measurements` are decoded."""

    chain: tuple[bytes, ...]
    key: ec.EllipticCurvePrivateKey
    ak_chain: tuple[bytes, ...]
    ak_key: ec.EllipticCurvePrivateKey
    proofs: Any
    platform: str
    uri: str
    measurements: Any
    now: int


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def b(data: bytes) -> bytes:
    """A byte string, encoded."""
    return cbor2.dumps(data)


def require(condition: bool, what: str) -> None:
    """Raises Mismatch unless the condition holds."""
    if not condition:
        raise Mismatch(what)


def kdf(prk: bytes, label: int, context: bytes, length: int) -> bytes:
    """EDHOC_KDF (RFC 9528 section 4.1.2) with HKDF-Expand and SHA-256."""
    info = cbor2.dumps(label) + b(context) + cbor2.dumps(length)
    return HKDFExpand(hashes.SHA256(), length, info).derive(prk)


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ES256: r || s."""
    r, s = decode_dss_signature(key.sign(message, ES256))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(certificate: bytes, signature: bytes, message: bytes) -> None:
    """Raises InvalidSignature."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ES256)


def x5chain(chain: tuple[bytes, ...]) -> Any:
    """RFC 9360: one certificate alone, several in an array."""
    return chain[0] if len(chain) == 1 else list(chain)


def first(chain: Any) -> bytes:
    """The leaf of an x5chain."""
    return bytes(chain if isinstance(chain, bytes) else chain[0])


def cose_key(certificate: bytes) -> dict[int, Any]:
    """COSE_Key of a certificate's P-256 key."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}


def cose_sign1(
    key: ec.EllipticCurvePrivateKey, protected: dict[int, Any], unprotected: Any, payload: bytes, aad: bytes
) -> Any:
    """Tagged COSE_Sign1 (RFC 9052 section 4.2)."""
    header = cbor2.dumps(protected)
    signature = sign(key, cbor2.dumps(["Signature1", header, aad, payload]))
    return cbor2.CBORTag(18, [header, unprotected, payload, signature])


class Peer:
    """One conversation. `write` and `read` are the transport: all octets out, some octets in."""

    def __init__(
        self, role: int, me: Identity, write: Callable[[bytes], None], read: Callable[[], bytes], ephemeral: int
    ) -> None:
        self.role, self.me, self.write, self.read = role, me, write, read
        self.ephemeral = ec.derive_private_key(ephemeral, ec.SECP256R1())
        self.share = self.ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)[1:]
        self.id_cred = cbor2.dumps({33: x5chain(me.chain)})
        self.received = self.stream = b""
        self.sent_records = self.received_records = 0
        self.hello = [b"", b""]

    def put(self, kind: int, payload: bytes) -> None:
        """len, kind, payload."""
        self.write(struct.pack(">IB", 1 + len(payload), kind) + payload)

    def take(self, kind: int) -> bytes:
        """The next unit, which must be of this kind."""
        while len(self.received) < 4 or len(self.received) < 4 + struct.unpack(">I", self.received[:4])[0]:
            self.received += self.read()
        end = 4 + struct.unpack(">I", self.received[:4])[0]
        unit, self.received = self.received[4:end], self.received[end:]
        require(unit[0] == kind, f"a unit of kind {unit[0]}: {unit[1:60].hex()}")
        return unit[1:]

    def handshake(self) -> None:
        """message_1 to message_4 as this role."""
        if self.role == INITIATOR:
            self.initiate()
        else:
            self.respond()
        self.exporter_key = kdf(kdf(self.prk, 7, self.th_4, 32), 10, b"", 32)
        keys = [(self.export(41_070 + who, b"", 16), self.export(41_072 + who, b"", 13)) for who in (0, 1)]
        self.my_keys, self.peer_keys = keys[self.role], keys[1 - self.role]

    def initiate(self) -> None:
        """RFC 9528 section 5 from the initiator's side."""
        message_1 = cbor2.dumps(0) + cbor2.dumps(3) + b(self.share) + b"\x00"
        self.put(1, message_1)
        message_2 = cbor2.loads(self.take(1))
        self.agree(message_2[:32], message_2[:32], message_1)
        plaintext_2 = self.mask(message_2[32:])
        c_r, id_cred_r, signature, ead = self.sequence(plaintext_2, 3)
        self.peer_leaf = first(id_cred_r[33])
        signed = self.tbs(2, cbor2.dumps(c_r), cbor2.dumps(id_cred_r), self.th_2, self.peer_leaf, ead)
        verify(self.peer_leaf, signature, signed)
        self.th_3 = sha256(b(self.th_2) + plaintext_2 + b(self.peer_leaf))
        tbs = self.tbs(6, b"", self.id_cred, self.th_3, self.me.chain[0])
        plaintext_3 = self.id_cred + b(sign(self.me.key, tbs))
        cipher, nonce, aad = self.inner(3, self.th_3)
        self.put(1, b(cipher.encrypt(nonce, plaintext_3, aad)))
        self.th_4 = sha256(b(self.th_3) + plaintext_3 + b(self.me.chain[0]))
        cipher, nonce, aad = self.inner(8, self.th_4)
        cipher.decrypt(nonce, cbor2.loads(self.take(1)), aad)

    def respond(self) -> None:
        """RFC 9528 section 5 from the responder's side."""
        message_1 = self.take(1)
        method, suites, g_x, *_ = self.sequence(message_1, 4)
        require(method == 0 and suites == 3, f"method {method}, suites {suites}")
        self.agree(g_x, self.share, message_1)
        tbs = self.tbs(2, b"\x01", self.id_cred, self.th_2, self.me.chain[0])
        plaintext_2 = b"\x01" + self.id_cred + b(sign(self.me.key, tbs))
        self.put(1, b(self.share + self.mask(plaintext_2)))
        self.th_3 = sha256(b(self.th_2) + plaintext_2 + b(self.me.chain[0]))
        cipher, nonce, aad = self.inner(3, self.th_3)
        plaintext_3 = cipher.decrypt(nonce, cbor2.loads(self.take(1)), aad)
        id_cred_i, signature, ead = self.sequence(plaintext_3, 2)
        self.peer_leaf = first(id_cred_i[33])
        signed = self.tbs(6, b"", cbor2.dumps(id_cred_i), self.th_3, self.peer_leaf, ead)
        verify(self.peer_leaf, signature, signed)
        self.th_4 = sha256(b(self.th_3) + plaintext_3 + b(self.peer_leaf))
        cipher, nonce, aad = self.inner(8, self.th_4)
        self.put(1, b(cipher.encrypt(nonce, b"", aad)))

    def agree(self, peer_share: bytes, g_y: bytes, message_1: bytes) -> None:
        """TH_2 and PRK_2e, which in method 0 is PRK_3e2m and PRK_4e3m too."""
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x02" + peer_share)
        self.th_2 = sha256(b(g_y) + b(sha256(message_1)))
        self.prk = hmac.digest(self.th_2, self.ephemeral.exchange(ec.ECDH(), point), "sha256")

    def mask(self, data: bytes) -> bytes:
        """XOR with KEYSTREAM_2."""
        return bytes(x ^ y for x, y in zip(data, kdf(self.prk, 0, self.th_2, len(data)), strict=True))

    def sequence(self, data: bytes, items: int) -> tuple[Any, ...]:
        """So many items of a CBOR sequence, and the octets of the EAD items behind them."""
        decoder = cbor2.CBORDecoder(io.BytesIO(data))
        values = [decoder.decode() for _ in range(items)]
        return (*values, data[sum(len(cbor2.dumps(value)) for value in values) :])

    def tbs(self, label: int, before: bytes, id_cred: bytes, th: bytes, cred: bytes, ead: bytes = b"") -> bytes:
        """What Signature_or_MAC_2 (label 2) or _3 (label 6) signs; `before` is what context_2 begins with: C_R."""
        mac = kdf(self.prk, label, before + id_cred + b(th) + b(cred) + ead, 32)
        return cbor2.dumps(["Signature1", id_cred, b(th) + b(cred) + ead, mac])

    def inner(self, label: int, th: bytes) -> tuple[AESCCM, bytes, bytes]:
        """Cipher, nonce and additional data of CIPHERTEXT_3 (label 3) or CIPHERTEXT_4 (label 8)."""
        key, nonce = kdf(self.prk, label, th, 16), kdf(self.prk, label + 1, th, 13)
        return AESCCM(key, 16), nonce, cbor2.dumps(["Encrypt0", b"", th])

    def export(self, label: int, context: bytes, length: int) -> bytes:
        """EDHOC_Exporter."""
        return kdf(self.exporter_key, label, context, length)

    def record(self, keys: tuple[bytes, bytes], number: int, length: int) -> tuple[AESCCM, bytes, bytes]:
        """Cipher, nonce and additional data of a record with so many octets of ciphertext."""
        nonce = (int.from_bytes(keys[1], "big") ^ number).to_bytes(13, "big")
        return AESCCM(keys[0], 16), nonce, b"\x03" + struct.pack(">I", 1 + length)

    def send(self, kind: int, body: Any) -> bytes:
        """One frame in one record; the frame."""
        frame = cbor2.dumps([kind, body])
        cipher, nonce, aad = self.record(self.my_keys, self.sent_records, 3 + len(frame) + 16)
        self.put(3, cipher.encrypt(nonce, struct.pack(">I", len(frame))[1:] + frame, aad))
        self.sent_records += 1
        return frame

    def receive(self, kind: int) -> Any:
        """The body of the next frame, which must be of this kind."""
        while len(self.stream) < 3 or len(self.stream) < 3 + int.from_bytes(self.stream[:3], "big"):
            payload = self.take(3)
            cipher, nonce, aad = self.record(self.peer_keys, self.received_records, len(payload))
            self.stream += cipher.decrypt(nonce, payload, aad)
            self.received_records += 1
        end = 3 + int.from_bytes(self.stream[:3], "big")
        frame, self.stream = self.stream[3:end], self.stream[end:]
        found, body = cbor2.loads(frame)
        if found >= 128:
            return self.receive(kind)
        require(found == kind, f"frame {found} {body} where {kind} is due")
        if kind == HELLO:
            self.hello[1 - self.role] = frame
        return body

    def send_hello(self, nonce: bytes) -> None:
        """HELLO that offers and accepts EAT and requires evidence."""
        body = {1: 1, 2: nonce, 3: [263], 4: [263], 5: 1, 6: 300, 7: 3600}
        self.hello[self.role] = self.send(HELLO, {**body, 8: self.me.proofs} if self.me.proofs else body)

    def binder(self, role: int, nonce: bytes) -> bytes:
        """The nonce of evidence in epoch 0; `nonce` is that of the relying party's HELLO."""
        leaves = {self.role: self.me.chain[0], 1 - self.role: self.peer_leaf}
        hello_hash = sha256(self.hello[INITIATOR] + self.hello[RESPONDER])
        context = ["tc1-binder", role, 0, nonce, sha256(leaves[role]), sha256(leaves[1 - role]), hello_hash]
        return self.export(41_074, sha256(cbor2.dumps(context)), 32)

    def token(self, kind: Any, payload: dict[int, Any], aad: bytes) -> Any:
        """A COSE_Sign1 by the attestation key."""
        protected = {1: -7, 16: kind, 34: [-16, sha256(self.me.ak_chain[0])]}
        unprotected = {33: x5chain(self.me.ak_chain)}
        return cose_sign1(self.me.ak_key, protected, unprotected, cbor2.dumps(payload), aad)

    def send_evidence(self, binder: bytes) -> None:
        """ATT with an EAT over this binder."""
        me = self.me
        claims = {
            6: me.now, 8: {1: cose_key(me.chain[0])}, 10: binder, 256: bytes.fromhex(me.platform.rpartition(":")[2]),
            263: 3, 265: "tag:trustconn.org,2026:tc1", 267: 1, 273: me.measurements,
            -71901: {1: False, 2: True, 3: True, 4: True},
        }  # fmt: skip
        eat = cbor2.dumps(self.token(263, claims, b"tc1-eat"))
        self.send(ATT, {1: 0, 2: cbor2.dumps([263, eat, 4])})

    def receive_evidence(self, binder: bytes) -> None:
        """ATT of the other side, judged where this file can judge it."""
        content_format, eat, indicator = cbor2.loads(self.receive(ATT)[2])
        require((content_format, indicator) == (263, 4), "CMW")
        header, unprotected, payload, signature = cbor2.loads(eat).value
        verify(first(unprotected[33]), signature, cbor2.dumps(["Signature1", header, b"tc1-eat", payload]))
        claims = cbor2.loads(payload)
        require(claims[10] == binder, "eat_nonce is not the binder")
        require(dict(claims[8][1]) == cose_key(self.peer_leaf), "cnf is not the key of the peer's leaf")

    def send_data(self, content: bytes, sequence: int, cti: bytes) -> None:
        """DATA with a label and the environment object that it refers to."""
        me, sid = self.me, self.export(41_075, b"", 16)
        claims = {1: {1: cose_key(me.chain[0])}, 2: me.measurements, 3: 1, 4: 0, 5: sid, 6: me.now}
        environment = self.token("application/vnd.tc.env+cose", claims, b"tc1-env")
        label = {1: sha256(cbor2.dumps(environment)), 3: sequence, 4: sid}
        protected = {
            1: -7, 15: {1: me.platform, 2: me.uri, 6: me.now, 7: cti}, 16: "application/vnd.tc.label+cose",
            34: [-16, sha256(me.chain[0])], 258: -16, 259: "text/plain", -71910: label,
        }  # fmt: skip
        signed = cose_sign1(me.key, protected, {}, sha256(content), b"tc1-label")
        self.send(DATA, {2: signed, 3: content, 4: [environment]})
