"""Pseudonyms of a peer: which are accepted, and which are refused, with their evidence and their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ..harness.codec import cbor
from ..harness.identity.anonymous import BRANCH, LIFETIME
from ..harness.identity.credentials import Credentials
from ..harness.identity.keys import derive_key
from ..harness.identity.oids import EKU_ANON
from ..harness.identity.pki import HOUR, Issued, LeafSpec, Subject, issue_leaf, organization
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation, Lie
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling, tell
from ..model.protocol.frames import FLAG_ANONYMOUS, SIDES
from .bench import Bench, opened
from .case import Case, citing, fault, for_each
from .labelling import accepted, faulty, label_of, send
from .parties import LETTERS, credential_message, world_with
from .pseudonyms import RELYING_PARTIES, SETTING, anonymous, pseudonym
from .stages import INTERVAL, Stage, at_once, open_then_request
from .test_credentials import ROLES, side_of_peer
from .test_evidence import att, evidence

UNDER = "under a pseudonym"
"""What the control conversation is about."""


def refuses(
    bench: Bench,
    deviation: Any,
    world: World,
    stage: Stage = at_once,
    *,
    setting: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Refused where an honest pseudonym is admitted."""
    iut = bench.iut

    def control() -> str:
        return iut.good(world=anonymous(iut)).transcript.digest()

    with iut.configured(**SETTING, **(setting or {})):
        bench.refuses(deviation, stage, world=world, configuration=UNDER, control=control, **options)


@for_each(Case(role, ("ANO-05", "ANO-10"), "present", "pseudonym") for role in ROLES)
def test_pseudonym(case: Case, bench: Bench) -> None:
    """An honest pseudonym opens a session, and its data is accepted: ANO-05, ANO-10."""

    def play(conversation: Conversation) -> str:
        if wrong := opened(conversation):
            return wrong
        accepted(conversation)
        return ""

    world = anonymous(bench.iut)
    with bench.iut.configured(**SETTING):
        bench.works(play, world=world)


# --- certificates ----------------------------------------------------------------------------------------------------


def _spec(iut: Iut, made: Credentials, **changes: Any) -> LeafSpec:
    """The specification of a pseudonym's identity certificate, as the issuer has it, with fields replaced."""
    leaf = made.leaf
    assert made.key is not None
    spec = LeafSpec(
        Subject(organization(BRANCH), iut.stream("subject")(16).hex()), leaf.uris, tuple(sorted(leaf.eku)),
        leaf.not_before, leaf.not_after, leaf.serial, made.key,
    )  # fmt: skip
    return replace(spec, **changes)


def _longer(iut: Iut, made: Credentials) -> Issued:
    return issue_leaf(_spec(iut, made, not_after=made.leaf.not_before + LIFETIME + 1), iut.pki.pseudonyms.issuing)


def _of_the_peers_root(iut: Iut, made: Credentials) -> Issued:
    branch = iut.pki.branch(iut.opposite)
    return issue_leaf(_spec(iut, made, subject=Subject(branch.organization, "pseudonym")), branch.issuing)


def _changed(issue: Callable[[Iut, Credentials], Issued]) -> Callable[[Iut], World]:
    """A pseudonym with another leaf."""

    def world(iut: Iut) -> World:
        made = anonymous(iut)
        bad = issue(iut, made.credentials)
        return replace(made, credentials=replace(made.credentials, leaf=bad.certificate, chain=bad.chain))

    return world


def _identity_by_the_issuer(iut: Iut) -> World:
    """The tester's own self, certified by the issuer of pseudonyms."""
    iut.need_feature("anonymous")
    start, own = iut.clock.now() // HOUR * HOUR, iut.pki.leaf_spec(iut.opposite, iut.opposite)
    subject = Subject(organization(BRANCH), "identity")
    spec = replace(own, subject=subject, not_before=start, not_after=start + LIFETIME)
    made = issue_leaf(spec, iut.pki.pseudonyms.issuing)
    return world_with(iut, leaf=made.certificate, chain=made.chain, proofs=b"")


LEAVES: dict[str, tuple[str, Callable[[Iut], World]]] = {
    "longer-than-a-day": ("pseudonym_is_short_lived", _changed(_longer)),
    "by-the-authority-of-identities": ("path_verifies", _changed(_of_the_peers_root)),
    "identity-by-the-issuer-of-pseudonyms": ("path_verifies", _identity_by_the_issuer),
}


