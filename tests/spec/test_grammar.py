"""The grammar loads for every root, and judges hand-written messages rightly."""

import re
from typing import Any

import cbor2
import pycddl
import pytest

from trustconn.spec import cddl

DIGEST, SID, SIGNATURE, NONCE = bytes(32), bytes(16), bytes(64), bytes(range(32))
X5T = [-16, DIGEST]
COSE_KEY = {1: 2, -1: 1, -2: DIGEST, -3: DIGEST}
MEASUREMENTS = [[295, cbor2.dumps({1: ["firmware"], 2: [1, DIGEST]})]]


def sign1(
    protected: dict[int, Any], unprotected: dict[int, Any], payload: bytes, signature: bytes = SIGNATURE
) -> cbor2.CBORTag:
    return cbor2.CBORTag(18, [cbor2.dumps(protected), unprotected, payload, signature])


EAT_HEADER: dict[int, Any] = {1: -7, 16: 263, 34: X5T}
EAT_CLAIMS: dict[Any, Any] = {
    6: 1, 8: {1: COSE_KEY}, 10: NONCE, 256: bytes(33), 263: 3, 265: "tag:trustconn.org,2026:tc1", 267: 7,
    273: MEASUREMENTS, -71901: {1: False, 2: True, 3: True, 4: True},
}  # fmt: skip
EAT = sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps(EAT_CLAIMS))
WAIVER_HEADER: dict[int, Any] = {1: -7, 16: "application/vnd.tc.waiver+cose", 34: X5T}
WAIVER_CLAIMS: dict[int, Any] = {1: DIGEST, 2: "module", 3: 3, 4: "4321", 5: 1, 6: 2, 7: True, 8: SID}
WAIVER = sign1(WAIVER_HEADER, {}, cbor2.dumps(WAIVER_CLAIMS))
LABEL_HEADER: dict[int, Any] = {
    1: -7, 15: {1: "urn:tc:device:01", 2: "urn:tc:device:01", 6: 1, 7: SID}, 16: "application/vnd.tc.label+cose",
    34: X5T, 258: -16, 259: "text/plain", -71910: {1: DIGEST, 3: 1, 4: SID},
}  # fmt: skip
LABEL = sign1(LABEL_HEADER, {}, DIGEST)
ENV_HEADER: dict[int, Any] = {1: -7, 16: "application/vnd.tc.env+cose", 34: X5T}
ENV_CLAIMS: dict[int, Any] = {1: {1: COSE_KEY}, 2: MEASUREMENTS, 3: 7, 4: 0, 5: SID, 6: 1}
ENVIRONMENT = sign1(ENV_HEADER, {33: [b"leaf", b"issuer"]}, cbor2.dumps(ENV_CLAIMS))
HELLO: dict[int, Any] = {
    1: 1,
    2: NONCE,
    3: [263],
    4: [263, "application/vnd.tc.tpm2-evidence+cbor"],
    5: 1,
    6: 300,
    7: 3600,
}
CMW = [263, cbor2.dumps(EAT), 4]
CTX = ["tc1-binder", 0, 0, NONCE, DIGEST, DIGEST, DIGEST]
BUNDLE: dict[int, Any] = {
    1: "2.0",
    2: b"p",
    3: [b"c"],
    4: b"q",
    5: b"s",
    6: {11: {0: DIGEST}},
    7: b"i",
    8: b"c",
    9: b"s",
}
EAR_CLAIMS = {
    4: 2, 6: 1, 8: {1: COSE_KEY}, 10: DIGEST, 256: b"\x01" + bytes(32), 265: "tag:ietf.org,2026:rats/ear#04",
    266: {"platform": {1000: 2, 1003: ["p"]}}, 1004: {0: "v", 1: "b"},
}  # fmt: skip
EAR = sign1({1: -7, 16: 263, 34: X5T}, {}, cbor2.dumps(EAR_CLAIMS))
REQUEST = {1: cbor2.dumps(CMW), 2: DIGEST, 3: cbor2.dumps(CTX), 4: "policy", 5: b"leaf"}

