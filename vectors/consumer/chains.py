"""Processing chains: section 12.2, with signers' certificates given."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from . import pki
from .identifiers import IDS
from .labels import LABEL_MAP
from .refusal import ensure
from .sign1 import Sign1
from .strict import load

ACTIONS = {
    f"tc.{name}" for name in ("created", "processed", "aggregated", "filtered", "redacted", "confirmed", "forwarded")
}
DEPTH, INPUTS, LABELS = 32, 64, 1024


class _Label:
    def __init__(self, octets: bytes, signers: dict[bytes, pki.Certificate]) -> None:
        self.found = Sign1(load(octets))
        self.signers = signers
        self.said = self.found.protected[LABEL_MAP]
        self.inputs = self.said.get(6, [])
        self.action = self.said.get(5)

    def check(self, inputs: list[_Label]) -> None:
        """Everything about this one label. Raises Refused."""
        header, action = self.found.protected, self.action
        ensure(len(self.inputs) <= INPUTS, "too many inputs")
        ensure(not self.inputs or action is not None, "no action")
        if action is not None:
            ensure(
                isinstance(action.get(2), str) and action[2] and isinstance(action.get(3), bytes), "agent, parameters"
            )
            ensure(action[1] in ACTIONS, "an unknown action")
            ensure((action[1] == "tc.created") != bool(self.inputs), "inputs of this action")
            kept = all(data == self.found.payload for _, _, data in self.inputs)
            ensure(action[1] != "tc.forwarded" or kept, "forwarded and changed")
        for (_, _, data), made in zip(self.inputs, inputs, strict=True):
            ensure(data == made.found.payload, "named with other data")
        ensure(header[1] == -7 and header[16] == IDS["media_type"]["label"] and header[258] == -16, "header")
        ensure(header[34][0] == -16 and header[34][1] in self.signers, "an unknown signer")
        leaf = self.signers[header[34][1]]
        self.found.verify(leaf.key, IDS["external_aad"]["label"])
        ensure(header[15][2] == leaf.uris[0] and header[15][1] == leaf.platform, "another identity")


def chain(given: dict[str, Any]) -> dict[str, int]:
    """Operation `chain`: each label once, inputs first."""
    signers = {item.digest: item for item in pki.certificates(given["signers"])}
    labels = [bytes.fromhex(item) for item in (given["label"], *given["labels"])]
    ensure(len(set(labels)) <= LABELS, "too many labels")
    known = {sha256(octets).digest(): _Label(octets, signers) for octets in labels}
    heights: dict[bytes, int] = {}
    waiting = [(sha256(labels[0]).digest(), False)]
    opened: set[bytes] = set()
    while waiting:
        digest, done = waiting.pop()
        if digest in heights:
            continue
        ensure(digest in known, "a label is missing")
        below = [item[1] for item in known[digest].inputs]
        if not done:
            ensure(digest not in opened, "made from itself")
            opened.add(digest)
            waiting.append((digest, True))
            waiting += [(item, False) for item in below if item not in heights]
            continue
        known[digest].check([known[item] for item in below])
        heights[digest] = 1 + max((heights[item] for item in below), default=0)
        ensure(heights[digest] <= DEPTH, "too deep")
    return {"labels": len(known)}
