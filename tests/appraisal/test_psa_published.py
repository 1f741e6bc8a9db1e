"""The PSA token that RFC 9783 publishes, before the reference verifier: affirmed as it is, and under nothing else."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2
import pytest

from trustconn.harness.codec import cbor, cose
from trustconn.harness.identity.certificate import PublicKey
from trustconn.harness.identity.oids import EKU_PSA_AK, KEY_IN_HSM
from trustconn.harness.identity.pki import encode_x5chain, issue_leaf, leaf_spec
from trustconn.harness.identity.policy import PSA_TOKEN, Policy
from trustconn.harness.identity.tam import platform_urn
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.tester.result import AFFIRMING, read_reply
from trustconn.harness.tester.verifier_session import LocalVerifier
from trustconn.harness.verifier.policy import AppraisalPolicy

DATA = Path(__file__).parents[1] / "data" / "psa"
UEID, BINDER = b"\x01" + b"\x02" * 32, b"\x01" * 32
POLICY = "published"
KNOWN = Policy(accepted=(PSA_TOKEN,), reference_values={"PRoT": b"\x03" * 32}, implementations=(bytes(32),))


def published_key() -> PublicKey:
    jwk = json.loads((DATA / "tfm-es-iak.json").read_text())
    x, y = (base64.urlsafe_b64decode(jwk[name] + "=") for name in "xy")
    return cose.public_from_cose_key({1: 2, -1: 1, -2: x, -3: y})


def endorsed(pki: TesterPki) -> bytes:
    """The token as published, in octets of its own, with a certificate of its key in the unprotected header."""
    spec = replace(
        leaf_spec(pki.seed, pki.now, "attestation", (platform_urn(UEID),), "published"), key=published_key(),
        eku=(EKU_PSA_AK,),
    )  # fmt: skip
    issued = issue_leaf(spec, pki.attestation.issuing)
    tagged = cbor2.loads((DATA / "psa-sign1.cbor").read_bytes())
    protected, unprotected, claims, signature = tagged.value
    assert unprotected == {}
    chain = cbor.decode(encode_x5chain(issued.certificate, issued.chain))
    return cbor.encode(cbor2.CBORTag(18, [protected, {33: chain}, claims, signature]))


def answer(policy: Policy = KNOWN, binder: bytes = BINDER, ueid: bytes = UEID) -> str:
    verifier = LocalVerifier(seed=b"published")
    pki = verifier.pki
    verifier.verifier.policies = {POLICY: AppraisalPolicy(POLICY, policy)}
    spec = leaf_spec(pki.seed, pki.now, "device", (platform_urn(ueid),), "published identity")
    leaf = issue_leaf(replace(spec, policies=(KEY_IN_HSM,)), pki.device.issuing).certificate
    context = ["tc1-binder", 0, 0, bytes(32), leaf.sha256, bytes(32), bytes(32)]
    record = cbor.encode([PSA_TOKEN, endorsed(pki), 4])
    request = {1: record, 2: binder, 3: cbor.encode(context), 4: POLICY, 5: leaf.der}
    reply, how = verifier.send(cbor.encode(request))
    assert reply is not None, how
    return read_reply(reply)


def test_the_published_token_is_affirmed() -> None:
    assert answer() == AFFIRMING


@pytest.mark.parametrize(
    "changed",
    [
        {"binder": bytes(32)},
        {"ueid": b"\x01" + b"\x03" * 32},
        {"policy": replace(KNOWN, implementations=(b"\x01" * 32,))},
        {"policy": replace(KNOWN, reference_values={"PRoT": b"\x04" * 32})},
        {"policy": replace(KNOWN, reference_values={"PRoT": b"\x03" * 32, "BL": bytes(32)})},
    ],
    ids=["another binder", "another platform", "another implementation", "another measurement", "more is demanded"],
)
def test_the_published_token_is_affirmed_for_nothing_else(changed: dict[str, Any]) -> None:
    assert answer(**changed) not in (AFFIRMING, "verifier-error:5")
