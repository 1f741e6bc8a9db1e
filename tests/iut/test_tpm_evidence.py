"""Peers that attest by a TPM beside peers that attest by tokens: what both HELLOs choose, in each direction."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from two_peers import Watched, exchange, watched

from trustconn.harness.identity.policy import EAT_CWT, TPM_FORMAT, Policy
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.identity.tam import COMPONENTS, EVENT_TYPES
from trustconn.harness.identity.world import World
from trustconn.model.protocol.forms import chosen

NOW = 1_800_000_000
BOTH = (EAT_CWT, TPM_FORMAT)


def session(binding: str, **policies: dict[str, Any]) -> tuple[Watched, Watched]:
    """Device and service with these changes of policy, after everything has been said."""
    device, service, _ = make_pair(b"evidence of both kinds", NOW)
    for world in (device, service):
        world.policy = dataclasses.replace(world.policy, **policies.get(world.role, {}))
    return watched(device, service, binding)


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
@pytest.mark.parametrize(
    ("device_accepts", "service_accepts", "of_service", "of_device"),
    [
        ((TPM_FORMAT,), (TPM_FORMAT,), TPM_FORMAT, TPM_FORMAT),
        ((EAT_CWT,), (TPM_FORMAT, EAT_CWT), EAT_CWT, TPM_FORMAT),
        ((TPM_FORMAT, EAT_CWT), (EAT_CWT, TPM_FORMAT), TPM_FORMAT, EAT_CWT),
    ],
)
def test_each_direction_has_the_evidence_that_was_chosen(
    binding: str,
    device_accepts: tuple[int | str, ...],
    service_accepts: tuple[int | str, ...],
    of_service: object,
    of_device: object,
) -> None:
    device, service = session(
        binding,
        device={"offered": BOTH, "accepted": device_accepts},
        service={"offered": BOTH, "accepted": service_accepts},
    )
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert (device.shown, service.shown) == (of_service, of_device)
    for end in (device, service):
        end.reattest()
        end.send_data(b"data")
        exchange(device, service)
        end.send_data(b"more data")
        exchange(device, service)
    for end in (device, service):
        assert sum(event.name == "label_accepted" for event in end.events) == 2
        assert sum(event.name == "evidence_accepted" for event in end.events) == 2


def by_register(world: World, **events: int) -> dict[str, Any]:
    """Its reference values by register, with these types of events in place of the usual ones."""
    values = {f"pcr-{COMPONENTS[name]}": digest for name, digest in world.policy.reference_values.items()}
    types = {int(name[4:]): kind for name, kind in events.items()}
    return {"accepted": (TPM_FORMAT,), "reference_values": values, "event_types": {**EVENT_TYPES, **types}}


def test_reference_values_may_name_registers_and_say_what_events_they_expect(tmp_path: Path) -> None:
    _, world, _ = make_pair(b"evidence of both kinds", NOW)
    for types, state in (({}, "OPEN"), ({"pcr_4": 6}, "CLOSED")):
        policy = dataclasses.replace(world.policy, **by_register(world, **types))
        policy.save(tmp_path)
        assert Policy.load(tmp_path, "service") == policy
        of_service = {"accepted": policy.accepted, "reference_values": policy.reference_values}
        device, service = session(
            "edhoc", device={"offered": BOTH}, service={**of_service, "event_types": policy.event_types}
        )
        assert service.state == device.state == state


def test_a_party_that_accepts_no_tpm_refuses_the_hello_of_one_that_offers_nothing_else() -> None:
    device, service = session("edhoc", service={"offered": (TPM_FORMAT,)})
    assert "evidence_formats_overlap" in {event.fields.get("check") for event in device.events}
    assert service.state == "CLOSED"


def test_the_first_accepted_type_that_is_offered_is_chosen_else_the_first_offered() -> None:
    assert chosen((1, 2), (2, 1)) == 1
    assert chosen((3, 2), (1, 2)) == 2
    assert chosen((3,), (1, 2)) == 1
    assert chosen((), (1,)) == 1
    assert chosen((1,), ()) is None