def _leaves() -> Iterator[Case]:
    for role in ROLES:
        for name, (check, _) in LEAVES.items():
            yield citing(fault(role, f"cred_{side_of_peer(role)}_{check}", "issue-pseudonym", name), "ANO-05", "ANO-01")


@for_each(_leaves())
def test_leaf(case: Case, bench: Bench) -> None:
    """A pseudonym's leaf, refused solely because of how long it lives, or of who issued it: ANO-05, ANO-10."""
    refuses(bench, Telling(credential_message(bench.iut)), LEAVES[case.field][1](bench.iut))


def _not_admitted() -> Iterator[Case]:
    for role, check in (("device", "cred_r_is_intended"), ("service", "cred_i_is_authorised")):
        yield citing(fault(role, check, "present", "pseudonym-not-admitted"), "ANO-10")


@for_each(_not_admitted())
def test_not_admitted(case: Case, bench: Bench) -> None:
    """An honest pseudonym, refused solely because policy admits none: ANO-10."""
    bench.refuses(Telling(credential_message(bench.iut)), world=anonymous(bench.iut))


# --- HELLO -----------------------------------------------------------------------------------------------------------


@for_each(
    fault(role, "anonymity_is_the_leafs", "flag", field)
    for role in ROLES
    for field in ("pseudonym-without-flag-4", "flag-4-without-pseudonym")
)
def test_flag(case: Case, bench: Bench) -> None:
    """A HELLO refused solely because flag 4 and tc-anon do not agree: ANO-09."""
    iut = bench.iut
    iut.need_feature("anonymous")
    letter = LETTERS[iut.opposite]
    hidden = case.field == "pseudonym-without-flag-4"
    deviation = Lie(SIDES[letter].flags, cbor.encode(1 if hidden else 1 | FLAG_ANONYMOUS), f"HELLO_{letter}")
    refuses(bench, deviation, anonymous(iut) if hidden else iut.fresh_world())


# --- evidence --------------------------------------------------------------------------------------------------------


def _attestation(iut: Iut, world: World, **changes: Any) -> World:
    """Another certificate for the pseudonym's attestation key."""
    ak, key = world.credentials.ak, world.credentials.ak_key
    assert key is not None
    spec = LeafSpec(
        Subject(organization(BRANCH), iut.stream("subject")(16).hex()), ak.uris, tuple(sorted(ak.eku)),
        ak.not_before, ak.not_after, ak.serial, key,
    )  # fmt: skip
    issuer = changes.pop("issuer", iut.pki.pseudonyms.issuing)
    made = issue_leaf(replace(spec, **changes), issuer)
    return replace(world, credentials=replace(world.credentials, ak=made.certificate, ak_chain=made.chain))


def _ordinary_key(iut: Iut, hidden: World | None = None) -> World:
    """The pseudonym's platform name under the authority of ordinary attestation keys."""
    branch, world = iut.pki.attestation, hidden or anonymous(iut)
    subject, purposes = Subject(branch.organization, "ak"), tuple(world.credentials.ak.eku - {EKU_ANON})
    return _attestation(iut, world, issuer=branch.issuing, subject=subject, eku=purposes)


def _key_of_a_pseudonym(iut: Iut) -> World:
    """An identity that everybody knows, with the attestation key of a pseudonym."""
    own = iut.world.credentials
    key = derive_key(iut.pki.seed, "anonymous attestation")
    start = iut.clock.now() // HOUR * HOUR
    spec = replace(
        iut.pki.ak_spec(iut.opposite), eku=(*iut.pki.ak_spec("").eku, EKU_ANON), key=key,
        subject=Subject(organization(BRANCH), "ak"), not_before=start, not_after=start + LIFETIME,
    )  # fmt: skip
    made = issue_leaf(spec, iut.pki.pseudonyms.issuing)
    credentials = replace(own, ak=made.certificate, ak_chain=made.chain, ak_key=key)
    return iut.fresh_world(credentials=credentials, tam=iut.pki.tam(iut.opposite, credentials))


def _longer_key(iut: Iut) -> World:
    world = anonymous(iut)
    return _attestation(iut, world, not_after=world.credentials.ak.not_before + LIFETIME + 1)


