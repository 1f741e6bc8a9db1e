"""A processing chain to the verifier: labels that are made outside sessions, and what a receiver takes of them.

Data is an original of one device, was processed by another and is forwarded by the peer: each step is a label by who
took it, over the data and over what that was made from. A label is the term of the table, with the leaf of its signer
and without what only a session gives. The labels of inputs go over the network and not within DATA, and devices label
whatever the network asks them to: they verify no input, so that a receiver relies on nothing but its own checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..protocol.frames import SIDES, I
from ..protocol.labels import LABEL
from ..terms import ITEM, Term, name
from ..verifier.protocol import AGENT as AGENT_SORT
from ..verifier.protocol import Event, Match, Recv, Role, Send, Step, Template
from .algebra import OCTETS_32, OCTETS_64, PRIVATE_KEY, made_from
from .view import KIND, View, tuple_of

if TYPE_CHECKING:
    from .reader import Reader

CREATED, PROCESSED, FORWARDED = "created", "processed", "forwarded"
LABELLERS, LABELLED = {CREATED: "source", PROCESSED: "processor"}, "labelled"
"""The role that takes each step below the peer's own, and its event."""
PARTIES = {CREATED: "O", PROCESSED: "A"}
"""The agents that a receiver reads in the labels of these steps."""
STEPS = {action: name(f"step {action}", ITEM) for action in (CREATED, PROCESSED, FORWARDED)}
"""What a step says: whose it is, of which data, and made from what."""
CHECKS = frozenset({
    "forwarded_data_is_unchanged", "chain_labels_are_there", "chain_names_its_data", "chain_signatures_verify",
    "chain_subjects_are_signers", "chain_signers_have_a_path", "chain_signers_are_not_revoked",
})  # fmt: skip
"""Checks of chains, which are seen here alone."""
TOLD = frozenset(slot.label for label in LABEL.values() for slot in (label.action, label.inputs))
"""What a label says of the past of its data."""


def _all(*parts: Template | None) -> Template:
    found = tuple_of(parts)
    assert found is not None
    return found


def _digest(view: View, content: Template) -> Template:
    return (view.declared.symbol(made_from("sha256")), content)


def _action(view: View, action: str, parameters: Template | None = None) -> Template:
    """An action, with the digest of its agent and parameters."""
    return _all(view.declared.constant(f"tc.{action}", "action"), parameters)


def _leaf(view: View, signer: Template, key: Template) -> Template:
    return ("cert", view.declared.constant(KIND[I.letter], "usage"), signer, key)


def _tbs(view: View, leaf: Template, subject: Template, said: Mapping[Term, Template | None]) -> Template:
    """What a label that is made outside a session is signed over: no sid, and neither seq nor environment (LBL-34)."""
    maker, label = view.anew(I.role, I.letter), LABEL[I.letter]
    maker.values.update({I.party.id_cred: leaf, label.subject: subject, **said})
    maker.values.update(dict.fromkeys((label.sequence, label.sid, label.environment)))
    return maker.need(label.tbs)


# --- who labels ------------------------------------------------------------------------------------------------------


def labellers(new: Callable[[], Reader]) -> Iterator[tuple[Role, Reader]]:
    """A device that labels an original, and one that labels what it has processed."""
    label = LABEL[I.letter]
    for action, role in LABELLERS.items():
        reader = new()
        digest = reader.variable("DATA", OCTETS_32)
        done, inputs = _action(reader, action), None
        if action == PROCESSED:
            done = _action(reader, action, reader.variable("PARAMETERS", OCTETS_32))
            inputs = _all(reader.variable("INPUT_LABEL", OCTETS_32), reader.variable("INPUT_DATA", OCTETS_32))
        leaf = reader.need(I.party.id_cred)
        tbs = _tbs(reader, leaf, reader.agent, {label.action: done, label.inputs: inputs, label.digest: digest})
        reader.values[STEPS[action]] = _all(reader.agent, digest, done, inputs)
        asked = Recv(_all(*reader.variables), "data")
        steps = (asked, Event(LABELLED), Send(reader.signature(leaf[-1], tbs), "label"))
        yield Role(role, (reader.agent,), reader.agent, steps, {}, reader.variables), reader


