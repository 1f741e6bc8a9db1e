"""Issue credentials for a test: a folder for the implementation under test, a folder for the tester.

Keys come from a seed. Where anyone can know it, the folder is marked `seeded = true` and never used off loopback.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from ..crypto.random import SeededRandom
from ..issuing import DEPLOYMENT, THIRD_PARTY
from .certificate import Certificate, PublicKey
from .credentials import CredentialError, Credentials, TrustAnchors
from .interface import load_interface
from .measured import measured_start
from .policy import EAT_CWT, TPM_FORMAT, Policy
from .settings import Convert, boolean, convert, octets, read_toml, text, whole
from .swtpm_party import MANUFACTURER, make_party, start
from .tam import SOFTWARE, SWTPM, BootEvent, SoftwareTam, Tam
from .tester import ROLES, TesterPki, boot_events, opposite
from .tpm_emulation import fit
from .virtual import BOOT_SEED
from .virtual_party import boot_seed, deployed, virtual_party
from .world import World

if TYPE_CHECKING:
    from ..property.proving import Holdings

HOLDINGS = "properties"
"""Folder of what a party holds for properties in zero knowledge."""
PBA = "pba"
OFFERED_IN_TPM, ACCEPTED_BESIDE_TPM = (EAT_CWT, TPM_FORMAT), (TPM_FORMAT, EAT_CWT)
"""What a party offers and accepts whose keys are in a TPM; whoever accepts nothing that is offered gets a token."""


def provision(
    out: Path,
    *,
    seed: bytes,
    now: int,
    role: str,
    csr: bytes | None = None,
    with_waiver: bool = False,
    seeded: bool = True,
    plain: bool = False,
    tam: str = SOFTWARE,
    virtual: bool = False,
    psa: bool = False,
    issuer: str = "",
    evidence: Collection[str] = (),
    attests: bool = True,
    anonymous: bool = False,
) -> TesterPki:
    """Write `out/iut` for a party of `role` and `out/tester` with the authorities and, in `peer`, the opposite party.

    With a certificate request (PKCS #10, DER or PEM) the identity certificate is for its key, and no identity key is
    written. `seeded` says that anyone can know the seed; `plain` leaves the profile's own key usages out. With `tam`
    "swtpm" the keys of the party are made in a TPM in its folder, and enrolled; with `virtual` its root of trust is a
    virtualized one; with `psa` it attests by PSA tokens. `issuer` is one of `issuing.WAYS`, "" for the tester's own
    authority. With "pba" among the forms of `evidence` both pin an issuer of properties and hold certificates. A
    party that does not attest is a plain device: it offers no evidence and holds a waiver (OVR-04). With `anonymous` a
    software module gets a pseudonym for that peer, which admits pseudonyms. Raises CredentialError for a request or a
    TPM that cannot be used.
    """
    pki = TesterPki.from_seed(seed, now, plain=plain)
    peer = opposite(role)
    theirs = pki.party(peer)
    way = DEPLOYMENT if virtual else issuer
    key = None if csr is None else request_key(csr)
    order = _Order(pki, role, pki.policy(role, theirs.leaf), way, key, with_waiver or not attests)
    if tam == SWTPM:
        made = _in_tpm(order, out)
    else:
        made = _with_psa(order) if psa else _in_software(order)
    if not attests:
        made = replace(made, policy=replace(made.policy, offered=()))
    if anonymous:
        made = _under_pseudonym(order, made, theirs.leaf.identity)
    mine = made.credentials
    _write_party(out / "iut", pki, role, mine, made.policy, [theirs.leaf], seeded, made.settings)
    policy = replace(pki.policy(peer, mine.leaf, made.boot), admits_anonymous=anonymous)
    folder = out / "tester" / "peer"
    _write_party(folder, pki, peer, theirs, policy, [mine.leaf], seeded, _software_settings(pki, peer), way)
    pki.save(out / "tester")
    if PBA in evidence:
        from ..property.fixture import holdings

        holdings(role, now).save(out / "iut" / HOLDINGS)
        holdings(peer, now).save(out / "tester" / "peer" / HOLDINGS)
    return pki


@dataclass(frozen=True, slots=True)
class _Order:
    """What a party is made of; `way` is how its identity is issued, `key` that of its request."""

    pki: TesterPki
    role: str
    policy: Policy
    way: str
    key: PublicKey | None
    with_waiver: bool


@dataclass(frozen=True, slots=True)
class _Made:
    """A party, the settings of its module, and what that module has measured."""

    credentials: Credentials
    policy: Policy
    settings: dict[str, Any]
    boot: tuple[BootEvent, ...]


def _in_tpm(order: _Order, out: Path) -> _Made:
    boot = measured_start()

    def certified(party: Credentials, tam: Tam | None) -> Credentials:
        return _certified(order, party, tam, boot)

    enrolled = make_party(
        order.pki, order.role, out / "iut", out / "tester" / MANUFACTURER,
        with_waiver=order.with_waiver, certified=certified,
    )  # fmt: skip
    settings = {"kind": SWTPM, "ueid": order.pki.ueid(order.role).hex(), "policy": enrolled.policy.hex()}
    offered = (EAT_CWT,) if order.way == DEPLOYMENT else OFFERED_IN_TPM  # No quote carries a boot seed (VRT-08).
    policy = replace(order.policy, offered=offered, accepted=ACCEPTED_BESIDE_TPM)
    return _Made(enrolled.credentials, policy, settings, boot)


def _with_psa(order: _Order) -> _Made:
    from .psa import on_psa, psa_party

    party = psa_party(order.pki, order.role, key=order.key, with_waiver=order.with_waiver)
    settings = _software_settings(order.pki, order.role)
    return _Made(party, on_psa(order.policy), settings, boot_events(order.role))


def _in_software(order: _Order) -> _Made:
    pki, role, boot = order.pki, order.role, boot_events(order.role)
    party = pki.party(role, key=order.key, with_waiver=order.with_waiver)
    mine = _certified(order, party, None if order.key else pki.tam(role, party), boot)
    settings = _software_settings(pki, role)
    if order.way == DEPLOYMENT:
        settings["boot_seed"] = boot_seed(pki, mine.leaf).hex()
    return _Made(mine, order.policy, settings, boot)


def _under_pseudonym(order: _Order, platform: _Made, relying_party: str) -> _Made:
    """The platform under a pseudonym; its module says nothing more that would tell it, such as a boot seed."""
    from .anonymous import PseudonymIssuer, obtain

    pki, role = order.pki, order.role
    rng = SeededRandom(pki.seed + b"/pseudonyms")
    issuer = PseudonymIssuer(pki.pseudonyms.issuing, (pki.attestation.root.certificate,), rng)
    sign = pki.tam(role, platform.credentials).sign_attestation
    made = obtain(issuer, platform.credentials, sign, role, relying_party, pki.seed, pki.now)
    kept = {key: value for key, value in platform.settings.items() if key != "boot_seed"}
    told = {"ueid": made.leaf.platform.rpartition(":")[2], "bootcount": 0}
    return replace(platform, credentials=made, settings={**kept, **told})


def _certified(order: _Order, party: Credentials, tam: Tam | None, boot: tuple[BootEvent, ...]) -> Credentials:
    """The party with a certificate that was issued as ordered; `tam` is its module, where that is at hand."""
    pki, role, way = order.pki, order.role, order.way
    if way == DEPLOYMENT:
        from ..peer.platform_evidence import platform_evidence

        return deployed(pki, role, party, evidence=platform_evidence)
    if way == THIRD_PARTY and tam is not None:
        from ..issuing.registration import enrol

        return enrol(pki, role, party, tam, boot)
    if way:
        from ..issuing.ways import issue

        return issue(pki, role, way, party, verified=tam is not None)
    return party


def load_world(folder: Path, now: Callable[[], int]) -> World:
    """The world of a provisioned party whose keys are in the folder. Raises CredentialError or PolicyError."""
    file = folder / "manifest.toml"
    role = convert(file, read_toml(file, CredentialError), _MANIFEST, CredentialError).get("role")
    if role not in ROLES:
        raise CredentialError(file, "role", '"device" or "service"')
    settings = _tam_settings(folder / "tam.toml")
    credentials = Credentials.load(folder, now(), keys_required="kind" not in settings)
    return World(
        role=role,
        now=now,
        credentials=credentials,
        anchors=TrustAnchors.load(folder),
        policy=Policy.load(folder, role),
        tam=_load_tam(folder, credentials, settings),
        properties=_load_holdings(folder / HOLDINGS),
        interface=load_interface(folder),
    )


def _load_holdings(folder: Path) -> "Holdings | None":
    if not folder.is_dir():
        return None
    from ..property.proving import Holdings  # Few parties prove.

    return Holdings.load(folder)


def make_pair(seed: bytes, now: int, *, virtual: str = "") -> tuple[World, World, TesterPki]:
    """A device's and a service's world that trust each other, and the PKI behind both; one's root may be `virtual`."""
    pki = TesterPki.from_seed(seed, now)
    device, service = (virtual_party(pki, role) if role == virtual else pki.party(role) for role in ROLES)
    return _world(pki, "device", device, service), _world(pki, "service", service, device), pki


def make_test_world(role: str, seed: bytes, now: int, /, **overrides: Any) -> World:
    """One world of a pair, with fields of `World` replaced."""
    device, service, _ = make_pair(seed, now)
    world = device if role == "device" else service
    for name, value in overrides.items():
        setattr(world, name, value)
    return world


def save_party(folder: Path, pki: TesterPki, world: World, peer: Certificate) -> None:
    """Write the folder of a party with a software module, as it stands, towards that peer; `load_world` reads it."""
    _write_party(
        folder, pki, world.role, world.credentials, world.policy, [peer], True, _software_settings(pki, world.role)
    )
    if world.properties is not None:
        world.properties.save(folder / HOLDINGS)


def request_key(csr: bytes) -> PublicKey:
    """The key of a certificate request that proves its possession. Raises CredentialError."""
    expected = "a PKCS #10 request, signed by its own elliptic-curve key"
    try:
        pem = csr.lstrip().startswith(b"-----BEGIN")
        request = x509.load_pem_x509_csr(csr) if pem else x509.load_der_x509_csr(csr)
        key = request.public_key()
        if request.is_signature_valid and isinstance(key, PublicKey):
            return key
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CredentialError(Path("request"), "csr", expected) from error
    raise CredentialError(Path("request"), "csr", expected)


def _world(pki: TesterPki, role: str, mine: Credentials, theirs: Credentials) -> World:
    return World(
        role=role,
        now=lambda: pki.now,
        credentials=mine,
        anchors=pki.anchors(role, [theirs.leaf]),
        policy=pki.policy(role, theirs.leaf).check(role),
        tam=pki.tam(role, mine),
    )


def _write_party(
    folder: Path,
    pki: TesterPki,
    role: str,
    mine: Credentials,
    policy: Policy,
    known: list[Certificate],
    seeded: bool,
    settings: dict[str, Any],
    way: str = "",
) -> None:
    """`way` is how the peer's identity was issued."""
    folder.mkdir(parents=True, exist_ok=True)
    mine.save(folder)
    _anchors(pki, role, known, way).save(folder)
    policy.save(folder)
    manifest = {"seeded": seeded, "role": role, "issued_at": pki.now, "identity": mine.leaf.identity}
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest), encoding="utf-8")
    (folder / "tam.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")


