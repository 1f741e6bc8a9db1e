"""Peers that attest by PSA tokens beside peers that attest by tokens of the profile or by a TPM."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from two_peers import Watched, exchange, watched

from trustconn.harness.codec import cbor, cmw
from trustconn.harness.identity.policy import EAT_CWT, PSA_TOKEN, TPM_FORMAT, Policy, PolicyError
from trustconn.harness.identity.provision import load_world, make_pair, provision
from trustconn.harness.identity.psa import IMPLEMENTATION, on_psa, psa_party
from trustconn.spec import cddl

NOW = 1_800_000_000


def session(binding: str, **policies: dict[str, Any]) -> tuple[Watched, Watched]:
    """Device and service on PSA platforms with these changes of policy, after everything has been said."""
    device, service, pki = make_pair(b"evidence of a PSA root of trust", NOW)
    for world in (device, service):
        world.credentials = psa_party(pki, world.role)
        world.policy = dataclasses.replace(on_psa(world.policy), **policies.get(world.role, {}))
    return watched(device, service, binding)


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
    assert (device.shown, service.shown) == (of_service, of_device)
    for end in (device, service):
        if isinstance(end.evidence, cmw.Record) and end.evidence.type == PSA_TOKEN:
            cddl.check("psa_claims", cbor.decode(end.evidence.value).value[2])


def test_a_psa_token_and_evidence_of_a_tpm_go_opposite_ways() -> None:
    device, service = session(
        "edhoc", device={"offered": (PSA_TOKEN,), "accepted": (TPM_FORMAT,)},
        service={"offered": (TPM_FORMAT,), "accepted": (PSA_TOKEN,)},
    )  # fmt: skip
    assert (device.state, service.state) == ("OPEN", "OPEN")
    assert (device.shown, service.shown) == (TPM_FORMAT, PSA_TOKEN)


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


@pytest.mark.parametrize("signers", ['other = "' + 64 * "0" + '"', 'firmware = "' + 62 * "0" + '"'])
def test_a_signer_is_of_a_component_and_as_long_as_a_digest(tmp_path: Path, signers: str) -> None:
    on_psa(Policy(intended_peer="https://service.example/", reference_values={"firmware": bytes(32)})).save(tmp_path)
    file = tmp_path / "reference-values.toml"
    head, _, _ = file.read_text().partition("[signers]")
    file.write_text(f"{head}[signers]\n{signers}\n")
    with pytest.raises(PolicyError, match=signers.split()[0]):
        Policy.load(tmp_path, "device")
