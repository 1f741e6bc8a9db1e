"""Evidence in a CMW collection: its form, its items, and items of two good collections put into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..harness.codec import cbor
from ..harness.identity.faults import bad_ak
from ..harness.identity.keys import derive_key
from ..harness.identity.pki import issue_leaf, serial_number
from ..harness.identity.policy import COLLECTION_FORMAT, EAT_CWT
from ..harness.identity.tam import platform_urn
from ..harness.identity.tester import ANOTHER
from ..harness.identity.world import World
from ..harness.tester.collection_faults import BUNDLE, FORMS, LABELS, TOKEN, Collection
from ..harness.tester.conversation import Conversation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Forging, Telling, tell
from ..harness.tester.tpm_faults import FAULTS
from ..harness.verdict.allowed import Allowed
from ..model.protocol.attestation import EVIDENCE, TAM_NAME
from ..model.terms import Term
from .attesting import Form
from .bench import Bench
from .case import Case, citing, fault, for_each
from .claiming import CLAIMS
from .forging import observed
from .parties import LETTERS, tam_of
from .stages import INTERVAL, open_then_request
from .test_evidence import MALFORMED, ROLES, att

if TYPE_CHECKING:
    from ..model.protocol.collection import Collected
    from ..model.protocol.tpm import Bundle

REFLECTED = Allowed(frozenset({"alert:22", "alert:23", "alert:24"}), frozenset(), "ATT-49")
"""An item with everything wrong that tells one platform from another."""


def collected_by(iut: Iut) -> Collected:
    """Terms of the tester's collection. Raises NeedNotMet where there is none to be spoken of."""
    need(iut)
    from ..model.protocol.collection import COLLECTED

    return COLLECTED[LETTERS[iut.opposite]]


def bundle_of(iut: Iut) -> Bundle:
    """Terms of the bundle in it. Raises NeedNotMet likewise."""
    need(iut)
    from ..model.protocol.tpm import BUNDLE

    return BUNDLE[LETTERS[iut.opposite]]


def need(iut: Iut) -> None:
    """Raises NeedNotMet unless it can be made to offer and to accept collections."""
    iut.need_feature("evidence_formats", "collection")
    iut.need_feature("evidence_accepted", "collection")


def attesting(iut: Iut, **credentials: Any) -> World:
    """The tester offering and accepting collections alone, with some of its credentials replaced."""
    policy = replace(iut.world.policy, offered=(COLLECTION_FORMAT,), accepted=(COLLECTION_FORMAT,))
    own = replace(iut.world.credentials, **credentials)
    return iut.fresh_world(policy=policy, credentials=own, tam=tam_of(iut, own))


def collecting(iut: Iut, **further: Any) -> AbstractContextManager[None]:
    """The implementation offering and accepting collections before tokens."""
    need(iut)
    return iut.configured(offered=[EAT_CWT, COLLECTION_FORMAT], accepted=[COLLECTION_FORMAT, EAT_CWT], **further)


FORM = Form("collection", attesting, collecting)
refuses, works = FORM.refuses, FORM.works


# --- its form --------------------------------------------------------------------------------------------------------


def forging(iut: Iut, change: Callable[[Collection], Any]) -> Forging:
    """ATT with another thing in place of the tester's collection."""

    def forged(peer: TesterEndpoint, data: bytes) -> bytes:
        kind, body = cbor.decode(data)
        return cbor.encode([kind, {**body, 2: cbor.encode(change(dict(cbor.decode(body[2]))))}])

    return Forging(att(iut), forged)


@for_each(Case(role, ("ATT-50",), "reform", form, "frame_matches_its_grammar") for role in ROLES for form in FORMS)
def test_collection_form(case: Case, bench: Bench) -> None:
    """Good items refused solely because the collection around them is of another form: ATT-50."""
    need(bench.iut)
    refuses(bench, forging(bench.iut, FORMS[case.field]), allowed=MALFORMED)


@for_each(fault(role, check, "convey-as", field) for role in ROLES for field, (check, _) in LABELS.items())
def test_collection_label(case: Case, bench: Bench) -> None:
    """Good items refused solely because the collection says that they are something else: ATT-47, ATT-48."""
    need(bench.iut)
    refuses(bench, forging(bench.iut, LABELS[case.field][1]))


@for_each(Case(role, ("ATT-47", "ATT-48", "ATT-49"), "send", "own-collection") for role in ROLES)
def test_own_collection(case: Case, bench: Bench) -> None:
    """The implementation's collection passes every check of a tester that makes them all: ATT-47 to ATT-50."""
    works(bench, off=frozenset())


# --- its items -------------------------------------------------------------------------------------------------------


@for_each(citing(fault(role, bad.check, "collect", name), "ATT-49") for role in ROLES for name, bad in FAULTS.items())
def test_collected_bundle(case: Case, bench: Bench) -> None:
    """A collection refused solely because of one thing in the bundle, good as its token is: ATT-49."""
    refuses(bench, Telling(att(bench.iut), tam=FAULTS[case.field].tell(bundle_of(bench.iut))))


