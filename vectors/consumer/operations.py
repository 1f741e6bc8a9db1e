"""What this program can be asked, by the names that vectors use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import (
    appraisal,
    blocks,
    chains,
    channel,
    collected,
    edhoc,
    grammar,
    hello,
    labels,
    pki,
    properties,
    psa,
    results,
    sessions,
    sign1,
    tpm,
    virtual,
)
from .strict import load, tree

Input = Any
Output = dict[str, Any] | None


def _cbor(given: Input) -> Output:
    return {"value": tree(load(bytes.fromhex(given["octets"])))}


def _grammar(given: Input) -> Output:
    grammar.check(given["rule"], bytes.fromhex(given["octets"]), sequence=given["sequence"])
    return None


OPERATIONS: dict[str, Callable[[Input], Output]] = {
    "cbor": _cbor,
    "grammar": _grammar,
    "edhoc": edhoc.handshake,
    "edhoc-kdf": channel.edhoc_kdf,
    "edhoc-session-key": channel.session_key,
    "tls-exporter": channel.tls_exporter,
    "binder": channel.binder,
    "records": channel.records,
    "certificate": pki.certificate,
    "status": pki.status,
    "virtual-certificate": virtual.certificate,
    "virtual-evidence": virtual.evidence,
    "pseudonym-certificate": pki.pseudonym,
    "pseudonym-evidence": appraisal.eat,
    "evidence": appraisal.eat,
    "blocks": blocks.content,
    "block": blocks.block,
    "chain": chains.chain,
    "label": labels.label,
    "label-tpm": labels.of_tpm,
    "label-psa": labels.of_psa,
    "psa-evidence": psa.evidence,
    "cose-sign1": sign1.operation,
    "property-proof": properties.property_proof,
    "session": sessions.session,
    "result": results.result,
    "passport": results.passport,
    "hello": hello.hello,
    "collection-evidence": collected.evidence,
    "tpm-structure": tpm.structure,
    "tpm-evidence": tpm.evidence,
}
