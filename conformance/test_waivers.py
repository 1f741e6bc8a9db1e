"""Waivers in place of evidence: good ones in both directions, and statements with one thing wrong."""

import dataclasses
from collections.abc import Callable
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.identity.keys import signer
from ..harness.identity.pki import Authority
from ..harness.identity.waiver import EXTERNAL_AAD, Waiver, protected_header
from ..harness.identity.world import World
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Lie
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..harness.verdict.allowed import Allowed
from ..model.protocol.frames import SIDES, VERDICT, Tier
from .bench import Bench
from .case import Case, fault, for_each
from .forging import observed
from .parties import LETTERS

ROLES = ("device", "service")
FLAG_ATTEST, FLAG_WAIVER = 1, 2
FAR = 30
DAY = 86400


def hello(iut: Iut) -> str:
    """The tester's HELLO."""
    return f"HELLO_{LETTERS[iut.opposite]}"


def honest(iut: Iut) -> Waiver:
    """A good statement about the tester's own leaf."""
    return dataclasses.replace(iut.pki.waiver(iut.world.credentials.leaf), issued_at=iut.clock.now() - FAR)


def holding(iut: Iut, statement: bytes) -> World:
    """The tester with a waiver in place of evidence."""
    return iut.fresh_world(credentials=dataclasses.replace(iut.world.credentials, waiver=statement))


def signed(authority: Authority, waiver: Waiver, header: dict[Any, Any] | None = None, **form: Any) -> bytes:
    """A statement with other headers, another external_aad, or a payload of another form."""
    protected = {**protected_header(authority.certificate), **(header or {})}
    payload, aad = form.get("payload", waiver.payload()), form.get("aad", EXTERNAL_AAD)
    return cose.sign1(signer(authority.key), protected, form.get("unprotected", {}), payload, aad)


Make = Callable[[Iut, Waiver], bytes]


def _saying(**changes: Any) -> Make:
    return lambda iut, waiver: dataclasses.replace(waiver, **changes).sign(iut.pki.waiver_authority)


def _at(change: Callable[[int], dict[str, int]]) -> Make:
    return lambda iut, waiver: _saying(**change(iut.clock.now()))(iut, waiver)


def _headed(**header: Any) -> Make:
    labels = {"alg": 1, "typ": 16}
    return lambda iut, waiver: signed(iut.pki.waiver_authority, waiver, {labels[k]: v for k, v in header.items()})


def _about(certificate: str) -> Make:
    """About another certificate of the tester's, or one of another platform with the same right to a waiver."""

    def make(iut: Iut, waiver: Waiver) -> bytes:
        other = iut.pki.party(iut.opposite, "another platform").leaf
        leaf = iut.world.credentials.ak if certificate == "attestation key" else other
        return _saying(leaf_sha256=leaf.sha256)(iut, waiver)

    return make


def _flipped(iut: Iut, waiver: Waiver) -> bytes:
    statement = waiver.sign(iut.pki.waiver_authority)
    return one_bit_other(statement)


def _unsigned(iut: Iut, waiver: Waiver) -> bytes:
    return waiver.sign(iut.pki.waiver_authority)[:-64] + bytes(64)


def _end_altered(iut: Iut, waiver: Waiver) -> bytes:
    digest = iut.world.credentials.leaf.sha256
    return _saying(leaf_sha256=one_bit_other(digest))(iut, waiver)


def _unpinned(iut: Iut, waiver: Waiver) -> bytes:
    return waiver.sign(iut.pki.unpinned_authority)


def _by_another_key(iut: Iut, waiver: Waiver) -> bytes:
    return waiver.sign(dataclasses.replace(iut.pki.waiver_authority, key=iut.pki.unpinned_authority.key))


def _self_signed(iut: Iut, waiver: Waiver) -> bytes:
    key = iut.world.credentials.key
    assert key is not None
    return waiver.sign(Authority(iut.world.credentials.leaf, key))


def _other_aad(iut: Iut, waiver: Waiver) -> bytes:
    return signed(iut.pki.waiver_authority, waiver, aad=b"tc1-label")