def _anchors(pki: TesterPki, role: str, known: list[Certificate], way: str) -> TrustAnchors:
    anchors = pki.anchors(role, known)
    if way in ("", DEPLOYMENT):
        return anchors
    from ..issuing.ways import authority, trusting

    return trusting(anchors, authority(pki, opposite(role), way))


def _software_settings(pki: TesterPki, role: str) -> dict[str, Any]:
    boot = {event.component: event.digest.hex() for event in boot_events(role)}
    return {"ueid": pki.ueid(role).hex(), "bootcount": 1, "debug_status": 3, "boot": boot}


def _tam_settings(file: Path) -> dict[str, Any]:
    table = read_toml(file, CredentialError)
    fields: Mapping[str, Convert] = _SWTPM if "kind" in table else _SOFTWARE
    settings = convert(file, table, fields, CredentialError)
    for key in fields:
        if key not in settings and key != "boot_seed":
            raise CredentialError(file, key, "a value")
    return settings


def _load_tam(folder: Path, credentials: Credentials, settings: dict[str, Any]) -> Tam:
    if "kind" in settings:
        return start(folder, credentials, settings["ueid"], settings["policy"])
    if credentials.key is None or credentials.ak_key is None:
        raise CredentialError(folder / "leaf.key.pem", "key", "private keys, because the module is software")
    tam = SoftwareTam(
        credentials.key,
        credentials.ak_key,
        settings["ueid"],
        settings["boot"],
        bootcount=settings["bootcount"],
        debug_status=settings["debug_status"],
        boot_seed=settings.get("boot_seed", b""),
    )
    return fit(tam, credentials.tpm_ak.key if credentials.tpm_ak else None)


def _boot(value: Any) -> tuple[BootEvent, ...]:
    if not isinstance(value, dict) or not value:
        raise ValueError("a table from component name to digest")
    digest = octets(32)
    return tuple(BootEvent(name, digest(item)) for name, item in value.items())


def _kind(value: Any) -> str:
    if value != SWTPM:
        raise ValueError(f'"{SWTPM}", or nothing for a module made of software')
    return SWTPM


_MANIFEST = {"seeded": boolean, "role": text, "issued_at": whole(0, 1 << 40), "identity": text}
_SOFTWARE = {
    "ueid": octets(33),
    "bootcount": whole(0, 1 << 32),
    "debug_status": whole(0, 4),
    "boot": _boot,
    "boot_seed": octets(BOOT_SEED),
}
_SWTPM = {"kind": _kind, "ueid": octets(33), "policy": octets(32)}
