"""Messages that others published are read, verified and written back. Their sources stand beside the data."""

import base64
import json
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from trustconn.harness.codec import cbor, cmw, cose

DATA = Path(__file__).parents[1] / "data"
CMW_EXAMPLES = sorted((DATA / "cmw").glob("*.diag"))
ANY_ORDER = cbor.Strictness(deterministic=False)
EAT_EXAMPLES = sorted((DATA / "eat").glob("*.diag"))


def octets(path: Path) -> bytes:
    cbor_diag = pytest.importorskip("cbor_diag", reason="diagnostic notation needs the development package cbor-diag")
    encoded: bytes = cbor_diag.diag2cbor(path.read_text("utf-8"))
    return encoded


def psa_key() -> ec.EllipticCurvePublicKey:
    jwk = json.loads((DATA / "psa" / "tfm-es-iak.json").read_text())
    x, y = (base64.urlsafe_b64decode(jwk[name] + "=") for name in "xy")
    key = cose.public_from_cose_key({1: 2, -1: 1, -2: x, -3: y})
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def test_psa_token_verifies_with_its_key() -> None:
    def verifier(signature: bytes, message: bytes) -> None:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        psa_key().verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))

    encoded = (DATA / "psa" / "psa-sign1.cbor").read_bytes()
    token = cose.parse_sign1(encoded)
    assert token.algorithm == cose.ES256
    cose.verify1(token, verifier, b"")
    assert cose.encode_sign1(token.protected_raw, {}, token.payload, token.signature) == encoded


def test_psa_claims_are_the_published_ones() -> None:
    token = cose.parse_sign1((DATA / "psa" / "psa-sign1.cbor").read_bytes())
    assert token.payload == octets(DATA / "psa" / "sign1-claims.diag")


@pytest.mark.parametrize("path", CMW_EXAMPLES, ids=lambda path: path.stem)
def test_cmw_examples_are_written_back(path: Path) -> None:
    """To the octet; the collections, published with unsorted keys, in deterministic order."""
    encoded = octets(path)
    written = cmw.encode(cmw.parse(encoded, tagged=True, rules=ANY_ORDER))
    if path.stem.startswith("collection"):
        with pytest.raises(cbor.NotDeterministic, match="bytewise order"):
            cmw.parse(encoded, tagged=True)
        assert cbor.split_map(written) == cbor.split_map(encoded, rules=ANY_ORDER)
    else:
        assert written == encoded


@pytest.mark.parametrize("path", CMW_EXAMPLES, ids=lambda path: path.stem)
def test_cmw_examples_with_a_tag_are_refused_unless_asked_for(path: Path) -> None:
    encoded = octets(path)
    if path.stem.startswith(("cmw-example-tag", "collection")):
        with pytest.raises(cmw.TagForm):
            cmw.parse(encoded, rules=ANY_ORDER)
    else:
        assert isinstance(cmw.parse(encoded), cmw.Record)


@pytest.mark.parametrize("path", EAT_EXAMPLES, ids=lambda path: path.stem)
def test_eat_examples_are_read_as_others_read_them(path: Path) -> None:
    encoded = octets(path)
    value = cbor.decode(encoded, rules=ANY_ORDER)
    assert cbor.decode(cbor.encode(value)) == value
    assert cbor.encode(cbor2.loads(encoded)) == cbor.encode(value)


def test_eat_token_example_is_a_sign1_in_a_cwt_tag() -> None:
    token = cbor.decode(octets(DATA / "eat" / "valid_cwt.diag"))
    assert token.tag == 61
    parsed = cose.parse_sign1(cbor.encode(token.value))
    assert parsed.algorithm == cose.ES256
    assert parsed.payload is not None
    assert cbor.decode(parsed.payload, rules=ANY_ORDER)[262] is True