STATEMENTS: dict[str, tuple[str, Make]] = {
    "authority-held-but-not-pinned": ("waiver_authority_is_pinned", _unpinned),
    "authority-is-the-peer": ("waiver_authority_is_pinned", _self_signed),
    "signature-bit": ("waiver_signature_verifies", _flipped),
    "signature-zero": ("waiver_signature_verifies", _unsigned),
    "signature-by-another-authority": ("waiver_signature_verifies", _by_another_key),
    "external_aad-of-a-label": ("waiver_signature_verifies", _other_aad),
    "leaf-of-another-platform": ("waiver_names_the_peer_leaf", _about("leaf")),
    "leaf-last-bit": (
        "waiver_names_the_peer_leaf",
        lambda iut, waiver: _saying(leaf_sha256=one_bit_other(waiver.leaf_sha256))(iut, waiver),
    ),
    "leaf-is-the-attestation-key": ("waiver_names_the_peer_leaf", _about("attestation key")),
    "level-2": ("waiver_level_suffices", _saying(level=2)),
    "level-5": ("waiver_level_suffices", _saying(level=5)),
    "level-1": ("waiver_level_suffices", _saying(level=1)),
    "expired": ("waiver_is_in_force", _at(lambda now: {"issued_at": now - 2 * DAY, "expires_at": now - FAR})),
    "expires-now": ("waiver_is_in_force", _at(lambda now: {"issued_at": now - DAY, "expires_at": now})),
    "not-yet": ("waiver_is_in_force", _at(lambda now: {"issued_at": now + 60 + FAR})),
    "leaf-of-zeros": ("waiver_names_the_peer_leaf", _saying(leaf_sha256=bytes(32))),
    "leaf-end-altered": ("waiver_names_the_peer_leaf", _end_altered),
    "custody-of-one": ("waiver_key_is_not_exportable", _saying(not_exportable=1)),
    "exportable": ("waiver_key_is_not_exportable", _saying(not_exportable=False)),
    "statement-revoked": (
        "waiver_is_not_revoked",
        lambda iut, waiver: _saying(statement_id=iut.pki.revoked_waiver)(iut, waiver),
    ),
    "typ-of-a-label": ("waiver_header_is_exact", _headed(typ="application/vnd.tc.label+cose")),
    "alg-esp256": ("waiver_header_is_exact", _headed(alg=-9)),
    "alg-eddsa": ("waiver_header_is_exact", _headed(alg=-8)),
}


@for_each(fault(role, check, "state", field) for role in ROLES for field, (check, _) in STATEMENTS.items())
def test_statement(case: Case, bench: Bench) -> None:
    """A waiver refused solely because of one thing in it: WVR-02 to WVR-09."""
    iut = bench.iut
    iut.need_feature("accepts_waiver")
    statement = STATEMENTS[case.field][1](iut, honest(iut))
    bench.refuses(Telling(hello(iut)), world=holding(iut, statement), configuration="waiver", control=control(iut))


def control(iut: Iut) -> Callable[[], str]:
    """An honest conversation with a good waiver."""
    world = holding(iut, honest(iut).sign(iut.pki.waiver_authority))
    return lambda: iut.good(world=world).transcript.digest()


MALFORMED = Allowed(frozenset({"alert:28"}), frozenset({"alert:11"}), "ERR-15")


def _without(key: int) -> Make:
    def make(iut: Iut, waiver: Waiver) -> bytes:
        fields = cbor.decode(waiver.payload())
        del fields[key]
        return signed(iut.pki.waiver_authority, waiver, payload=cbor.encode(fields))

    return make


def _with_further(iut: Iut, waiver: Waiver) -> bytes:
    payload = cbor.encode({**cbor.decode(waiver.payload()), 9: "more"})
    return signed(iut.pki.waiver_authority, waiver, payload=payload)


def _alg_unprotected(iut: Iut, waiver: Waiver) -> bytes:
    authority = iut.pki.waiver_authority
    protected = {k: v for k, v in protected_header(authority.certificate).items() if k != 1}
    return cose.sign1(signer(authority.key), protected, {1: -7}, waiver.payload(), EXTERNAL_AAD)


def _good(iut: Iut, waiver: Waiver) -> bytes:
    return waiver.sign(iut.pki.waiver_authority)


FORMS: dict[str, Make] = {
    **{f"without-field-{key}": _without(key) for key in range(1, 9)},
    "with-further-field": _with_further,
    "alg-unprotected": _alg_unprotected,
    "unprotected-parameter": lambda iut, waiver: signed(iut.pki.waiver_authority, waiver, unprotected={4: b"kid"}),
    "protected-parameter": lambda iut, waiver: signed(iut.pki.waiver_authority, waiver, {4: b"kid"}),
    "tag-missing": lambda iut, waiver: _good(iut, waiver)[1:],
    "octets": lambda iut, waiver: cbor.encode(b"a waiver"),
    "empty-map": lambda iut, waiver: cbor.encode({}),
}


@for_each(fault(role, "waiver_header_is_exact", "reform", field) for role in ROLES for field in FORMS)
def test_form(case: Case, bench: Bench) -> None:
    """A waiver refused solely because it has another form: WVR-02."""
    iut = bench.iut
    iut.need_feature("accepts_waiver")
    world = holding(iut, FORMS[case.field](iut, honest(iut)))
    bench.refuses(Telling(hello(iut)), world=world, configuration="waiver", control=control(iut), allowed=MALFORMED)