GOOD: dict[str, Any] = {
    "frame_hello": [1, HELLO],
    "frame_hello with all": [1, {**HELLO, 8: [[0, b"ocsp"], [1, b"crl"]], 9: WAIVER, 10: "test"}],
    "frame_att_req": [2, {1: 1, 2: NONCE}],
    "frame_att": [3, {1: 0, 2: cbor2.dumps(CMW), 3: [[1, b"crl"]]}],
    "frame_verdict": [4, {1: 2, 3: 0, 4: 60}],
    "frame_data": [5, {2: LABEL, 3: b"content", 4: [ENVIRONMENT]}],
    "frame_data unlabelled": [5, {1: b"octets"}],
    "frame_data content alone": [5, {3: b"content"}],
    "frame_alert": [6, {1: 22}],
    "frame_close": [7, {}],
    "frame_ping": [8, {1: bytes(8)}],
    "frame_receipt": [9, {1: 0, 2: 30}],
    "frame_pong": [10, {1: bytes(8)}],
    "eat": EAT,
    "eat with further claims": sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps({**EAT_CLAIMS, 300: 1, "x": 2})),
    "eat by ESP256": sign1({**EAT_HEADER, 1: -9}, {33: b"der"}, cbor2.dumps(EAT_CLAIMS)),
    "waiver": WAIVER,
    "label": LABEL,
    "environment": ENVIRONMENT,
    "binder_context": CTX,
    "tpm_bundle": BUNDLE,
    "verifier_request": REQUEST,
    "verifier_reply": {1: EAR},
    "verifier_reply error": {2: 1},
    "measured_component": {1: ["firmware"], 2: [1, DIGEST]},
}
BAD: dict[str, Any] = {
    "frame_hello version": [1, {**HELLO, 1: 2}],
    "frame_hello unknown key": [1, {**HELLO, 11: 0}],
    "frame_hello short nonce": [1, {**HELLO, 2: NONCE[1:]}],
    "frame_hello without flags": [1, {key: value for key, value in HELLO.items() if key != 5}],
    "frame_hello unknown flag": [1, {**HELLO, 5: 16}],
    "frame_hello no proofs": [1, {**HELLO, 8: []}],
    "frame_hello kind of proof": [1, {**HELLO, 8: [[2, b"x"]]}],
    "frame_hello evidence type": [1, {**HELLO, 3: [b"263"]}],
    "frame_hello waiver header": [1, {**HELLO, 9: sign1({**WAIVER_HEADER, 4: b"kid"}, {}, cbor2.dumps(WAIVER_CLAIMS))}],
    "frame_att bare cmw": [3, {1: 0, 2: CMW}],
    "frame_att without indicator": [3, {1: 0, 2: cbor2.dumps(CMW[:2])}],
    "frame_att trailing octets": [3, {1: 0, 2: cbor2.dumps(CMW) + b"\x00"}],
    "frame_verdict unknown tier": [4, {1: 3, 3: 0, 4: 60}],
    "frame_verdict no time": [4, {1: 2, 3: 0, 4: 0}],
    "frame_data both": [5, {1: b"octets", 2: LABEL}],
    "frame_data octets and content": [5, {1: b"octets", 3: b"content"}],
    "frame_data two environments": [5, {2: LABEL, 3: b"content", 4: [ENVIRONMENT, ENVIRONMENT]}],
    "frame_data no environment": [5, {2: LABEL, 3: b"content", 4: []}],
    "frame_alert unknown code": [6, {1: 14}],
    "frame_close not empty": [7, {1: 1}],
    "frame_ping long": [8, {1: bytes(9)}],
    "frame_receipt alert code": [9, {1: 0, 2: 22}],
    "frame_pong of type ping": [8, {1: bytes(8)}],
    "eat without cnf": sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps({k: v for k, v in EAT_CLAIMS.items() if k != 8})),
    "eat other profile": sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps({**EAT_CLAIMS, 265: "tag:other"})),
    **{
        f"eat {key} of another type": sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps({**EAT_CLAIMS, key: 0}))
        for key in (268, -71902, -71903)
    },
    "eat short bootseed": sign1(EAT_HEADER, {33: b"der"}, cbor2.dumps({**EAT_CLAIMS, 268: bytes(31)})),
    "ear_submod trustworthiness of another type": {1000: 2, 1001: 0, 1003: ["p"]},
    "eat untagged": EAT.value,
    "eat kid in unprotected": sign1(EAT_HEADER, {33: b"der", 4: b"kid"}, cbor2.dumps(EAT_CLAIMS)),
    "eat array of one certificate": sign1(EAT_HEADER, {33: [b"der"]}, cbor2.dumps(EAT_CLAIMS)),
    "eat nine certificates": sign1(EAT_HEADER, {33: [b"der"] * 9}, cbor2.dumps(EAT_CLAIMS)),
    "eat typ": sign1({**EAT_HEADER, 16: 61}, {33: b"der"}, cbor2.dumps(EAT_CLAIMS)),
    "waiver with chain": sign1(WAIVER_HEADER, {33: b"der"}, cbor2.dumps(WAIVER_CLAIMS)),
    "waiver ninth field": sign1(WAIVER_HEADER, {}, cbor2.dumps({**WAIVER_CLAIMS, 9: 1})),
    "label payload": sign1(LABEL_HEADER, {}, bytes(31)),
    "label without typ": sign1({k: v for k, v in LABEL_HEADER.items() if k != 16}, {}, DIGEST),
    "label short signature": sign1(LABEL_HEADER, {}, DIGEST, SIGNATURE[1:]),
    "environment without epoch": sign1(
        ENV_HEADER, {33: b"der"}, cbor2.dumps({k: v for k, v in ENV_CLAIMS.items() if k != 4})
    ),
    "binder_context role": ["tc1-binder", 2, *CTX[2:]],
    "tpm_bundle version": {**BUNDLE, 1: "1.2"},
    "tpm_bundle no registers": {**BUNDLE, 6: {}},
    "verifier_request nested ctx": {**REQUEST, 3: cbor2.dumps(CTX[:6])},
    "verifier_reply both": {1: EAR, 2: 1},
}

