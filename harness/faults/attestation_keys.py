"""Faults of judging the attestation key, its certificate, and what it signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...model.distort import at, changed, unchecked
from ...model.protocol.attestation import EVIDENCE, evidence_checks
from ...model.protocol.frames import SIDES
from ...model.symbols import unary
from ...model.table import Form, Verifies
from ..codec import cbor
from ..evaluator.errors import CheckFailed
from ..identity.errors import Refused
from ..identity.oids import EKU_EAT_AK
from ..identity.world import World
from .binders import attester
from .fault import BOTH, GENERAL, SERVICE, Fault, fault
from .operators import accepts, decides, forgives, or_equals
from .run import FaultyRun

PATH_REASONS = (
    ("an issuer is not", "path_without_ca", "basic constraints", "E1", "an issuer need not be an authority"),
    ("authorities below", "path_too_long", "path length", GENERAL, "the path length constraint is not judged"),
    ("name", "path_beyond_constraints", "name constraints", "E3", "name constraints are not judged"),
    ("is not understood", "path_critical", "critical extension", "E5", "unknown critical extensions are passed over"),
    ("no pinned root", "path_without_root", "trust anchor", "C37", "any root will do"),
    ("not signed by its issuer", "path_unlinked", "issuer", "A15", "certificates need not be linked"),
    ("the end-entity", "path_leaf_is_ca", "leaf", "C37", "an authority's certificate may stand as leaf"),
)
"""What a path is refused for, and the fault that forgives it."""


def key_faults() -> Iterator[Fault]:
    """The attestation key and its certificate judged carelessly."""
    yield fault(
        "attestation_usage_among_others", "An attestation certificate with further purposes passes.", "ATT-13",
        "any of several", "extended key usage", source="E5",
        judges={"ak_is_for_eat": decides(lambda w, chain: EKU_EAT_AK in w.x5chain(chain).leaf.eku)},
    )  # fmt: skip
    yield fault(
        "attestation_usage_absent_passes", "An attestation certificate without a purpose passes.", "ATT-13", "absent",
        "extended key usage", source="C29",
        judges={"ak_is_for_eat": accepts(lambda w, chain: not w.x5chain(chain).leaf.eku)},
    )  # fmt: skip
    yield fault(
        "identity_key_by_certificate", "The attestation key is told from the identity key by its certificate alone.",
        "ATT-14", "wrong value", "key", source="B23",
        judges={"ak_is_not_the_identity_key": decides(_other_certificate)},
    )  # fmt: skip
    yield fault(
        "attestation_leaf_validity_only", "Of the attestation key's path only the leaf's validity is judged.",
        "ATT-15", "first of several", "validity period",
        judges={"ak_is_in_validity": decides(lambda w, chain: _valid(w, w.x5chain(chain).leaf))},
    )  # fmt: skip
    for check, requirement, what in (
        ("bootcount_has_not_fallen", "ATT-35", "boot counts"),
        ("tpm_reset_count_has_not_fallen", "TPM-13", "reset counts"),
    ):
        yield fault(
            f"{check}_by_certificate", f"The highest {what} are remembered by certificate, not by key.", requirement,
            "wrong key", what, judges={check: decides(_counted_by_certificate)},
        )  # fmt: skip
    yield fault(
        "platform_prefix", "Of the platform name in the attestation certificate only the beginning is compared.",
        "ATT-19", "prefix", "platform URN", source="G13", judges={"ak_names_peer_device": decides(_same_start)},
    )  # fmt: skip
    yield fault(
        "platform_absent_passes", "An attestation certificate that names no platform passes.", "ATT-19", "absent",
        "platform URN", source="C29",
        judges={"ak_names_peer_device": accepts(lambda w, chain, cred: not w.x5chain(chain).leaf.platform)},
    )  # fmt: skip
    yield fault(
        "platform_among_others", "An attestation certificate that names further platforms passes.", "ATT-19",
        "any of several", "platform URN", judges={"ak_names_peer_device": accepts(_one_of_its_names)},
    )  # fmt: skip
    yield fault(
        "x5t_of_any_in_chain", "The protected thumbprint may name any certificate of the chain.", "ATT-09",
        "any of several", "x5t", source="A15", judges={"eat_x5t_is_the_ak": or_equals(_issuer_x5t)},
    )  # fmt: skip
    for reason, name, what, source, sentence in PATH_REASONS:
        yield fault(
            f"attestation_{name}", f"In the path of the attestation key {sentence}.", "ATT-12", "missing", what,
            source=source, judges={"ak_path_verifies": forgives(reason)},
        )  # fmt: skip
    yield fault(
        "eat_signature_unreadable_passes", "A signature that cannot be read counts as good.", "ATT-11",
        "exception as success", "signature", source="D23", judges={"eat_signature_verifies": accepts(degenerate)},
    )  # fmt: skip
    yield fault(
        "eat_signed_by_identity_key", "A token signed by the identity key passes.", "ATT-11", "any of several", "key",
        source="D25", judges={"eat_signature_verifies": _by_identity_key},
    )  # fmt: skip


def _counted_by_certificate(world: World, chain: bytes, count: bytes) -> bool:
    """Of an encoded boot count, or of a reset count of four octets."""
    number = int.from_bytes(count, "big") if len(count) == 4 else cbor.decode(count)
    try:
        world.memory.accept_bootcount(world.x5chain(chain).leaf.sha256, number)
    except Refused:
        return False
    return True


def _other_certificate(world: World, chain: bytes, id_cred: bytes) -> bool:
    return world.x5chain(chain).leaf.sha256 != world.credential(id_cred).leaf.sha256


def _same_start(world: World, chain: bytes, id_cred: bytes) -> bool:
    return world.x5chain(chain).leaf.platform[:40] == world.credential(id_cred).leaf.platform[:40]


def _one_of_its_names(world: World, chain: bytes, id_cred: bytes) -> bool:
    return world.credential(id_cred).leaf.platform in world.x5chain(chain).leaf.uris


def _valid(world: World, certificate: Any) -> bool:
    return bool(certificate.not_before <= world.time() <= certificate.not_after)


def _issuer_x5t(run: FaultyRun) -> bytes:
    """The thumbprint of the certificate behind the attestation key's."""
    chain = run.world.x5chain(run.value(EVIDENCE[attester(run)].token.chain)).chain
    return cbor.encode([-16, chain[0].sha256]) if chain else b""