def sent(reader: Reader) -> Iterator[Step]:
    """What a sender says of its data: it forwards what came with a label."""
    label = LABEL[reader.letter]
    came, digest = reader.variable("INPUT", OCTETS_64), reader.variable("INPUT_DATA", OCTETS_32)
    yield from (Recv(came, "label"), Recv(digest, "data"), Match(reader.need(label.digest), digest))
    done, inputs = _action(reader, FORWARDED), _all(_digest(reader, came), digest)
    reader.values.update({label.action: done, label.inputs: inputs})
    reader.values[STEPS[FORWARDED]] = _all(reader.agent, reader.need(label.content), done, inputs)


# --- what is taken ---------------------------------------------------------------------------------------------------


def inputs(reader: Reader, letter: str) -> Template:
    """What the label in DATA must name. The labels of its inputs come before it."""
    done = _action(reader, CREATED)
    original, digest = _label(reader, CREATED, done, None)
    below = _named(reader, CREATED, original, digest)
    reader.values[STEPS[CREATED]] = _all(PARTIES[CREATED], below[-1], done)
    done = _action(reader, PROCESSED, reader.variable("PARAMETERS", OCTETS_32))
    made, digest = _label(reader, PROCESSED, done, below)
    here = _named(reader, PROCESSED, made, digest)
    reader.values[STEPS[PROCESSED]] = _all(done, _digest(reader, original), below[-1])
    reader.values[STEPS[FORWARDED]] = _all(_digest(reader, made), here[-1])
    return here


def _label(reader: Reader, action: str, done: Template, made_of: Template | None) -> tuple[Template, Template]:
    """A label of an input, as far as the checks that are on determine it, and the digest in it."""
    label, digest = LABEL[I.letter], reader.variable(f"DATA_{action}", OCTETS_32)
    signer: Template = PARTIES[action]
    if not reader.is_on("chain_subjects_are_signers"):
        signer = reader.variable(f"SIGNER_{action}", AGENT_SORT)
    key: Template = ("sk", KIND[I.letter], signer)
    if not reader.is_on("chain_signers_have_a_path"):
        key = reader.variable(f"KEY_{action}", PRIVATE_KEY)
    said = {label.action: done, label.inputs: made_of, label.digest: digest}
    tbs = _tbs(reader, _leaf(reader, signer, key), PARTIES[action], said)
    if not reader.is_on("chain_signatures_verify"):
        key = reader.variable(f"SIGNED_BY_{action}", PRIVATE_KEY)  # Any octets do, so any key does.
    signed = reader.signature(key, tbs)
    reader.before.append(Recv(signed, "label"))
    if reader.is_on("chain_signers_are_not_revoked"):
        reader.before.append(Recv(("not_revoked", signer), "revocation data"))
    return signed, digest


def _named(reader: Reader, action: str, label: Template, digest: Template) -> Template:
    """What names that label, and its data."""
    there, same = reader.is_on("chain_labels_are_there"), reader.is_on("chain_names_its_data")
    return _all(
        _digest(reader, label) if there else reader.variable(f"NAMED_LABEL_{action}", OCTETS_32),
        digest if same else reader.variable(f"NAMED_DATA_{action}", OCTETS_32),
    )


def judged(reader: Reader, letter: str) -> Iterator[Step]:
    """What is forwarded is what came in: whoever processed it made what is delivered."""
    label, steps = LABEL[letter], reader.values
    content, digest = reader.need(label.content), reader.need(label.digest)
    if reader.is_on("forwarded_data_is_unchanged"):
        yield Match(digest, reader.need(label.inputs)[-1])
    peer, done = reader.need(SIDES[letter].party.id_cred)[2], reader.need(label.action)
    steps[STEPS[PROCESSED]] = _all(PARTIES[PROCESSED], digest, steps[STEPS[PROCESSED]])
    steps[STEPS[FORWARDED]] = _all(peer, content, done, steps[STEPS[FORWARDED]])


SLOTS: Mapping[str, Callable[[Reader, str], Template]] = {
    "LABEL_INPUTS": inputs,
    "LABEL_ACTION": lambda reader, letter: _action(reader, FORWARDED),
}
"""Slots that predicates speak of, by the label without its letter."""
