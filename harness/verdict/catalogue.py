"""The requirements that a run reports on, each with its status while no test has given it a verdict."""

from collections.abc import Collection

from ...model.checks import BINDING_OF
from ...spec import Requirement, Testability, requirements
from .records import RequirementRecord
from .verdict import NotApplicable, NotExercised, NotYetImplemented, Standing

_PEERS = frozenset({"device", "service"})
_EVERY_PEER = frozenset({"any", "attester", "relying-party"})
_INSTEAD = {
    Testability.ICS: "a statement of the implementer decides it",
    Testability.ATTESTED: "an attested claim or a certificate decides it",
    Testability.LABORATORY: "an examination of the product decides it",
}


def requirement_records(roles: Collection[str], binding: str = "edhoc") -> list[RequirementRecord]:
    """All requirements, in the order of the chapters, for implementations of these roles over a binding."""
    return [RequirementRecord(item.id, _standing(item, roles, binding)) for item in requirements().values()]


def _standing(requirement: Requirement, roles: Collection[str], binding: str) -> Standing:
    if BINDING_OF.get(requirement.id[:3], binding) != binding:
        return NotApplicable(f"the binding is {binding}")
    bound = {*roles, *(_EVERY_PEER if _PEERS.intersection(roles) else ())}
    if not bound.intersection(requirement.roles):
        return NotApplicable(f"it binds: {', '.join(requirement.roles)}")
    if not requirement.implemented:
        return NotYetImplemented("this version of the suite does not cover it")
    return NotExercised(_INSTEAD.get(requirement.testability, "no selected test cites it"))
