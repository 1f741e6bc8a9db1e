"""What one peer knows when it decides: time, its credentials, what it trusts, its policy, and what it must remember.

A predicate asks the world and nothing else. Caches are bounded and hold successes only: they change the speed of an
answer and never the answer.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..codec import cbor
from .certificate import Certificate, CertificateError, parse_certificate
from .credentials import Credentials, TrustAnchors, fingerprint
from .errors import CredentialUnavailable, Refused
from .oids import EKU_DEVICE, EKU_SERVICE
from .path import MAX_PATH, has_issued, verify_path
from .policy import Policy
from .revocation import Status
from .tam import Tam
from .virtual import VirtualRoot, read_virtual_root

if TYPE_CHECKING:
    from ..property.proving import Holdings
    from .interface import TrustedInterface

X5CHAIN, X5T = 33, 34
SHA_256 = -16
LENIENT = cbor.Strictness(deterministic=False, duplicate_keys=False, trailing=False)
"""For items whose encoding another check has judged already."""
MAX_REMEMBERED = 4096
"""Label identifiers that are kept; older ones fall out, and are refused by their age. So many generations too."""

_V = TypeVar("_V")


class Session(Protocol):
    """One connection of a party."""

    def lives(self) -> bool:
        """Whether it has not ended."""


class Cache(Generic[_V]):
    """A mapping that forgets its least recently used entries beyond `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Hashable, _V] = OrderedDict()

    def get(self, key: Hashable) -> _V | None:
        """The entry, or None."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Hashable, value: _V) -> _V:
        """Keep and return `value`."""
        self._entries[key] = value
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return value


@dataclass(frozen=True, slots=True)
class PeerCredential:
    """A certificate that a peer presented or named, with the chain that goes with it, nearest issuer first."""

    leaf: Certificate
    chain: tuple[Certificate, ...]


class LiveSeeds:
    """Boot seeds that the live sessions of each leaf have shown: one leaf runs once (VRT-08)."""

    def __init__(self) -> None:
        self._shown: dict[bytes, dict[weakref.ref[Session], bytes]] = {}

    def show(self, leaf: bytes, session: "Session", seed: bytes) -> bool:
        """Note what a session of the leaf (SHA-256) shows, unless another live one shows another seed."""
        self._forget()
        shown, mine = self._shown.setdefault(leaf, {}), weakref.ref(session)
        if any(other != seed for whose, other in shown.items() if whose != mine):
            return False
        shown[mine] = seed
        return True

    def sessions(self, leaf: bytes) -> int:
        """How many live sessions of the leaf have shown a seed."""
        self._forget()
        return len(self._shown.get(leaf, ()))

    def _forget(self) -> None:
        for leaf, shown in list(self._shown.items()):
            kept = {whose: seed for whose, seed in shown.items() if (session := whose()) and session.lives()}
            if kept:
                self._shown[leaf] = kept
            else:
                del self._shown[leaf]


@dataclass(slots=True)
class Memory:
    """What outlives a restart: per label signer (SHA-256 of its leaf) the last sequence number, label identifiers
    with their time of issue, the highest boot count per attestation key, the latest time that a proof has shown, and
    generations of virtualized roots of trust."""

    label_sequence: dict[bytes, int] = field(default_factory=dict)
    label_ids: OrderedDict[bytes, int] = field(default_factory=OrderedDict)
    bootcounts: dict[bytes, int] = field(default_factory=dict)
    time_floor: int = 0
    own_sequence: int = 0
    """Sequence number of the next label that this party signs."""
    generations: dict[bytes, int] = field(default_factory=dict)
    """The highest generation accepted of each virtualized root of trust, by UEID of the physical one and instance."""
    identities: dict[bytes, list[str]] = field(default_factory=dict)
    """Identity URI and platform URN of each identity key that was accepted, by SHA-256 of its SubjectPublicKeyInfo."""
    pseudonyms: dict[bytes, int] = field(default_factory=dict)
    """The same as `own_sequence` for each pseudonym, by SHA-256 of its leaf: a common count would link them."""
    live: LiveSeeds = field(default_factory=LiveSeeds, compare=False, repr=False)
    """Not kept: no session outlives a restart."""

    def next_sequence(self, pseudonym: bytes = b"") -> int:
        """Where a new session goes on counting its own labels."""
        return self.pseudonyms.get(pseudonym, 0) if pseudonym else self.own_sequence

    def sent_sequence(self, sequence: int, pseudonym: bytes = b"") -> None:
        """A label with this number has been signed; it is never used again."""
        if pseudonym:
            self.pseudonyms[pseudonym] = max(self.pseudonyms.get(pseudonym, 0), sequence + 1)
        else:
            self.own_sequence = max(self.own_sequence, sequence + 1)

    def accept_bootcount(self, ak: bytes, bootcount: int) -> None:
        """Remember the boot count of an attestation key (SHA-256 of its SubjectPublicKeyInfo).

        Raises Refused if it fell.
        """
        if bootcount < self.bootcounts.get(ak, 0):
            raise Refused("bootcount_has_not_fallen", f"boot count {bootcount} after {self.bootcounts[ak]}")
        self.bootcounts[ak] = bootcount

    def accept_generation(self, root: VirtualRoot) -> None:
        """Remember the generation of a peer that has shown that it holds its key."""
        name = root.ueid + root.instance
        self.generations[name] = max(root.generation, self.generations.pop(name, 0))
        if len(self.generations) > MAX_REMEMBERED:
            del self.generations[next(iter(self.generations))]

    def names_of(self, spki: bytes) -> list[list[str]]:
        """Whose identity key this was, if it was accepted before."""
        names = self.identities.get(sha256(spki).digest())
        return [names] if names else []

    def accept_identity(self, leaf: Certificate) -> None:
        """Remember whose key it is; the first that has shown that it holds it keeps it."""
        name = leaf.key_sha256
        self.identities[name] = self.identities.pop(name, [leaf.identity, leaf.platform])
        if len(self.identities) > MAX_REMEMBERED:
            del self.identities[next(iter(self.identities))]

    def accept_label(self, signer: bytes, sequence: int, label_id: bytes, issued_at: int) -> None:
        """Remember an accepted label."""
        self.label_sequence[signer] = sequence
        self.label_ids[signer + label_id] = issued_at
        if len(self.label_ids) > MAX_REMEMBERED:
            self.label_ids.popitem(last=False)

    def save(self) -> dict[str, Any]:
        """Plain data, octets as hexadecimal digits."""
        return {
            "label_sequence": {key.hex(): value for key, value in self.label_sequence.items()},
            "label_ids": {key.hex(): value for key, value in self.label_ids.items()},
            "bootcounts": {key.hex(): value for key, value in self.bootcounts.items()},
            "time_floor": self.time_floor,
            "own_sequence": self.own_sequence,
            "pseudonyms": {key.hex(): value for key, value in self.pseudonyms.items()},
            "generations": {key.hex(): value for key, value in self.generations.items()},
            "identities": {key.hex(): value for key, value in self.identities.items()},
        }

    @classmethod
    def restore(cls, saved: dict[str, Any]) -> "Memory":
        """The memory that `save` wrote."""
        return cls(
            {bytes.fromhex(key): value for key, value in saved["label_sequence"].items()},
            OrderedDict((bytes.fromhex(key), value) for key, value in saved["label_ids"].items()),
            {bytes.fromhex(key): value for key, value in saved["bootcounts"].items()},
            saved["time_floor"],
            saved.get("own_sequence", 0),
            {bytes.fromhex(key): value for key, value in saved.get("generations", {}).items()},
            {bytes.fromhex(key): value for key, value in saved.get("identities", {}).items()},
            {bytes.fromhex(key): value for key, value in saved.get("pseudonyms", {}).items()},
        )


Source = Callable[[Certificate, Certificate, int], Status]
"""Of a certificate, its issuer and the time, unix seconds. Raises ProofError where nothing is known."""


@dataclass(slots=True)
class World:
    """One peer's knowledge. `role` is "device" or "service"; `now` gives unix seconds."""

    role: str
    now: Callable[[], int]
    credentials: Credentials
    anchors: TrustAnchors
    policy: Policy
    tam: Tam
    memory: Memory = field(default_factory=Memory)
    verifier: Callable[[bytes], bytes] | None = None
    """From a request to a reply about this very party, where it presents results. Raises Unanswered."""
    source: Source | None = None
    """Where this party asks itself for the status of a peer's identity: then nothing else will do (REV-08)."""
    properties: "Holdings | None" = None
    """What it holds for properties in zero knowledge: the issuer that it pins, lists, certificates."""
    interface: "TrustedInterface | None" = None
    """The trusted user interface of a device."""
    _credentials: Cache[PeerCredential] = field(default_factory=lambda: Cache(256), repr=False)
    _paths: Cache[bool] = field(default_factory=lambda: Cache(256), repr=False)
    _anchored: TrustAnchors | None = field(default=None, repr=False)
    _held: dict[bytes, Certificate] = field(default_factory=dict, repr=False)
    _identities: dict[bytes, list[Certificate]] = field(default_factory=dict, repr=False)
    _prints: dict[bool, bytes] = field(default_factory=dict, repr=False)

    @property
    def pseudonym(self) -> bytes:
        """SHA-256 of its own leaf where that is for a pseudonym, else b""."""
        leaf = self.credentials.leaf
        return leaf.sha256 if leaf.anonymous else b""

    @property
    def peer_side(self) -> str:
        """The letter of the peer in check names: "r" for a service, "i" for a device."""
        return "r" if self.role == "device" else "i"

    def time(self) -> int:
        """Unix seconds, never below the latest thisUpdate verified: turning the clock back gains nothing."""
        now, floor = self.now(), self.memory.time_floor
        return now if now > floor else floor

    def held(self) -> dict[bytes, Certificate]:
        """Certificates held, by SHA-256; trusted or not."""
        self._follow_anchors()
        return self._held

    def identities_of(self, spki: bytes) -> Sequence[Certificate]:
        """Identity certificates held with this key."""
        self._follow_anchors()
        return self._identities.get(spki, ())

    def credential(self, id_cred: bytes) -> PeerCredential:
        """The certificate that an encoded ID_CRED_x names, by value (33) or by thumbprint (34).

        Raises CredentialUnavailable for a thumbprint that is not held, Refused where nothing can be resolved.
        """
        if self._anchored is not self.anchors:
            self._follow_anchors()
        found = self._credentials.get(id_cred)
        return found or self._credentials.put(id_cred, self._resolve(id_cred))

    def x5chain(self, encoded: bytes) -> PeerCredential:
        """The certificates in an encoded value of header 33. Raises Refused."""
        found = self._credentials.get(encoded)
        if found is None:
            try:
                found = self._credentials.put(encoded, _by_value(cbor.decode(encoded, rules=LENIENT)))
            except ValueError as error:
                raise Refused("ak_path_verifies", str(error)) from error
        return found

    def verify_path(self, credential: PeerCredential, *, attestation: bool = False) -> None:
        """Verify a path to the pinned roots, once for the same certificates and roots. Raises PathError."""
        self._follow_anchors()
        roots = self.anchors.anonymous_roots if credential.leaf.anonymous else self.roots(attestation)
        key = (
            fingerprint(roots) if credential.leaf.anonymous else self._prints[attestation],
            credential.leaf.sha256,
            *(item.sha256 for item in credential.chain),
        )
        if self._paths.get(key) is None:
            verify_path(credential.leaf, credential.chain, roots)
            self._paths.put(key, True)

    def roots(self, attestation: bool) -> tuple[Certificate, ...]:
        """Pinned roots of attestation keys, or of the peer's side."""
        return self.anchors.attestation_roots if attestation else self.anchors.peer_roots

    def issuer(self, credential: PeerCredential) -> Certificate | None:
        """The presented or held certificate whose name and key the leaf gives as its issuer's.

        An authority that has renewed its key has two of one name: then the signature tells which it is.
        """
        candidates = (*credential.chain, *self.held().values())
        named = {item.sha256: item for item in candidates if item.subject == credential.leaf.issuer}
        several = len(named) > 1
        return next((item for item in named.values() if not several or has_issued(item, credential.leaf)), None)

    def authenticated(self, id_cred: bytes) -> None:
        """The peer has shown that it holds the key of its certificate: what that says is remembered."""
        with suppress(ValueError, Refused):  # One that leaves a check out may have let in who has none.
            leaf = self.credential(id_cred).leaf
            self.memory.accept_identity(leaf)
            if leaf.virtual is not None:
                self.memory.accept_generation(read_virtual_root(leaf.virtual))

    def save(self) -> dict[str, Any]:
        """What a restart must keep."""
        return self.memory.save()

    def restore(self, saved: dict[str, Any]) -> None:
        """Continue from what `save` returned."""
        self.memory = Memory.restore(saved)

    def _follow_anchors(self) -> None:
        if self._anchored is not self.anchors:
            self._anchored = self.anchors
            self._held = self.anchors.by_hash()
            self._identities = {}
            for item in self._held.values():
                if item.eku & {EKU_DEVICE, EKU_SERVICE}:
                    self._identities.setdefault(item.spki, []).append(item)
            self._prints = {
                False: fingerprint(self.anchors.peer_roots),
                True: fingerprint(self.anchors.attestation_roots),
            }
            self._credentials = Cache(256)

    def _resolve(self, id_cred: bytes) -> PeerCredential:
        check = f"id_cred_{self.peer_side}_is_a_certificate"
        try:
            header = cbor.decode(id_cred, rules=LENIENT)
            if isinstance(header, dict) and X5CHAIN in header:
                return _by_value(header[X5CHAIN])
            if isinstance(header, dict) and X5T in header:
                return self._by_hash(header[X5T])
        except ValueError as error:
            raise Refused(check, str(error)) from error
        raise Refused(check, "ID_CRED names no certificate")

    def _by_hash(self, thumbprint: object) -> PeerCredential:
        digest = thumbprint_digest(thumbprint)
        leaf = self._held.get(digest)
        if leaf is None:
            raise CredentialUnavailable(f"no certificate with SHA-256 {digest.hex()}")
        chain: list[Certificate] = []
        roots = {root.sha256 for root in (*self.anchors.peer_roots, *self.anchors.attestation_roots)}
        while len(chain) < MAX_PATH - 1:
            below = chain[-1] if chain else leaf
            above = next((item for item in self._held.values() if item.subject == below.issuer), None)
            if above is None or above.sha256 in roots or above.subject == above.issuer:
                break
            chain.append(above)
        return PeerCredential(leaf, tuple(chain))


def thumbprint_digest(value: object) -> bytes:
    """The 32 octets in a decoded header 34. Raises ValueError."""
    if not isinstance(value, list) or len(value) != 2 or type(value[0]) is not int or value[0] != SHA_256:
        raise ValueError("thumbprint is not [-16, SHA-256]")
    if not isinstance(value[1], bytes) or len(value[1]) != 32:
        raise ValueError("thumbprint is not 32 octets")
    return value[1]


def _by_value(value: object) -> PeerCredential:
    ders = [value] if isinstance(value, bytes) else value
    if not isinstance(ders, list) or not 1 <= len(ders) <= MAX_PATH:
        raise ValueError(f"x5chain is not one to {MAX_PATH} certificates")
    if not all(isinstance(der, bytes) for der in ders):
        raise CertificateError("x5chain holds something else than byte strings")
    leaf, *chain = (parse_certificate(der) for der in ders)
    return PeerCredential(leaf, tuple(chain))
