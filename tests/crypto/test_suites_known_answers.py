"""The key schedule against RFC 9529 and RFC 5869."""

import json
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustconn.harness.crypto.errors import OutputTooLong
from trustconn.harness.crypto.suites import SUITES, Suite, kdf_info

_TRACES = json.loads((files("trustconn.vectors") / "published" / "rfc9529.json").read_text())


class Trace:
    """The last item of each name in one trace; a repeated message_1 replaces the first."""

    def __init__(self, name: str) -> None:
        items = [(i["name"], i["enc"], bytes.fromhex(i["hex"])) for i in _TRACES[name]["items"]]
        self._items = {(item, encoding): octets for item, encoding, octets in items}
        self._first = {item: octets for item, _, octets in reversed(items)}

    def __call__(self, name: str, encoding: str = "raw") -> bytes:
        return self._items[name, encoding]

    def context(self, name: str | None) -> bytes:
        """A context as the CBOR sequence that it is; the trace repeats it inside a byte string."""
        return self._first[name] if name else b""


TRACES = [
    pytest.param(Trace("trace1"), SUITES[0], id="method-0"),
    pytest.param(Trace("trace2"), SUITES[2], id="method-3"),
]


@pytest.mark.parametrize(("trace", "suite"), TRACES)
def test_ephemeral_keys_and_their_secret(trace: Trace, suite: Suite) -> None:
    for private, share, peer in (("X", "G_X", "G_Y"), ("Y", "G_Y", "G_X")):
        assert suite.curve.public(trace(private)) == trace(share)
        assert suite.curve.exchange(trace(private), trace(peer)) == trace("G_XY")


def test_static_keys_of_trace_2() -> None:
    trace, curve = Trace("trace2"), SUITES[2].curve
    assert curve.exchange(trace("SK_R"), trace("G_X")) == trace("G_RX")
    assert curve.exchange(trace("SK_I"), trace("G_Y")) == trace("G_IY")


@pytest.mark.parametrize(("trace", "suite"), TRACES)
def test_transcript_hash_and_first_extract(trace: Trace, suite: Suite) -> None:
    assert suite.hash(trace("Input to calculate TH_2", "cbor")) == trace("TH_2")
    assert suite.extract(trace("TH_2"), trace("G_XY")) == trace("PRK_2e")


KDF_CALLS = [
    ("KEYSTREAM_2", "PRK_2e", 0, "TH_2"),
    ("K_3", "PRK_3e2m", 3, "TH_3"),
    ("IV_3", "PRK_3e2m", 4, "TH_3"),
    ("K_4", "PRK_4e3m", 8, "TH_4"),
    ("IV_4", "PRK_4e3m", 9, "TH_4"),
    ("PRK_out", "PRK_4e3m", 7, "TH_4"),
    ("PRK_exporter", "PRK_out", 10, None),
    ("OSCORE Master Secret", "PRK_exporter", 0, None),
    ("OSCORE Master Salt", "PRK_exporter", 1, None),
    ("MAC_2", "PRK_3e2m", 2, "context_2"),
    ("MAC_3", "PRK_4e3m", 6, "context_3"),
]


@pytest.mark.parametrize(("output", "prk", "label", "context"), KDF_CALLS)
@pytest.mark.parametrize(("trace", "suite"), TRACES)
def test_edhoc_kdf(trace: Trace, suite: Suite, output: str, prk: str, label: int, context: str | None) -> None:
    octets, expected = trace.context(context), trace(output)
    assert kdf_info(label, octets, len(expected)) == trace(f"info for {output}", "cbor")
    assert suite.edhoc_kdf(trace(prk), label, octets, len(expected)) == expected


@pytest.mark.parametrize(("trace", "suite"), TRACES)
def test_ciphertext_3(trace: Trace, suite: Suite) -> None:
    key, nonce, aad = trace("K_3"), trace("IV_3"), trace("A_3", "cbor")
    plaintext, ciphertext = trace("PLAINTEXT_3", "cbor"), trace("CIPHERTEXT_3")
    assert suite.aead.seal(key, nonce, aad, plaintext) == ciphertext
    assert suite.aead.open(key, nonce, aad, ciphertext) == plaintext
    assert suite.aead.open_unverified(key, nonce, aad, ciphertext) == plaintext


def test_signatures_of_trace_1() -> None:
    trace, eddsa = Trace("trace1"), SUITES[0].signature
    for role, number in (("R", 2), ("I", 3)):
        key = Ed25519PrivateKey.from_private_bytes(trace(f"SK_{role}"))
        message, signature = trace(f"Message to be signed {number}", "cbor"), trace(f"Signature_or_MAC_{number}")
        assert eddsa.sign(key, message) == signature
        eddsa.verify(key.public_key(), signature, message)


RFC_5869 = [
    (
        "000102030405060708090a0b0c",
        "0b" * 22,
        "f0f1f2f3f4f5f6f7f8f9",
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0x50)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "",
        "0b" * 22,
        "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("salt", "ikm", "info", "prk", "okm"), RFC_5869)
def test_hkdf_of_rfc_5869(salt: str, ikm: str, info: str, prk: str, okm: str) -> None:
    suite = SUITES[2]
    assert suite.extract(bytes.fromhex(salt), bytes.fromhex(ikm)).hex() == prk
    assert suite.expand(bytes.fromhex(prk), bytes.fromhex(info), len(okm) // 2).hex() == okm


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda s: f"suite-{s.number}")
def test_expand_at_the_edges_of_its_blocks(suite: Suite) -> None:
    n = suite.hash_length
    longest = suite.expand(b"k" * n, b"info", 255 * n)
    for length in (0, 1, n - 1, n, n + 1, 2 * n, 254 * n, 255 * n):
        assert suite.expand(b"k" * n, b"info", length) == longest[:length]
    with pytest.raises(OutputTooLong):
        suite.expand(b"k" * n, b"info", 255 * n + 1)


@pytest.mark.parametrize(
    ("label", "context", "length", "info"),
    [
        (0, 0, 16, "004010"),
        (41074, 32, 32, "19a0725820" + "00" * 32 + "1820"),
        (-1, 23, 23, "2057" + "00" * 23 + "17"),
        (24, 256, 65536, "1818590100" + "00" * 256 + "1a00010000"),
    ],
)
def test_info_is_deterministic_cbor(label: int, context: int, length: int, info: str) -> None:
    assert kdf_info(label, bytes(context), length).hex() == info


def test_the_suites_are_those_of_rfc_9528() -> None:
    assert {
        n: [
            s.aead.number,
            s.hash_algorithm.number,
            s.mac_length,
            s.curve.number,
            s.signature.number,
            s.application_aead.number,
            s.application_hash.number,
        ]
        for n, s in SUITES.items()
    } == {
        0: [10, -16, 8, 4, -8, 10, -16],
        2: [10, -16, 8, 1, -7, 10, -16],
        3: [30, -16, 16, 1, -7, 10, -16],
        5: [24, -16, 16, 1, -7, 24, -16],
        24: [3, -43, 16, 2, -35, 3, -43],
    }
