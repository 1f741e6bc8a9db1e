"""The implementation conformance statement (ICS, ISO/IEC 9646): what a vendor declares that his implementation does.

A test that needs a feature runs only where it is declared; a declared feature is also probed, and a contradiction fails
its own requirement. What the profile demands of everyone is no feature. A key that is left out has the default below.
"""

from dataclasses import asdict, dataclass, replace

from .keys import key

TAMS = ("software", "swtpm")
"""Modules that can hold the keys of a reference peer, the default first."""
BINDINGS = ("edhoc", "tls")
"""Secure channels of the profile."""
KEY_LOG_VARIABLE = "SSLKEYLOGFILE"
"""The environment variable that turns a key log on and names its file (RFC 9850)."""
SUITES = (0, 2, 3, 5, 24)
"""EDHOC cipher suites that a statement can name (RFC 9528 section 3.6); the profile demands 2 and 3."""


@dataclass(frozen=True, slots=True)
class Features:
    """One implementation's statement. Each field's meaning stands beside it and goes into the template."""

    bindings: tuple[str, ...] = key(("edhoc",), "secure channels that it speaks", choices=BINDINGS)
    suites: tuple[int, ...] = key((3, 2), "EDHOC cipher suites, the preferred one first", choices=SUITES)
    credential_forms: tuple[str, ...] = key(
        ("x5chain", "x5t"), "forms of its EDHOC ID_CRED that it can read", choices=("x5chain", "x5t")
    )
    evidence_formats: tuple[str, ...] = key(
        ("eat",),
        "evidence that it offers about itself",
        choices=("eat", "psa", "tpm2", "collection", "ear", "pba"),
        empty=True,
    )
    evidence_accepted: tuple[str, ...] = key(
        ("eat",),
        "evidence that it can appraise",
        choices=("eat", "psa", "tpm2", "collection", "ear", "pba"),
        empty=True,
    )
    boot_counts: bool = key(
        False, "it refuses a token whose boot count is below the highest that it accepted from that attestation key"
    )
    measurement_lists: bool = key(False, "it reads IMA measurement lists in evidence of a TPM")
    requires_evidence: bool = key(True, "it requires evidence of its peer (HELLO flag 1)")
    presents_waiver: bool = key(False, "it holds a waiver in place of evidence (HELLO flag 2)")
    accepts_waiver: bool = key(True, "it accepts a waiver of its peer")
    initiates_reattestation: bool = key(False, "it sends ATT_REQ when the application or its policy asks")
    requires_labels: bool = key(True, "it refuses DATA without a label")
    sends_labels: bool = key(True, "it labels the data that it sends")
    hash_envelope: bool = key(False, "its labels can carry the digest of content that travels elsewhere")
    label_blocks: bool = key(False, "its labels can sign content as a tree of blocks, and it judges such labels")
    label_inputs: bool = key(False, "its labels can name those of what the data was made from, and it judges chains")
    revocation_proofs: tuple[str, ...] = key(
        ("crl",), "proofs of non-revocation that it can judge", choices=("crl", "ocsp", "short-lived")
    )
    anonymous: bool = key(
        False, "it can use, and admits, certificates of an attestation CA without a stable identifier"
    )
    verifier: bool = key(False, "it can have evidence judged by a remote verifier, or present a verifier's result")
    virtual_root_of_trust: bool = key(False, "its root of trust is virtual, below a physical one (ISO/IEC 27070)")
    accepts_virtual_root: bool = key(False, "it accepts a peer whose root of trust is virtual")
    trusted_user_interface: bool = key(False, "it has a trusted user interface, or judges confirmations of one")
    iso19790_level: int = key(0, "ISO/IEC 19790 level of the module that holds its identity key; 0 = not validated")
    non_exportable_key: bool = key(True, "its identity key was made in its root of trust and cannot leave it")
    persistent_state: bool = key(True, "sequence numbers and latest revocation dates survive a restart")
    connections: int = key(16, "connections that it serves at the same time", least=1)
    exports_session_keys: bool = key(False, "session keys can leave the environment that terminates the channel")
    session_key_protection: tuple[str, ...] = key(
        (), "what keeps session keys from the platform's software; empty where nothing does",
        choices=("tee", "enclave", "secure-element", "hsm"), empty=True,
    )  # fmt: skip
    key_log: bool = key(False, "it can write session keys to the file that SSLKEYLOGFILE names (RFC 9850), for tests")


REFERENCE = Features(
    bindings=BINDINGS,
    suites=(3, 2, 5),
    presents_waiver=True,
    initiates_reattestation=True,
    revocation_proofs=("crl", "ocsp", "short-lived"),
    connections=256,
    key_log=True,
    accepts_virtual_root=True,
    measurement_lists=True,
    boot_counts=True,
)
"""The statement of the reference device and service."""
FURTHER_EVIDENCE = ("ear", "psa", "collection", "pba")
"""Forms of evidence that the reference peers speak where they are told to: results of a verifier in ATT, PSA tokens,
collections of a token and a bundle of a TPM, proofs of properties."""
PROVISIONED_EVIDENCE = ("psa",)
"""Those of them that they are provisioned for."""
IN_TPM = replace(REFERENCE, bindings=("edhoc",), evidence_formats=("tpm2", "eat"), evidence_accepted=("tpm2", "eat"))
"""Their statement where their keys are in a TPM."""
TENANT_IN_TPM = replace(IN_TPM, evidence_formats=("eat",), virtual_root_of_trust=True)
"""And where that TPM is a tenant's: it attests by tokens, because nothing that it quotes can hold a boot seed."""
NO_TLS = "the TLS library signs with keys that it holds itself"
"""Why they do not speak TLS then."""


def stated(*, in_tpm: bool, virtual: bool) -> Features:
    """What the reference peers state, by the module that holds their keys and the root of trust below it."""
    if in_tpm:
        return TENANT_IN_TPM if virtual else IN_TPM
    return replace(REFERENCE, virtual_root_of_trust=virtual)


def as_message(features: Features) -> dict[str, object]:
    """The statement as the control plane's `hello` carries it."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(features).items()}