def degenerate(world: World, key: Any, signature: bytes, message: bytes) -> bool:
    """Whether r or s lies outside the range of numbers that a signature can have."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return any(not 0 < int.from_bytes(signature[i : i + 32], "big") < order for i in (0, 32))


def _by_identity_key(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
    try:
        honest()
    except CheckFailed:
        assert isinstance(form, Verifies)
        key = run.value(unary("public_key", SIDES[attester(run)].party.cred))
        run.algorithm(form.algorithm).verify(key, run.value(form.slot), run.value(form.message))


def again_faults() -> Iterator[Fault]:
    """Two entry points that differ: what is asked of evidence in epoch 0 is not asked again."""
    of_services = {step.check for step in evidence_checks(SIDES["R"], again=True)}
    for step in evidence_checks(SIDES["I"], again=True)[:-1]:
        check = step.check
        roles = BOTH if check in of_services else SERVICE
        yield fault(
            f"{check.name}_first_only", f"Later evidence is appraised without {check.name}.", check.requirement,
            "two entry points", f"re-attestation {check.name}", roles, source="C17",
            table=changed(at("ATT", "OPEN", "EXPIRED"), unchecked(check.name)),
        )  # fmt: skip
    yield fault(
        "bootcount_not_kept", "In EXPIRED the boot count of the first evidence is forgotten.", "ATT-24", "reset lost",
        "re-attestation in EXPIRED", table=changed(at("ATT", "EXPIRED"), unchecked("bootcount_has_not_changed")),
    )  # fmt: skip