@for_each(citing(fault(role, CLAIMS[name].check, "collect", name), "ATT-49") for role in ROLES for name in CLAIMS)
def test_collected_token(case: Case, bench: Bench) -> None:
    """A collection refused solely because of one thing in the token, good as its bundle is: ATT-49."""
    need(bench.iut)
    refuses(bench, Telling(att(bench.iut), tam=CLAIMS[case.field].tale(EVIDENCE[LETTERS[bench.iut.opposite]])))


# --- items of two collections ----------------------------------------------------------------------------------------

OF_THE_OTHER = {
    "token": ("eat_nonce_is_binder", TOKEN), "bundle": ("tpm_quote_is_over_the_binder", BUNDLE),
}  # fmt: skip


@for_each(
    citing(fault(role, check, "splice", f"{what}-of-{which}"), "ATT-49")
    for role in ROLES
    for what, (check, _) in OF_THE_OTHER.items()
    for which in ("an-earlier-session", "the-victim")
)
def test_spliced_collection(case: Case, bench: Bench) -> None:
    """An item of another good collection beside one of this session: no two of them are bound together. ATT-49."""
    iut = bench.iut
    what, _, which = case.field.partition("-of-")
    key = OF_THE_OTHER[what][1]
    with collecting(iut):
        earlier = iut.good(world=attesting(iut))
    if which == "the-victim":
        other = cbor.decode(cbor.decode(observed(earlier, f"ATT_{LETTERS[iut.role]}"))[1][2])
    else:
        other = cbor.decode(earlier.peer.run.value(collected_by(iut).cmw))
    allowed = REFLECTED if which == "the-victim" else None
    refuses(bench, forging(iut, lambda items: {**items, key: other[key]}), allowed=allowed)


@for_each(
    citing(fault(role, check, "issue", f"collected-{what}-of-another-platform"), "ATT-49")
    for role in ROLES
    for what, check in (("token", "ak_names_peer_device"), ("bundle", "tpm_ak_names_peer_device"))
)
def test_collected_item_of_another_platform(case: Case, bench: Bench) -> None:
    """An item over the right binder by the attestation key of another platform: ATT-49."""
    iut = bench.iut
    need(iut)
    if "token" in case.field:
        issued = bad_ak(iut.pki, iut.opposite, "other-platform", iut.world.credentials.leaf).issued
        world = attesting(iut, ak=issued.certificate, ak_chain=issued.chain, ak_key=issued.key)
    else:
        spec = replace(
            iut.pki.tpm_ak_spec(iut.opposite), uris=(platform_urn(iut.pki.ueid(ANOTHER)),),
            serial=serial_number(iut.pki.seed, f"collected/{iut.opposite}"),
        )  # fmt: skip
        world = attesting(iut, tpm_ak=issue_leaf(spec, iut.pki.attestation.issuing))
    refuses(bench, Telling(att(iut)), world=world)


@for_each(
    fault(role, "collected_items_are_of_one_start", "count", f"{what}-start")
    for role in ROLES
    for what in ("earlier", "later")
)
def test_collected_items_of_two_starts(case: Case, bench: Bench) -> None:
    """A token that counts another start than the bundle beside it, refused solely because of that: ATT-49."""
    need(bench.iut)
    step = -1 if case.field == "earlier-start" else 1
    term = EVIDENCE[LETTERS[bench.iut.opposite]].token.bootcount
    tale = {term: lambda peer, honest: cbor.encode(cbor.decode(honest) + step)}
    refuses(bench, Telling(att(bench.iut), tam=tale))


def _again(iut: Iut) -> Mapping[Term, Any]:
    """The platform has started twice more."""
    tam = TAM_NAME[LETTERS[iut.opposite]]
    count = EVIDENCE[LETTERS[iut.opposite]].token.bootcount.defs[tam]
    return {bundle_of(iut).quote.reset.defs[tam]: (9).to_bytes(4, "big"), count: cbor.encode(9)}


@for_each(citing(fault(role, "tpm_counts_have_not_changed", "collect", "after-a-start"), "ATT-49") for role in ROLES)
def test_collection_after_a_start(case: Case, bench: Bench) -> None:
    """A renewed collection refused solely because the platform has started again meanwhile: ATT-49, TPM-13."""
    iut = bench.iut
    need(iut)
    iut.need_feature("initiates_reattestation")
    tale = _again(iut)

    def stage(iut: Iut, conversation: Conversation) -> None:
        open_then_request(iut, conversation, lambda peer: tell(peer, tam=tale))

    key = derive_key(iut.pki.seed, f"again/{iut.opposite}")  # Of its own: counts are remembered by key.
    serial = serial_number(iut.pki.seed, f"again/{iut.opposite}")
    spec = replace(iut.pki.tpm_ak_spec(iut.opposite), key=key, serial=serial)
    world = attesting(iut, tpm_ak=issue_leaf(spec, iut.pki.attestation.issuing))
    world.tam = tam_of(iut, world.credentials)
    with iut.later():
        refuses(bench, Telling(att(iut), nth=1), stage, world, settings={"reattest_interval": INTERVAL})
