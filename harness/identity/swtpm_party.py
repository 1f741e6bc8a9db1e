"""A party whose module is a swtpm: manufactured and enrolled once, and started from its folder ever after."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakValueDictionary

from ..crypto.random import system_random
from ..tpm.commands import TpmError
from ..tpm.swtpm import EK, EK_CERTIFICATE, Swtpm, manufacture
from .certificate import parse_certificate
from .credentials import CredentialError, Credentials, read_certificates
from .enrolment import Enrolment
from .measured import measured_start
from .tam import Tam
from .tester import TesterPki
from .tpm_tam import TpmTam
from .virtual import BOOT_SEED

STATE = "tpm"
"""The module's state, in the folder of the party."""
MANUFACTURER = "manufacturer"
"""The CA of the module's endorsement key, in the tester's folder."""
_ROOT, _ISSUER = "swtpm-localca-rootca-cert.pem", "issuercert.pem"

_RUNNING: WeakValueDictionary[Path, TpmTam] = WeakValueDictionary()
"""Platforms of this process by folder: a module serves one connection."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Credentials without private keys, and the policy over the registers that ties the signing keys, 32 octets."""

    credentials: Credentials
    policy: bytes


Certified = Callable[[Credentials, Tam], Credentials]
"""From a party with its module to the party with its identity certificate. Raises ValueError."""


def make_party(
    pki: TesterPki, role: str, folder: Path, manufacturer: Path, *, with_waiver: bool, certified: Certified
) -> Enrolled:
    """Manufacture a module below `folder`, start its platform, and enrol its keys. Raises CredentialError."""
    try:
        manufacture(folder / STATE, manufacturer)
        tam = TpmTam(Swtpm(folder / STATE), pki.ueid(role), measured_start())
        try:
            enrolled = _enrol(pki, role, tam, manufacturer, with_waiver)
            return replace(enrolled, credentials=certified(enrolled.credentials, tam))
        finally:
            tam.close()
    except (TpmError, ValueError) as error:
        raise CredentialError(folder / STATE, "module", f"a TPM that can be enrolled ({error})") from error


def _enrol(pki: TesterPki, role: str, tam: TpmTam, manufacturer: Path, with_waiver: bool) -> Enrolled:
    roots, chain = (read_certificates(manufacturer / name) for name in (_ROOT, _ISSUER))
    ca = Enrolment(roots, system_random, lambda: int(time.time()))  # The program that certifies the module goes by it.
    ek = parse_certificate(tam.tpm.read_nv(EK_CERTIFICATE))
    blob, seed = ca.challenge(ek, chain, tam.ak.public.octets)
    nonce = ca.answered(tam.tpm.activate_credential(tam.ak.handle, EK, blob, seed))
    identity, tokens = (
        ca.vouched(tam.tpm.certify(key.handle, tam.ak.handle, nonce), key.public.octets)
        for key in (tam.idk, tam.tokens)
    )
    credentials = pki.party(role, key=identity, tokens=tokens, module=tam.ak.public.key, with_waiver=with_waiver)
    return Enrolled(credentials, tam.idk.public.policy)


def start(folder: Path, credentials: Credentials, ueid: bytes, policy: bytes) -> TpmTam:
    """The platform of an enrolled party: the one that runs, or else started again.

    It runs as long as anything holds it. Raises CredentialError where its keys cannot be used, or are not those of the
    certificates.
    """
    running = _RUNNING.get(folder.resolve())
    if running is not None:
        return running
    try:
        seed = system_random(BOOT_SEED) if credentials.leaf.virtual else b""
        tam = TpmTam(Swtpm(folder / STATE), ueid, measured_start(), policy, seed)
        tam.sign_identity(b"started")
    except TpmError as error:
        expected = f"a TPM whose keys can be used by what has started ({error})"
        raise CredentialError(folder / STATE, "module", expected) from error
    certified = credentials.leaf, credentials.ak, credentials.tpm_ak.certificate if credentials.tpm_ak else None
    keys = tam.idk, tam.tokens, tam.ak
    if [item.public_key if item else None for item in certified] != [key.public.key for key in keys]:
        tam.close()
        raise CredentialError(folder / STATE, "module", "the TPM whose keys are in leaf.pem, ak.pem and tpm-ak.pem")
    return _RUNNING.setdefault(folder.resolve(), tam)
