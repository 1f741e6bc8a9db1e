"""Faults of judging virtualized roots of trust: who endorsed them, which generation they are, and what runs twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..identity.certificate import Certificate
from ..identity.virtual import VirtualRoot, read_virtual_root
from ..identity.world import World
from .fault import Fault, fault
from .operators import Condition, accepts, decides, forgives, refuses
from .run import Judge

LOW_OCTET = 0xFF


def _both(rest: str, judge: Judge) -> dict[str, Judge]:
    """The judge for the credential of either side."""
    return {f"cred_{side}_{rest}": judge for side in "ri"}


def _of_issuer(condition: Callable[[Certificate, Certificate], bool]) -> Condition:
    """Of the leaf and its issuer."""

    def holds(world: World, id_cred: bytes) -> bool:
        credential = world.credential(id_cred)
        issuer = world.issuer(credential)
        return issuer is not None and condition(credential.leaf, issuer)

    return holds


def _of_root(condition: Callable[[World, VirtualRoot], bool]) -> Condition:
    """Of what a leaf says about its virtualized root; true where it has none."""

    def holds(world: World, id_cred: bytes) -> bool:
        virtual = world.credential(id_cred).leaf.virtual
        return virtual is None or condition(world, read_virtual_root(virtual))

    return holds


def _highest(world: World, root: VirtualRoot) -> int:
    return world.memory.generations.get(root.ueid + root.instance, 0)


def _is_virtual(world: World, id_cred: bytes) -> bool:
    return world.credential(id_cred).leaf.virtual is not None


def _endorses_and_signs_lists(leaf: Certificate, issuer: Certificate) -> bool:
    return bool(issuer.platform) and issuer.signs_crls


_FORMS = (
    ("not_critical", "missing", "critical flag", "not critical", "A tc-virtual that is not critical passes."),
    ("malformed", "exception as success", "tc-virtual", "in DER", "What cannot be read of tc-virtual passes."),
    ("absent", "absent", "tc-virtual", "without tc-virtual", "A tenant's leaf without tc-virtual passes."),
    ("of_another_platform", "confusion", "UEID", "another physical root", "The UEID in tc-virtual is not compared."),
)  # fmt: skip
_ENDORSERS: tuple[tuple[str, str, str, Condition, str], ...] = (
    ("endorser_of_any_kind", "any of several", "issuer", _of_issuer(lambda leaf, issuer: not issuer.platform),
     "Any authority may endorse a virtualized root."),
    ("endorser_without_end", "absent", "path length", _of_issuer(lambda leaf, issuer: issuer.path_length is None),
     "An endorsement authority without a path length passes."),
    ("endorser_signs_lists", "any of several", "key usage", _of_issuer(_endorses_and_signs_lists),
     "An endorsement authority that may sign revocation lists passes."),
)  # fmt: skip


def virtual_faults() -> Iterator[Fault]:
    """All faults about virtualized roots of trust."""
    for name, operator, what, reason, sentence in _FORMS:
        judges = _both("virtual_root_is_well_formed", forgives(reason))
        yield fault(f"virtual_root_{name}", sentence, "VRT-03", operator, what, judges=judges)
    for name, operator, what, condition, sentence in _ENDORSERS:
        judges = _both("virtual_root_is_endorsed", accepts(condition))
        yield fault(name, sentence, "VRT-01", operator, what, judges=judges)
    for name, what, judge, sentence in (
        ("endorser_key_of_the_leaf", "key of the leaf", accepts(_of_issuer(lambda leaf, up: leaf.spki == up.spki)),
         "The endorsement authority's key may be the leaf's."),
        ("endorser_key_of_others", "keys of others", accepts(_of_issuer(lambda leaf, up: leaf.spki != up.spki)),
         "The endorsement authority's key is compared with the leaf's alone."),
    ):  # fmt: skip
        judges = _both("endorser_key_is_for_that_alone", judge)
        yield fault(name, sentence, "VRT-02", "missing", what, judges=judges)
    for name, what, condition, sentence in (
        ("begins_before_its_endorser", "notBefore",
         _of_issuer(lambda leaf, issuer: leaf.not_after <= issuer.not_after),
         "A leaf may begin before its endorsement authority."),
        ("ends_after_its_endorser", "notAfter", _of_issuer(lambda leaf, issuer: leaf.not_before >= issuer.not_before),
         "A leaf may end after its endorsement authority."),
    ):  # fmt: skip
        yield fault(name, sentence, "VRT-04", "missing", what, judges=_both("validity_is_nested", accepts(condition)))
    yield fault(
        "virtual_root_refused", "Every virtualized root is refused, whatever the policy.", "VRT-06", "false reject",
        "policy", judges=_both("root_may_be_virtual", refuses(_is_virtual)),
    )  # fmt: skip
    yield from _generation_faults()
    yield fault(
        "boot_seed_absent_passes", "Evidence of a virtualized root without a boot seed passes.", "VRT-08", "absent",
        "boot seed", judges={"boot_seed_is_of_one_instance": forgives("no boot seed")},
    )  # fmt: skip
    yield fault(
        "one_session_for_a_tenant", "A second session of a virtualized root is refused, whatever its boot seed.",
        "VRT-08", "false reject", "second session",
        judges={"boot_seed_is_of_one_instance": refuses(lambda w, _, cred: w.memory.live.sessions(_leaf(w, cred)) > 1)},
    )  # fmt: skip


def _generation_faults() -> Iterator[Fault]:
    check = "generation_is_not_older"
    for name, operator, what, judge, sentence in (
        ("same_generation_refused", "off by one", "generation",
         decides(_of_root(lambda w, root: root.generation > _highest(w, root))),
         "A generation that was accepted before is refused."),
        ("generation_of_any_instance", "confusion", "instance",
         decides(_of_root(lambda w, root: root.generation >= max(w.memory.generations.values(), default=0))),
         "A generation is compared with those of other instances."),
        ("generation_low_octet", "prefix", "generation",
         decides(_of_root(lambda w, root: root.generation & LOW_OCTET >= _highest(w, root) & LOW_OCTET)),
         "Only the last octet of a generation is compared."),
    ):  # fmt: skip
        yield fault(name, sentence, "VRT-07", operator, what, judges=_both(check, judge))
    yield fault(
        "restart_loses_generations", "A restart loses the highest generations.", "VRT-07", "reset lost",
        "generations after restart", source="A31", kept=lambda saved: {**saved, "generations": {}},
    )  # fmt: skip


def _leaf(world: World, id_cred: bytes) -> bytes:
    return world.credential(id_cred).leaf.sha256
