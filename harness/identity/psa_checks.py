"""Predicates over PSA tokens (RFC 9783 section 4), each by the name of its check. Arguments are encoded items."""

from typing import Any

from .certificate import DEVICE_URN
from .deciding import Unfit, array, named, octets, predicate, unsigned, value
from .evidence_checks import UEID_LENGTH, match_references
from .oids import EKU_PSA_AK, KEY_IN_HSM
from .policy import SIGNER_LENGTHS
from .world import World

IMPLEMENTATION_LENGTH = 32
SECURED = range(0x3000, 0x3100)
"""Lifecycle state Secured (section 4.3.1)."""
ALGORITHMS = (-7, -9)
DESCRIPTION = 6
SHA_256 = 32


def _header_is_exact(world: World, alg: bytes) -> None:
    """The token is signed by ES256, called by either of its two names."""
    if value(alg) not in ALGORITHMS:
        raise Unfit("another algorithm than ES256")


def _instance_is_peer_device(world: World, instance: bytes, id_cred: bytes) -> None:
    """The root of trust is that of the platform that the peer's leaf names."""
    if world.credential(id_cred).leaf.platform != DEVICE_URN + octets(instance, UEID_LENGTH).hex():
        raise Unfit("the instance of another platform")


def _client_is_secure(world: World, client: bytes) -> None:
    """The caller of the attestation API is in the secure processing environment: its number is positive."""
    number = value(client)
    if type(number) is not int or number <= 0:
        raise Unfit(f"asked for by client {number!r}")


def _lifecycle_is_secured(world: World, lifecycle: bytes) -> None:
    """The root of trust is in lifecycle state Secured."""
    if unsigned(lifecycle) not in SECURED:
        raise Unfit(f"lifecycle {unsigned(lifecycle):#x}")


psa_header_is_exact = named("psa_header_is_exact", _header_is_exact)
psa_instance_is_peer_device = named("psa_instance_is_peer_device", _instance_is_peer_device)
psa_client_is_secure = named("psa_client_is_secure", _client_is_secure)
psa_lifecycle_is_secured = named("psa_lifecycle_is_secured", _lifecycle_is_secured)
env_token_header_is_exact = named("env_token_header_is_exact", _header_is_exact)
env_token_instance_is_peer_device = named("env_token_instance_is_peer_device", _instance_is_peer_device)
env_token_client_is_secure = named("env_token_client_is_secure", _client_is_secure)
env_token_lifecycle_is_secured = named("env_token_lifecycle_is_secured", _lifecycle_is_secured)


@predicate
def psa_ak_is_for_psa(world: World, x5chain: bytes) -> None:
    """One format a key: the certificate allows PSA tokens and nothing else."""
    if world.x5chain(x5chain).leaf.eku != {EKU_PSA_AK}:
        raise Unfit("extended key usage is not PSA tokens alone")


@predicate
def psa_leaf_shows_custody(world: World, id_cred: bytes) -> None:
    """The issuer of the peer's leaf states that the identity key was made in a module and stays there.

    A PSA token cannot say it: its attestation API takes no claims.
    """
    if KEY_IN_HSM not in world.credential(id_cred).leaf.policies:
        raise Unfit("the leaf does not say that its key is kept")


@predicate
def psa_implementation_is_known(world: World, implementation: bytes) -> None:
    """Policy names the implementation of the root of trust."""
    if octets(implementation, IMPLEMENTATION_LENGTH) not in world.policy.implementations:
        raise Unfit("an implementation that policy does not name")


@predicate
def psa_components_match_reference_values(world: World, components: bytes) -> None:
    """Every reference value is measured exactly once, with its digest, and nothing else is measured."""
    match_references(world, map(_component, array(components)))


def _component(item: Any) -> tuple[str, bytes]:
    match item:
        case {1: str(name), 2: bytes(digest), 5: bytes(signer)} if (
            len(digest) == SHA_256 and len(signer) in SIGNER_LENGTHS
        ):
            if item.get(DESCRIPTION, "sha-256") == "sha-256":
                return name, digest
    raise Unfit("a component needs a type, a SHA-256 measurement and a signer")


@predicate
def psa_signers_are_the_named_ones(world: World, components: bytes) -> None:
    """Where policy names the signer of a component, that one signed it."""
    _check_signers(world, components)


@predicate
def env_token_components_match_reference_values(world: World, components: bytes) -> None:
    """Likewise for what the token over an environment object shows, where policy has reference values."""
    if world.policy.reference_values:
        match_references(world, map(_component, array(components)))
        _check_signers(world, components)


def _check_signers(world: World, components: bytes) -> None:
    for item in array(components):
        wanted = world.policy.signers.get(item.get(1))
        if wanted is not None and item.get(5) != wanted:
            raise Unfit(f"component {item.get(1)!r} of another signer")