MESSAGE_1 = [0, [2, 3], bytes(32), -14]
GOOD_SEQUENCES: dict[str, list[Any]] = {
    "edhoc_message_1": MESSAGE_1,
    "edhoc_message_1 one suite": [0, 3, bytes(32), b"\x2d\x01"],
    "edhoc_message_1 EAD": [*MESSAGE_1, 0, b"pad", 160, -5],
    "edhoc_message_2": [bytes(100)],
    "edhoc_plaintext_2": [-14, {33: b"der"}, SIGNATURE],
    "edhoc_plaintext_3": [{34: X5T}, SIGNATURE],
    "edhoc_error_1": [1, "no"],
    "edhoc_error_2": [2, [3, 2]],
    "edhoc_error_3": [3, True],
}
BAD_SEQUENCES: dict[str, list[Any]] = {
    "edhoc_message_1 method": [3, *MESSAGE_1[1:]],
    "edhoc_message_1 array of one suite": [0, [3], *MESSAGE_1[2:]],
    "edhoc_message_1 value without label": [*MESSAGE_1, b"value"],
    "edhoc_message_1 short": MESSAGE_1[:3],
    "edhoc_message_2 two": [bytes(100), 0],
    "edhoc_plaintext_2 kid": [-14, {4: b"kid"}, SIGNATURE],
    "edhoc_plaintext_3 two references": [{33: b"der", 34: X5T}, SIGNATURE],
    "edhoc_plaintext_3 short digest": [{34: [-16, bytes(8)]}, SIGNATURE],
    "edhoc_error_3 false": [3, False],
}


def root_of(name: str) -> str:
    return name.partition(" ")[0]


@pytest.mark.parametrize("root", cddl.rules())
def test_every_rule_loads_as_root(root: str) -> None:
    pycddl.Schema(cddl.text(root))
    assert cddl.text(root).startswith(f"{root} = ")


@pytest.mark.parametrize("name", GOOD)
def test_good_items_match(name: str) -> None:
    cddl.check(root_of(name), cbor2.dumps(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_bad_items_do_not_match(name: str) -> None:
    with pytest.raises(cddl.Mismatch):
        cddl.check(root_of(name), cbor2.dumps(BAD[name]))


@pytest.mark.parametrize("name", GOOD_SEQUENCES)
def test_good_sequences_match(name: str) -> None:
    cddl.check(root_of(name), b"".join(map(cbor2.dumps, GOOD_SEQUENCES[name])))


@pytest.mark.parametrize("name", BAD_SEQUENCES)
def test_bad_sequences_do_not_match(name: str) -> None:
    with pytest.raises(cddl.Mismatch):
        cddl.check(root_of(name), b"".join(map(cbor2.dumps, BAD_SEQUENCES[name])))


def test_a_wildcard_does_not_take_the_key_of_an_optional_entry_before_it() -> None:
    """RFC 8610 section 3.5.4; `check` looks into known keys by itself and would not notice."""
    open_maps = {name: text for name, text in cddl.rules().items() if re.search(r"^  \* \w+ =>", text, re.MULTILINE)}
    optional = {name: re.findall(r"^  \? -?\w+( \^)? =>", text, re.MULTILINE) for name, text in open_maps.items()}
    assert {name for name, cuts in optional.items() if cuts} == {"eat_claims", "ear_submod"}
    assert all(all(cuts) for cuts in optional.values())


def test_octets_that_are_no_cbor_do_not_match() -> None:
    with pytest.raises(cddl.Mismatch):
        cddl.check("frame_ping", b"\x82\x08")


def test_every_frame_has_a_good_and_a_bad_example() -> None:
    frames = {rule for rule in cddl.rules() if rule.startswith("frame_")}
    assert frames == {root_of(name) for name in GOOD if name.startswith("frame_")}
    assert frames - {root_of(name) for name in BAD} <= {"frame_att_req"}
