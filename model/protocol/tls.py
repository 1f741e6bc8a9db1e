"""TLS 1.3 (RFC 9846) as rows: two flights and a last one, certificates on both sides.

A TLS library makes and reads these messages; the table says what is in them, and the rows judge what the library
negotiated. Names are those of the RFC. The key schedule keeps its roots, its transcripts and the order of what is
derived; chains of derivation steps whose only input is the step before are one step here.
"""

from __future__ import annotations

from ..symbols import HASH, SIGNATURE, aead, extract, hash_, kdf, sign, unary
from ..table import NET, Equals, Holds, Message, Step, TagVerifies, Transition, Verifies, by_library, equals, event
from ..terms import Sort, Term, array, bstr, const, name, seq, slot
from .attestation import CHANNEL_SECRET
from .edhoc import DEVICE, EMPTY, G_X, G_XY, G_Y, INITIATOR, RESPONDER, SERVICE, SUITES_I, X, Y, credential_checks
from .frames import HELLO, TEXT, UINT
from .local import START

STATES = {DEVICE: ("wait_server_flight",), SERVICE: ("wait_client_hello", "wait_client_flight")}
"""Role to the states before the channel stands."""
ALPN = "tc/1"
VERSION = 0x0304
PARAMETERS = Sort("tls_parameters", "item", "list")
FLAG = Sort("flag", "item")
EXPORTER_LABEL = {41074: "EXPERIMENTAL-tc1-binder", 41075: "EXPERIMENTAL-tc1-sid"}
"""Exporter label by its number in the table, which is the label of EDHOC_Exporter."""

VERSION_I, VERSION_R = slot("TLS_VERSION_I", UINT, const(VERSION)), slot("TLS_VERSION_R", UINT, const(VERSION))
ALPN_I, ALPN_R = slot("ALPN_I", TEXT, const(ALPN)), slot("ALPN_R", TEXT, const(ALPN))
PARAMETERS_I = SUITES_I
"""Cipher suites, groups and signature schemes that the client offers: what an initiator offers in EDHOC."""
PARAMETERS_R = slot("TLS_PARAMETERS_R", PARAMETERS, service=name("tls_parameters_r", PARAMETERS))
"""What the server selected of them."""
REQUESTED = slot("TLS_CERTIFICATE_REQUESTED", FLAG, const(True))
PRESENT = slot("TLS_CERTIFICATE_PRESENT", FLAG, const(True))

# --- transcript and keys ---------------------------------------------------------------------------------------------

CLIENT_HELLO = seq(const("ClientHello"), VERSION_I, PARAMETERS_I, ALPN_I, bstr(G_X))
SERVER_HELLO = seq(const("ServerHello"), VERSION_R, PARAMETERS_R, bstr(G_Y))
HANDSHAKE_SECRET = extract(const("early secret"), G_XY)
"""Without a pre-shared key the early secret is a constant."""
TH_HELLO = hash_(seq(CLIENT_HELLO, SERVER_HELLO))
TRAFFIC_SECRET = {
    "I": kdf(HANDSHAKE_SECRET, "c hs traffic", TH_HELLO, "hash"),
    "R": kdf(HANDSHAKE_SECRET, "s hs traffic", TH_HELLO, "hash"),
}
"""Handshake traffic secrets by the sender's letter (RFC 9846 section 7.1)."""
MASTER_SECRET = kdf(HANDSHAKE_SECRET, "derived", EMPTY, "hash")


def _protected(letter: str, content: Term) -> Term:
    """Records under a handshake traffic secret (RFC 9846 section 5.2)."""
    secret = TRAFFIC_SECRET[letter]
    key, iv = kdf(secret, "key", EMPTY, "key"), kdf(secret, "iv", EMPTY, "nonce")
    return aead(key, iv, EMPTY, content, f"flight_{letter.lower()}_is_protected")


def _signed(party: str, transcript: Term) -> Term:
    """What CertificateVerify signs (RFC 9846 section 4.4.3)."""
    return array(const(f"TLS 1.3, {party} CertificateVerify"), bstr(transcript))


def _finished(letter: str, transcript: Term) -> Term:
    """verify_data (RFC 9846 section 4.4.4)."""
    return kdf(TRAFFIC_SECRET[letter], "finished", transcript, "hash")


ENCRYPTED_EXTENSIONS = seq(const("EncryptedExtensions"), ALPN_R)
CERTIFICATE_REQUEST = seq(const("CertificateRequest"), REQUESTED)
CERTIFICATE_R = seq(const("Certificate"), RESPONDER.id_cred)
_TO_CERTIFICATE_R = (CLIENT_HELLO, SERVER_HELLO, ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, CERTIFICATE_R)
SIGNED_R = _signed("server", hash_(seq(*_TO_CERTIFICATE_R)))
SIGNATURE_R = slot("TLS_SIGNATURE_R", SIGNATURE, sign(RESPONDER.key, SIGNED_R, "suite"))
CERTIFICATE_VERIFY_R = seq(const("CertificateVerify"), bstr(SIGNATURE_R))
FINISHED_R = slot("FINISHED_R", HASH, _finished("R", hash_(seq(*_TO_CERTIFICATE_R, CERTIFICATE_VERIFY_R))))
_TO_FINISHED_R = (*_TO_CERTIFICATE_R, CERTIFICATE_VERIFY_R, seq(const("Finished"), bstr(FINISHED_R)))
TH_SERVER = hash_(seq(*_TO_FINISHED_R))

