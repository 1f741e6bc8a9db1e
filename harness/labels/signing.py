"""Labels for data at rest, by a party that holds its credentials: with its environment and what a verifier needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ..codec import cbor
from ..crypto.random import Random
from ..identity.world import World
from . import environment, tree
from .blocks import Blocks
from .chain import CREATED, Chain, check_action, check_forwarded
from .label import ID, Action, Label, Signer, Statement, input_of, make
from .stored import Stored
from .stream import Measured
from .trust import Proof
from .verify import encode_parameters

PROCESSED = "tc.processed"


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: by whom (`kind` of agent, CHN-12), to what inputs, which stand in a `relation` to the outcome."""

    agent: str
    kind: str
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[Stored] = ()
    relation: str = "parentOf"

    @property
    def action(self) -> str:
        """Its name, by default whether something was made anew or from something."""
        return self.name or (PROCESSED if self.inputs else CREATED)


def sign_data(
    world: World,
    deed: Deed,
    measured: Measured,
    content_type: str | int,
    *,
    block_size: int,
    sequence: int,
    rng: Random,
    listed: bool = False,
) -> Stored:
    """The label over data that was measured in blocks, and what is kept with it.

    `listed` signs the digest of every block in place of the tree's root. Raises LabelError for a chain that a verifier
    would refuse, ValueError for an unknown kind of agent.
    """
    parameters = encode_parameters(deed.agent, deed.kind, deed.parameters)
    around = environment.make(world.tam, attestation_certificates(world), world.time())
    leaves = tuple(measured.leaves)
    tops = [stored.top() for stored in deed.inputs]
    statement = Statement(
        measured.digest, content_type, sequence, world.time(), rng(ID),
        environment=sha256(around).digest(),
        blocks=Blocks(measured.total, block_size, leaves if listed else tree.root(leaves)),
        action=Action(deed.action, deed.agent, sha256(parameters).digest()),
        inputs=tuple(input_of(top, deed.relation) for top in tops),
    )  # fmt: skip
    label = make(statement, signer_of(world))
    stored = Stored(
        label, (), (around,), own_proofs(world), (), () if listed else leaves, (parameters,)
    ).with_inputs(deed.inputs)  # fmt: skip
    check_sound(stored)
    return stored


def check_sound(stored: Stored) -> Label:
    """The label, where its chain is such as a verifier takes, whoever signed it. Raises LabelError."""
    chain = Chain.of(stored.label, stored.labels)
    chain.ordered()
    check_action(chain.top)
    check_forwarded(chain.top)
    return chain.top


def signer_of(world: World) -> Signer:
    """What signs for a party: its identity key."""
    own = world.credentials
    certificates = (own.leaf.der, *(item.der for item in own.chain))
    return Signer(own.leaf.platform, own.leaf.identity, certificates, world.tam.sign_identity)


def attestation_certificates(world: World) -> tuple[bytes, ...]:
    """DER, that of the attestation key first."""
    own = world.credentials
    return (own.ak.der, *(item.der for item in own.ak_chain))


def own_proofs(world: World) -> tuple[Proof, ...]:
    """What shows now that the party's certificate is good, as it has it for its peers."""
    if not world.credentials.proofs:
        return ()
    return tuple((kind, der) for kind, der in cbor.decode(world.credentials.proofs))
