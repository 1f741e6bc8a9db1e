"""OpenSSL's settings for one side: what the profile demands, without the checks that are switched off."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from OpenSSL._util import ffi, lib
from OpenSSL.crypto import X509

from ...model.protocol.tls import ALPN
from ..evaluator.errors import CheckFailed
from ..identity.credentials import Credentials
from ..identity.settings import SettingError
from ..identity.world import World

if TYPE_CHECKING:
    from .tls_channel import TlsChannel

MANDATORY_SUITE = b"TLS_AES_128_GCM_SHA256"
CIPHER_SUITES = MANDATORY_SUITE + b":TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
SIGNATURES = b"ECDSA+SHA256:ed25519"
HANDSHAKE = 22
"""Content type, RFC 9846 section 5.1."""
_SWITCHES = frozenset({"version_i_is_tls_1_3", "version_r_is_tls_1_3", "certificate_i_is_present", "alpn_i_is_tc1"})


def context_of(world: World, off: frozenset[str], *, log: bool = False, watched: bool = False) -> SSL.Context:
    """The context of a peer; the same one for equal credentials. With `log` channels are told their secrets.

    A `watched` one has the mandatory cipher suite alone, and tells its channel the messages of the handshake as well.

    Raises:
        SettingError: the identity key is not at hand: OpenSSL signs with it itself.
    """
    return _context(world.role, world.credentials, off & _SWITCHES, log or watched, watched)


@lru_cache(maxsize=64)
def _context(role: str, credentials: Credentials, off: frozenset[str], log: bool, watched: bool) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    lowest = SSL.TLS1_2_VERSION if off & {"version_i_is_tls_1_3", "version_r_is_tls_1_3"} else SSL.TLS1_3_VERSION
    context.set_min_proto_version(lowest)
    context.set_tls13_ciphersuites(MANDATORY_SUITE if watched else CIPHER_SUITES)
    lib.SSL_CTX_set1_sigalgs_list(context._context, SIGNATURES)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
    _identify(context, credentials)
    required = 0 if "certificate_i_is_present" in off else SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    lib.SSL_CTX_set_verify(context._context, SSL.VERIFY_PEER | required, _COLLECT)
    context.set_info_callback(_tell)
    if log:
        context.set_keylog_callback(_log)
    if watched:
        lib.SSL_CTX_set_msg_callback(context._context, _PASS)
    if role == "device":
        context.set_alpn_protos([ALPN.encode()])
    else:
        context.set_alpn_select_callback(_select("alpn_i_is_tc1" in off))
    return context


def _identify(context: SSL.Context, credentials: Credentials) -> None:
    if credentials.key is None:
        raise SettingError(
            Path("leaf.key.pem"), "key", "the private key in a file: OpenSSL signs the handshake with it"
        )
    context.use_certificate(credentials.leaf.parsed)
    for item in credentials.chain:
        context.add_extra_chain_cert(item.parsed)
    context.use_privatekey(credentials.key)


def _collect(good: int, store: Any) -> int:
    """OpenSSL looks at a certificate of the path. Its own opinion counts for nothing; ours chooses its alert."""
    ssl = lib.X509_STORE_CTX_get_ex_data(store, lib.SSL_get_ex_data_X509_STORE_CTX_idx())
    channel = _channel_of(ssl)
    assert channel is not None
    certificate = lib.X509_STORE_CTX_get_current_cert(store)
    lib.X509_up_ref(certificate)
    depth = lib.X509_STORE_CTX_get_error_depth(store)
    refused = channel.collects(X509._from_raw_x509_ptr(certificate), depth, bool(good))
    lib.X509_STORE_CTX_set_error(store, _error_of(refused) if refused else 0)
    return int(refused is None)


_COLLECT = ffi.callback("int (*)(int, X509_STORE_CTX *)", _collect)


def _error_of(failure: CheckFailed) -> int:
    """The X509_V_ERR of a refusal, from which OpenSSL takes the alert."""
    return next((error for word, error in _ERRORS.items() if word in failure.check.name), _NOT_ACCEPTED)


_NOT_ACCEPTED = 28
_ERRORS = {
    "path_verifies": 20, "is_in_validity": 10, "revoked": 23, "key_usage": 26, "_role": 26, "attestation": 26,
    "alpn": 50, "requested": 50,
}  # fmt: skip
"""Part of a check's name to X509_V_ERR: unknown_ca, certificate_expired, certificate_revoked, unsupported_certificate,
handshake_failure; what is not here is bad_certificate."""


def _pass(written: int, version: int, content: int, octets: Any, length: int, ssl: Any, _: Any) -> None:
    channel = _channel_of(ssl)
    if content == HANDSHAKE and channel is not None:
        channel.message_passed(bytes(ffi.buffer(octets, length)), written=bool(written))


_PASS = ffi.callback("void (*)(int, int, int, const void *, size_t, SSL *, void *)", _pass)


def _channel_of(ssl: Any) -> TlsChannel | None:
    connection = SSL.Connection._reverse_mapping.get(ssl)
    return connection.get_app_data() if connection is not None else None


def _tell(connection: SSL.Connection, where: int, code: int) -> None:
    channel: TlsChannel | None = connection.get_app_data()
    if channel is not None:
        channel.told(where, code)


def _log(connection: SSL.Connection, line: bytes) -> None:
    channel: TlsChannel = connection.get_app_data()
    channel.logs(line)


def _select(anything: bool) -> Callable[[SSL.Connection, list[bytes]], Any]:
    """Offering others beside `tc/1` is no fault; offering only others is."""

    def select(connection: SSL.Connection, offered: list[bytes]) -> Any:
        if ALPN.encode() in offered:
            return ALPN.encode()
        if anything:
            return SSL.NO_OVERLAPPING_PROTOCOLS
        raise CheckFailed("alpn_i_is_tc1", f"offered: {b', '.join(offered).decode('latin-1')}")

    return select