@for_each(
    fault(role, "waiver_comes_with_its_flag", "hello", field)
    for role in ROLES
    for field in ("flag-without-waiver", "waiver-without-flag")
)
def test_flag(case: Case, bench: Bench) -> None:
    """A HELLO refused solely because it has one of flag 2 and waiver, not both: WVR-01."""
    side = SIDES[LETTERS[bench.iut.opposite]]
    if case.field == "flag-without-waiver":
        lie = Lie(side.flags, cbor.encode(FLAG_ATTEST | FLAG_WAIVER), hello(bench.iut))
    else:
        statement = honest(bench.iut).sign(bench.iut.pki.waiver_authority)
        lie = Lie(side.waiver, statement, hello(bench.iut))
    bench.refuses(lie)


@for_each(fault(role, "waiver_level_suffices", "state", "level-below-policy") for role in ROLES)
def test_level_of_policy(case: Case, bench: Bench) -> None:
    """A waiver of level 3 refused solely because the implementation's policy demands 4: WVR-06."""
    iut = bench.iut
    iut.need_feature("accepts_waiver")
    highest, usual = (dataclasses.replace(honest(iut), level=level).sign(iut.pki.waiver_authority) for level in (4, 3))

    def control() -> str:
        return iut.good(world=holding(iut, highest)).transcript.digest()

    with iut.configured(minimum_waiver_level=4):
        bench.refuses(Telling(hello(iut)), world=holding(iut, usual), configuration="level 4", control=control)


# --- what must work --------------------------------------------------------------------------------------------------


@for_each(
    Case(role, (requirement,), "present", f"level-{level}", data=level)
    for role in ROLES
    for requirement, level in (("WVR-10", 3), ("WVR-06", 4))
)
def test_good_waiver(case: Case, bench: Bench) -> None:
    """A good waiver is answered with VERDICT 200, which ends no later than the waiver: WVR-06, WVR-10, SES-07."""
    iut, lifetime = bench.iut, 100
    iut.need_feature("accepts_waiver")
    waiver = dataclasses.replace(honest(iut), level=case.data, expires_at=iut.clock.now() + lifetime)

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        body = cbor.decode(observed(conversation, f"VERDICT_{LETTERS[iut.role]}"))[1]
        if body[1] != Tier.WAIVED:
            return f"the waiver was answered with tier {body[1]}"
        return "" if body[4] <= lifetime else "the verdict outlives the waiver"

    bench.works(play, world=holding(iut, waiver.sign(iut.pki.waiver_authority)))


@for_each(Case(role, ("WVR-01",), "present", "own-waiver") for role in ROLES)
def test_presented_waiver(case: Case, bench: Bench) -> None:
    """An implementation that presents a waiver sets flag 2, states its own leaf, and opens on VERDICT 200: WVR-01."""
    iut = bench.iut
    iut.need_feature("presents_waiver")

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        body = cbor.decode(observed(conversation, f"HELLO_{LETTERS[iut.role]}"))[1]
        if not body[5] & FLAG_WAIVER or 9 not in body:
            return "flag 2 and the waiver are not both there"
        return "an ATT was sent as well" if conversation.saw(f"ATT_{LETTERS[iut.role]}") else ""

    with iut.configured(presents_waiver=True):
        bench.works(play, off=frozenset())


@for_each(
    fault(role, "verdict_tier_fits_direction", "answer-waiver", f"tier-{int(tier)}", tier)
    for role in ROLES
    for tier in (Tier.AFFIRMING, Tier.NOT_REQUIRED)
)
def test_verdict_on_a_waiver(case: Case, bench: Bench) -> None:
    """A verdict refused solely because its tier does not answer a waiver: SES-09."""
    iut = bench.iut
    iut.need_feature("presents_waiver")
    letter = LETTERS[iut.opposite]
    with iut.configured(presents_waiver=True):
        bench.refuses(
            Lie(VERDICT[letter].tier, cbor.encode(int(case.data)), f"VERDICT_{letter}"), configuration="own-waiver"
        )


@for_each(Case(role, ("SES-07", "ATT-01"), "require", "nothing") for role in ROLES)
def test_nothing_required(case: Case, bench: Bench) -> None:
    """An implementation that requires no evidence sends VERDICT 201, and its peer sends no ATT: SES-07, ATT-01."""
    iut = bench.iut

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        tier = cbor.decode(observed(conversation, f"VERDICT_{LETTERS[iut.role]}"))[1][1]
        return "" if tier == Tier.NOT_REQUIRED else f"the verdict has tier {tier}"

    with iut.configured(requires_evidence=False):
        bench.works(play)