def _key_of_another(iut: Iut) -> World:
    other, world = pseudonym(iut, iut.opposite, "", RELYING_PARTIES[1]), anonymous(iut)
    credentials = replace(world.credentials, ak=other.ak, ak_chain=other.ak_chain, ak_key=other.ak_key)
    tam = iut.pki.tam(iut.opposite, credentials)
    tam.ueid, tam.bootcount = world.tam.ueid, 0
    return replace(world, credentials=credentials, tam=tam)


KEYS: dict[str, tuple[str, Callable[[Iut], World]]] = {
    "ordinary-key-of-a-pseudonym": ("ak_is_as_anonymous_as_the_leaf", _ordinary_key),
    "pseudonyms-key-of-an-identity": ("ak_is_as_anonymous_as_the_leaf", _key_of_a_pseudonym),
    "longer-than-a-day": ("ak_is_as_anonymous_as_the_leaf", _longer_key),
    "key-of-another-pseudonym": ("ak_names_peer_device", _key_of_another),
}


@for_each(
    citing(fault(role, check, "attest-for-pseudonym", field), "ANO-05")
    for role in ROLES
    for field, (check, _) in KEYS.items()
)
def test_attestation_key(case: Case, bench: Bench) -> None:
    """Evidence refused solely because of whose the attestation key is, or for how long: ANO-05, ANO-10."""
    bench.iut.need_feature("anonymous")
    refuses(bench, Telling(att(bench.iut)), KEYS[case.field][1](bench.iut), deferred=False)


@for_each(
    fault(role, "ak_is_as_anonymous_as_the_leaf", "attest-again-for-pseudonym", "ordinary-key-of-a-pseudonym")
    for role in ROLES
)
def test_later_attestation_key(case: Case, bench: Bench) -> None:
    """Evidence of epoch 1, refused solely because its attestation key is no pseudonym's any more: ANO-10."""
    iut = bench.iut
    iut.need_feature("initiates_reattestation")
    world, chain = anonymous(iut), evidence(iut).token.chain
    other = _ordinary_key(iut, world).credentials.attestation.x5chain()

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, lambda peer: tell(peer, tam={chain: other}))

    with iut.later():
        refuses(bench, Telling(att(iut), nth=1), world, stage, setting={"reattest_interval": INTERVAL})


@for_each(
    citing(fault(role, "ueid_is_peer_device", "attest-for-pseudonym", "ueid-of-the-platform"), "ANO-05")
    for role in ROLES
)
def test_ueid(case: Case, bench: Bench) -> None:
    """Evidence refused solely because it names the platform behind the pseudonym: ANO-05."""
    iut = bench.iut
    tale = {evidence(iut).ueid: cbor.encode(iut.pki.ueid(iut.opposite))}
    refuses(bench, Telling(att(iut), tam=tale), anonymous(iut), deferred=False)


# --- labels ----------------------------------------------------------------------------------------------------------


ACROSS = {"signature": "label_x5t_is_peer_leaf", "names": "label_subject_is_peer"}
"""What of a label is the other name's, and the check that meets it."""


@for_each(
    citing(fault(role, check, "label-across", f"{part}-of-{whose}"), "ANO-06")
    for role in ROLES
    for whose in ("the-identity-in-an-anonymous-session", "a-pseudonym-in-an-ordinary-session")
    for part, check in ACROSS.items()
)
def test_label(case: Case, bench: Bench) -> None:
    """Data of the same platform under its other name, refused solely because the session is not that name's: ANO-06."""
    iut = bench.iut
    hidden = anonymous(iut)
    mine, other = (hidden, iut.world) if "in-an-anonymous" in case.field else (iut.fresh_world(), hidden)
    leaf, key = other.credentials.leaf, other.tam

    def act(iut: Iut, conversation: Conversation) -> None:
        label = label_of(conversation.peer)
        if case.check == "label_x5t_is_peer_leaf":
            sign = {label.signature: lambda peer, honest: key.sign_identity(peer.run.value(label.tbs))}
            told = {label.x5t: cbor.encode([-16, leaf.sha256]), **sign}
        else:
            told = {label.subject: cbor.encode(leaf.identity), label.issuer: cbor.encode(leaf.platform)}
        tell(conversation.peer, told)
        send(conversation.peer)

    if mine is hidden:
        refuses(bench, Deviation(), hidden, faulty(act))
    else:
        bench.refuses(Deviation(), faulty(act))
