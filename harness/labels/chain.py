"""Processing chains (section 12.2): a label, the labels of what its data was made from, theirs, down to the originals.

Each label is visited once, however often it is referred to, without recursion; so a chain costs what its labels and
their inputs cost, and its shape can exhaust nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ...spec import identifiers
from .errors import LabelError, short
from .label import Label, parse

_LIMITS = identifiers()["limit"]
CREATED, FORWARDED, CONFIRMED = "tc.created", "tc.forwarded", "tc.confirmed"
ACTIONS = frozenset(
    {CREATED, "tc.processed", "tc.aggregated", "tc.filtered", "tc.redacted", CONFIRMED, FORWARDED}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """Labels on the longest way down, inputs of one label, and labels of a chain (CHN-10)."""

    depth: int = _LIMITS["chain_depth"]
    inputs: int = _LIMITS["chain_inputs"]
    labels: int = _LIMITS["chain_labels"]


PROFILE = Limits()
Find = Callable[[bytes], Label | None]
"""The label with a digest, if it is there."""


class Chain:
    """A label and what it was made from. `labels` are all but the first, by the digest of their octets."""

    def __init__(self, top: Label, labels: Mapping[bytes, Label]) -> None:
        self.top = top
        self.find: Find = labels.get

    @classmethod
    def of(cls, top: bytes, labels: Iterable[bytes]) -> Chain:
        """From octets. Raises LabelError for a label that cannot be read."""
        return cls(parse(top), {label.digest: label for label in map(parse, labels)})

    def ordered(self, limits: Limits | None = PROFILE, *, incomplete: bool = False) -> list[Label]:
        """Every label once, inputs before what was made from them, so that the first label comes last.

        Raises LabelError for a label that is not there, unless the chain may be `incomplete`, for one that is made
        from itself, and for a chain beyond the limits.
        """
        heights: dict[bytes, int] = {}
        opened: set[bytes] = set()
        order: list[Label] = []
        stack = [self.top]
        while stack:
            label = stack[-1]
            if label.digest in heights:
                stack.pop()
            elif label.digest not in opened:
                opened.add(label.digest)
                _check_width(label, len(opened), limits)
                stack.extend(self._inputs(label, heights, opened, incomplete))
            else:
                stack.pop()
                heights[label.digest] = self._height(label, heights, limits)
                order.append(label)
        return order

    def _inputs(
        self, label: Label, heights: Mapping[bytes, int], opened: set[bytes], incomplete: bool
    ) -> Iterable[Label]:
        for item in label.inputs:
            if item.label in heights:
                continue
            if item.label in opened:
                raise LabelError("CHN-10", "inputs", "the data was made from itself", label=label.digest)
            found = self.find(item.label)
            if found is not None:
                yield found
            elif not incomplete:
                raise LabelError("CHN-08", "inputs", f"label {short(item.label)} is missing", label=label.digest)

    @staticmethod
    def _height(label: Label, heights: Mapping[bytes, int], limits: Limits | None) -> int:
        height = 1 + max((heights.get(item.label, 0) for item in label.inputs), default=0)
        if limits is not None and height > limits.depth:
            raise LabelError("CHN-10", "depth", f"more than {limits.depth} labels deep", label=label.digest)
        return height


def _check_width(label: Label, labels: int, limits: Limits | None) -> None:
    if limits is None:
        return
    if labels > limits.labels:
        raise LabelError("CHN-10", "labels", f"more than {limits.labels} in the chain", label=label.digest)
    if len(label.inputs) > limits.inputs:
        raise LabelError("CHN-10", "inputs", f"{len(label.inputs)}, at most {limits.inputs}", label=label.digest)


def check_action(label: Label, known: frozenset[str] = ACTIONS) -> None:
    """Raise LabelError unless action and inputs are there as they must be (CHN-06, CHN-07, CHN-11)."""
    check_complete(label)
    check_known(label, known)
    check_origin(label)


def check_complete(label: Label) -> None:
    """Raise LabelError unless what was made from something tells how: action, agent and parameters (CHN-06)."""
    action = label.action
    if action is None:
        if label.inputs:
            reason = "none is named for data that was made from other data"
            raise LabelError("CHN-06", "action", reason, label=label.digest)
    elif not action.agent or action.parameters is None:
        raise LabelError("CHN-06", "action", "no agent or no digest of parameters", label=label.digest)


def check_known(label: Label, known: frozenset[str] = ACTIONS) -> None:
    """Raise LabelError for an action that is not known (CHN-07)."""
    if label.action is not None and label.action.name not in known:
        raise LabelError("CHN-07", "action", f"{label.action.name} is unknown", label=label.digest)


def check_origin(label: Label) -> None:
    """Raise LabelError for data that was created from something, or processed from nothing (CHN-11)."""
    if label.action is not None and (label.action.name == CREATED) == bool(label.inputs):
        there = "has inputs" if label.inputs else "has no input"
        raise LabelError("CHN-11", "inputs", f"{label.action.name} {there}", label=label.digest)


def check_inputs(label: Label, find: Find) -> None:
    """Raise LabelError unless each input that is there has the data under which it is named (CHN-08)."""
    for item in label.inputs:
        found = find(item.label)
        if found is not None and found.payload != item.data:
            reason = f"label {short(item.label)} is about other data"
            raise LabelError("CHN-08", "inputs", reason, label=label.digest)


def check_forwarded(label: Label) -> None:
    """Raise LabelError where forwarded data is not that of every input (CHN-13)."""
    forwarded = label.action is not None and label.action.name == FORWARDED
    if forwarded and any(item.data != label.payload for item in label.inputs):
        raise LabelError("CHN-13", "data", "was changed while it was forwarded", label=label.digest)