CERTIFICATE_I = seq(const("Certificate"), PRESENT, INITIATOR.id_cred)
SIGNED_I = _signed("client", hash_(seq(*_TO_FINISHED_R, CERTIFICATE_I)))
SIGNATURE_I = slot("TLS_SIGNATURE_I", SIGNATURE, sign(INITIATOR.key, SIGNED_I, "suite"))
CERTIFICATE_VERIFY_I = seq(const("CertificateVerify"), bstr(SIGNATURE_I))
FINISHED_I = slot("FINISHED_I", HASH, _finished("I", hash_(seq(*_TO_FINISHED_R, CERTIFICATE_I, CERTIFICATE_VERIFY_I))))

EXPORTER_SECRET = slot("TLS_EXPORTER_SECRET", Sort("prk", "hash"), kdf(MASTER_SECRET, "exp master", TH_SERVER, "hash"))
"""It covers the handshake up to the server's Finished (RFC 9846 section 7.5): the client's identity is not in it."""

# --- messages and rows -----------------------------------------------------------------------------------------------

_PROTECTED_R = _protected(
    "R",
    seq(
        ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, CERTIFICATE_R, CERTIFICATE_VERIFY_R,
        seq(const("Finished"), bstr(FINISHED_R)),
    ),
)  # fmt: skip
_PROTECTED_I = _protected("I", seq(CERTIFICATE_I, CERTIFICATE_VERIFY_I, seq(const("Finished"), bstr(FINISHED_I))))
CLIENT_HELLO_MESSAGE = Message("client_hello", NET, CLIENT_HELLO, DEVICE, by_library=True)
SERVER_FLIGHT = Message("server_flight", NET, seq(SERVER_HELLO, bstr(_PROTECTED_R)), SERVICE, by_library=True)
"""ServerHello to the server's Finished."""
CLIENT_FLIGHT = Message("client_flight", NET, bstr(_PROTECTED_I), DEVICE, by_library=True)
"""The client's Certificate, CertificateVerify and Finished."""


def _certificate_verifies(letter: str) -> Step:
    party, signature, signed = (
        (INITIATOR, SIGNATURE_I, SIGNED_I) if letter == "I" else (RESPONDER, SIGNATURE_R, SIGNED_R)
    )
    form = Verifies(signature, unary("public_key", party.cred), signed, "suite")
    return by_library(f"certificate_verify_{letter.lower()}_verifies", form)


def rows() -> tuple[Transition, ...]:
    """From ClientHello to the established channel; with its last row the service says HELLO."""
    return (
        Transition(DEVICE, "start", START, "wait_server_flight", fresh=(X,), sends=(CLIENT_HELLO_MESSAGE,)),
        Transition(
            SERVICE, "wait_client_hello", CLIENT_HELLO_MESSAGE, "wait_client_flight",
            checks=(
                by_library("version_i_is_tls_1_3", Equals(VERSION_I)),
                by_library("parameters_i_overlap", Holds((PARAMETERS_I,))),
                by_library("key_share_i_is_valid", Holds((G_X,))),
                equals("alpn_i_is_tc1", ALPN_I),
            ),
            fresh=(Y,), sends=(SERVER_FLIGHT,), events=(event("running_r"),),
        ),
        Transition(
            DEVICE, "wait_server_flight", SERVER_FLIGHT, "wait_HELLO_R",
            checks=(
                by_library("version_r_is_tls_1_3", Equals(VERSION_R)),
                by_library("parameters_r_were_offered", Holds((PARAMETERS_R, PARAMETERS_I))),
                by_library("key_share_r_is_valid", Holds((G_Y,))),
                by_library("flight_r_is_protected", TagVerifies(_PROTECTED_R)),
                equals("alpn_r_is_tc1", ALPN_R),
                equals("certificate_is_requested", REQUESTED),
                *credential_checks(RESPONDER),
                _certificate_verifies("R"),
                by_library("finished_r_verifies", Equals(FINISHED_R)),
            ),
            sets=((CHANNEL_SECRET, EXPORTER_SECRET),), sends=(CLIENT_FLIGHT,),
            events=(event("authenticated_r", id_cred=RESPONDER.id_cred), event("handshake_completed")),
        ),
        Transition(
            SERVICE, "wait_client_flight", CLIENT_FLIGHT, "wait_HELLO_I",
            checks=(
                by_library("flight_i_is_protected", TagVerifies(_PROTECTED_I)),
                equals("certificate_i_is_present", PRESENT),
                *credential_checks(INITIATOR),
                _certificate_verifies("I"),
                by_library("finished_i_verifies", Equals(FINISHED_I)),
            ),
            sets=((CHANNEL_SECRET, EXPORTER_SECRET),), sends=(HELLO["R"],),
            events=(event("authenticated_i", id_cred=INITIATOR.id_cred), event("handshake_completed")),
        ),
    )  # fmt: skip
