"""Peers that attest by PSA tokens beside peers that attest by tokens of the profile or by a TPM."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from trustconn.harness.codec import cbor
from trustconn.harness.identity.policy import EAT_CWT, PSA_TOKEN, TPM_FORMAT, Policy, PolicyError
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.psa import IMPLEMENTATION, on_psa, psa_party
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.spec import cddl

NOW = 1_800_000_000


class Watched(Endpoint):
    """Keeps the type of the evidence that its peer sends, and looks at it by the grammar."""

    seen: object = None

    def observe(self, name: str, data: bytes) -> None:
        if name in ("ATT_I", "ATT_R"):
            cddl.check("frame_att", data)
            self.seen, evidence, _ = cbor.decode(cbor.decode(data)[1][2])
            if self.seen == PSA_TOKEN:
                cddl.check("psa_token", evidence)
                cddl.check("psa_claims", cbor.decode(evidence).value[2])
        if name in ("DATA_I", "DATA_R"):
            cddl.check("frame_data", data)


def session(binding: str, **policies: dict[str, Any]) -> tuple[Watched, Watched]:
    """Device and service on PSA platforms with these changes of policy, after everything has been said."""
    device, service, pki = make_pair(b"evidence of a PSA root of trust", NOW)
    for world in (device, service):
        world.credentials = psa_party(pki, world.role)
        world.policy = dataclasses.replace(on_psa(world.policy), **policies.get(world.role, {}))
    ends = Watched("device", device, binding=binding), Watched("service", service, binding=binding)
    for end in ends:
        end.start()
    exchange(*ends)
    return ends


def exchange(device: Endpoint, service: Endpoint) -> None:
    """Hand octets to and fro until nobody has any."""
    while (sent := device.data_to_send()) or (answered := service.data_to_send()):
        if sent:
            service.receive_data(sent)
        else:
            device.receive_data(answered)


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
@pytest.mark.parametrize(
    ("device_accepts", "service_accepts", "of_service", "of_device"),
    [
        ((PSA_TOKEN,), (PSA_TOKEN,), PSA_TOKEN, PSA_TOKEN),
        ((EAT_CWT,), (PSA_TOKEN, EAT_CWT), EAT_CWT, PSA_TOKEN),
        ((TPM_FORMAT, PSA_TOKEN), (EAT_CWT, PSA_TOKEN), PSA_TOKEN, EAT_CWT),
    ],
)
def test_the_relying_partys_first_choice_that_is_offered_is_sent(
    binding: str,
    device_accepts: tuple[int | str, ...],
    service_accepts: tuple[int | str, ...],
    of_service: int,
    of_device: int,
) -> None:
    changes = {"device": {"accepted": device_accepts}, "service": {"accepted": service_accepts}}
    device, service = session(binding, **changes)
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert (device.seen, service.seen) == (of_service, of_device)


def test_a_psa_token_and_evidence_of_a_tpm_go_opposite_ways() -> None:
    device, service = session(
        "edhoc", device={"offered": (PSA_TOKEN,), "accepted": (TPM_FORMAT,)},
        service={"offered": (TPM_FORMAT,), "accepted": (PSA_TOKEN,)},
    )  # fmt: skip
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert (device.seen, service.seen) == (TPM_FORMAT, PSA_TOKEN)


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_data_of_both_directions_comes_with_an_environment_object_under_a_token(binding: str) -> None:
    device, service = session(binding)
    for sender, receiver in ((device, service), (service, device)):
        sender.send_data(b"measured", "text/plain")
        exchange(device, service)
        assert any(event.name == "label_accepted" for event in receiver.events)


@pytest.mark.parametrize("role", ["device", "service"])
def test_a_provisioned_party_attests_by_psa_tokens(tmp_path: Path, role: str) -> None:
    provision(tmp_path, seed=b"psa", now=NOW, role=role, psa=True)
    world = load_world(tmp_path / "iut", lambda: NOW)
    assert PSA_TOKEN in world.policy.offered
    assert world.policy.implementations == (IMPLEMENTATION,)
    assert world.credentials.psa_ak is not None and world.credentials.psa_ak.key is not None


def test_implementations_of_a_policy_are_read_as_written_and_refused_where_they_are_none(tmp_path: Path) -> None:
    policy = on_psa(Policy(intended_peer="https://service.example/", reference_values={"firmware": bytes(32)}))
    policy.save(tmp_path)
    assert Policy.load(tmp_path, "device") == policy
    file = tmp_path / "reference-values.toml"
    file.write_text(file.read_text().replace(IMPLEMENTATION.hex(), IMPLEMENTATION.hex()[2:]))
    with pytest.raises(PolicyError, match="implementations"):
        Policy.load(tmp_path, "device")
