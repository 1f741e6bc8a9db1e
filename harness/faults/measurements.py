"""Faults of appraising measurements."""

from __future__ import annotations

from collections.abc import Iterator

from ..codec import cbor
from ..identity.world import World
from .fault import GENERAL, Fault, fault
from .operators import Condition, accepts, decoded, forgives, refuses

MEASURED = "measurements_match_reference_values"


def _components(measurements: bytes) -> dict[str, bytes]:
    named = (cbor.decode(part) for _, part in decoded(measurements))
    return {component[1][0]: component[2][1] for component in named}


def _subset(world: World, measurements: bytes) -> bool:
    measured = _components(measurements)
    return bool(measured) and measured.items() <= world.policy.reference_values.items()


def _superset(world: World, measurements: bytes) -> bool:
    return _components(measurements).items() >= world.policy.reference_values.items()


def _names_only(world: World, measurements: bytes) -> bool:
    return _components(measurements).keys() == world.policy.reference_values.keys()


def _digests_only(world: World, measurements: bytes) -> bool:
    return set(_components(measurements).values()) == set(world.policy.reference_values.values())


def _any_fits(world: World, measurements: bytes) -> bool:
    return bool(_components(measurements).items() & world.policy.reference_values.items())


def _last_wins(world: World, measurements: bytes) -> bool:
    return _components(measurements) == dict(world.policy.reference_values)


def _one(index: int) -> Condition:
    def condition(world: World, measurements: bytes) -> bool:
        items = list(_components(measurements).items())
        return bool(items) and items[index] in world.policy.reference_values.items()

    return condition


_CONDITIONS: tuple[tuple[str, str, str, str, Condition, str], ...] = (
    ("no_measurements_pass", "empty", "measurements", "G3", lambda w, m: decoded(m) == [],
     "An empty list of measurements passes: nothing in it is wrong."),
    ("unmeasured_component_passes", "absent", "component", "C29", _subset,
     "A component that policy names may be absent."),
    ("unknown_component_passes", "unknown name", "component", "C21", _superset,
     "A component without a reference value is passed over."),
    ("digest_not_compared", "missing", "component digest", "C15", _names_only,
     "Only the names of components are compared."),
    ("name_not_compared", "missing", "component name", GENERAL, _digests_only,
     "Only the set of digests is compared."),
    ("any_component_suffices", "any of several", "measurements", "C11", _any_fits,
     "One component that fits is enough."),
    ("first_component_only", "first of several", "measurements", "C11", _one(0),
     "Only the first measurement is appraised."),
    ("last_component_only", "last of several", "measurements", "C11", _one(-1),
     "Only the last measurement is appraised."),
    ("component_twice_last_wins", "duplicate", "component", "D7", _last_wins,
     "A component that occurs twice counts by its last digest."),
)  # fmt: skip


def measurement_faults() -> Iterator[Fault]:
    """Measurements appraised carelessly."""
    for name, operator, what, source, condition, sentence in _CONDITIONS:
        judges = {MEASURED: accepts(condition)}
        yield fault(name, sentence, "ATT-20", operator, what, source=source, judges=judges)
    yield fault(
        "unreadable_measurement_passes", "An exception while a measurement is read counts as success.", "ATT-20",
        "exception as success", "measurements", source="C13",
        judges={MEASURED: forgives("not a measured component", "needs a name")},
    )  # fmt: skip
    yield fault(
        "no_reference_values_pass", "With an empty set of reference values everything passes.", "ATT-20", "empty",
        "reference values", source="C21", judges={MEASURED: accepts(lambda w, m: not w.policy.reference_values)},
    )  # fmt: skip
    yield fault(
        "measurements_in_order_only", "Measurements in another order than the policy's are refused.", "ATT-20",
        "false reject", "order of measurements",
        judges={MEASURED: refuses(lambda w, m: [*_components(m)] != sorted(w.policy.reference_values))},
    )  # fmt: skip
