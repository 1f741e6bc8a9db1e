"""Data labels: each part of a label wrong, replayed or missing, and what must work.

Where a fault needs something to repeat, good data comes first; everything around a fault is signed anew.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ..harness.bits import one_bit_other
from ..harness.codec import cbor
from ..harness.identity.keys import signer
from ..harness.identity.pki import x5t
from ..harness.tester.conversation import Conversation
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Tale, tell, tell_no_more
from ..model.protocol.frames import FrameType
from ..model.protocol.labels import LABEL_REGISTERS
from .bench import Bench
from .case import Case, citing, fault, for_each
from .claiming import max_age_of
from .forging import observed
from .labelling import Recording, accepted, faulty, label_of, send, sequence_of, telling
from .parties import LETTERS
from .stages import CONTENT, REPLY_CONTENT, SHORT, when_open
from .talk import attesting

ROLES = ("device", "service")
FAR = 30

Make = Callable[[TesterEndpoint], Tale]
Sign = Callable[[TesterEndpoint, bytes], bytes]


def _constant(name: str, value: Any) -> Make:
    return lambda peer: {getattr(label_of(peer), name): cbor.encode(value)}


def _octets(name: str, value: bytes) -> Make:
    return lambda peer: {getattr(label_of(peer), name): value}


def _signed(sign: Sign) -> Make:
    def signature(peer: TesterEndpoint, honest: bytes) -> bytes:
        return sign(peer, peer.run.value(label_of(peer).tbs))

    return lambda peer: {label_of(peer).signature: signature}


def _issued(age: Callable[[TesterEndpoint], int]) -> Make:
    return lambda peer: {label_of(peer).iat: cbor.encode(peer.world.now() - age(peer))}


def _flipped(peer: TesterEndpoint) -> Tale:
    return {label_of(peer).signature: lambda _, honest: one_bit_other(honest)}


LABELS: dict[str, tuple[str, Make]] = {
    "alg-eddsa": ("label_header_is_exact", _constant("alg", -8)),
    "alg-hmac": ("label_header_is_exact", _constant("alg", 5)),
    "alg-esp256": ("label_header_is_exact", _constant("alg", -9)),
    "typ-of-an-environment": ("label_header_is_exact", _constant("typ", "application/vnd.tc.env+cose")),
    "typ-of-evidence": ("label_header_is_exact", _constant("typ", 263)),
    "payload-hash-alg-sha-384": ("label_header_is_exact", _constant("hash_alg", -43)),
    "x5t-of-the-attestation-key": (
        "label_x5t_is_peer_leaf",
        lambda peer: {label_of(peer).x5t: x5t(peer.world.credentials.ak)},
    ),
    "x5t-of-the-issuer": (
        "label_x5t_is_peer_leaf",
        lambda peer: {label_of(peer).x5t: x5t(peer.world.credentials.chain[0])},
    ),
    "x5t-of-another-hash": (
        "label_x5t_is_peer_leaf",
        lambda peer: {label_of(peer).x5t: cbor.encode([-15, peer.world.credentials.leaf.sha256[:8]])},
    ),
    "signature-bit": ("label_signature_verifies", _flipped),
    "signature-zero": ("label_signature_verifies", lambda peer: {label_of(peer).signature: bytes(64)}),
    "signature-by-the-attestation-key": (
        "label_signature_verifies",
        _signed(lambda peer, tbs: peer.world.tam.sign_attestation(tbs)),
    ),
    "sub-of-another": ("label_subject_is_peer", _constant("subject", "https://other.example/")),
    "sub-empty": ("label_subject_is_peer", _constant("subject", "")),
    "iss-of-another-platform": ("label_subject_is_peer", _constant("issuer", "urn:tc:device:01" + "00" * 32)),
    "sid-of-no-session": ("label_sid_is_this_session", _octets("sid", bytes(16))),
    "iat-too-old": ("label_is_recent", _issued(lambda peer: max_age_of(peer) + FAR)),
    "iat-in-the-future": ("label_is_recent", _issued(lambda peer: -60 - FAR)),
    "digest-of-other-content": ("label_digest_is_content", _octets("digest", bytes(32))),
    "content-altered": (
        "label_digest_is_content",
        lambda peer: {label_of(peer).carried_content: cbor.bstr(CONTENT + b" ")},
    ),
    "content-empty": ("label_digest_is_content", lambda peer: {label_of(peer).carried_content: cbor.bstr(b"")}),
    "environment-not-named": (
        "label_names_its_environment",
        lambda peer: dict.fromkeys(_environment_registers(peer), b""),
    ),
    "environment-named-wrongly": ("env_is_referred_to", _constant("environment", bytes(32))),
    "environment-named-but-not-brought": (
        "env_is_referred_to",
        lambda peer: {LABEL_REGISTERS[peer.letter].unsent: b""},
    ),
}


def _environment_registers(peer: TesterEndpoint) -> tuple[Any, Any]:
    registers = LABEL_REGISTERS[peer.letter]
    return registers.reference, registers.unsent


@for_each(fault(role, check, "label", field) for role in ROLES for field, (check, _) in LABELS.items())
def test_label(case: Case, bench: Bench) -> None:
    """Data refused solely because of one thing in its label: LBL-04 to LBL-14."""
    bench.refuses(Deviation(), faulty(telling(LABELS[case.field][1])))


@for_each(
    citing(fault(role, "label_signature_verifies", "label", "signature-by-another-party"), "LBL-27") for role in ROLES
)
def test_label_of_another_party(case: Case, bench: Bench) -> None:
    """Data refused solely because another enrolled party of the same role signed its label: LBL-05, LBL-27."""
    key = bench.iut.pki.party(bench.iut.opposite, "another platform").key
    assert key is not None
    sign = signer(key)
    bench.refuses(Deviation(), faulty(telling(_signed(lambda peer, tbs: sign(tbs)))))


@for_each(fault(role, "label_sid_is_this_session", "label", "sid-of-another-session") for role in ROLES)
def test_session_of_another_label(case: Case, bench: Bench) -> None:
    """Data refused solely because its label names an earlier session of the same parties: LBL-08."""
    sid = bench.iut.good().peer.sid
    bench.refuses(Deviation(), faulty(telling(_octets("sid", sid))))


# --- what has been accepted before -----------------------------------------------------------------------------------

AGAIN: dict[str, tuple[str, Make]] = {
    "seq-again": ("label_seq_increases", lambda peer: {label_of(peer).sequence: cbor.encode(sequence_of(peer) - 1)}),
    "seq-lower": ("label_seq_increases", lambda peer: {label_of(peer).sequence: cbor.encode(0)}),
    "cti-again": ("label_cti_is_new", lambda peer: {}),
}


def _first(iut: Iut, conversation: Conversation) -> None:
    """Two good ones, so that there is a lower number than the last; their cti is the one that comes again."""
    peer = conversation.peer
    accepted(conversation)
    tell(peer, {label_of(peer).cti: bytes([len(peer.observations)]) + peer.sid[1:]})
    accepted(conversation)


@for_each(fault(role, check, "repeat", field) for role in ROLES for field, (check, _) in AGAIN.items())
def test_label_again(case: Case, bench: Bench) -> None:
    """Data refused solely because its label repeats a number or an identifier: LBL-09, LBL-11."""
    make = AGAIN[case.field][1]

    def act(iut: Iut, conversation: Conversation) -> None:
        if case.field != "cti-again":
            tell_no_more(conversation.peer)
        telling(make)(iut, conversation)

    bench.refuses(Deviation(), faulty(act, after=_first))


@for_each(fault(role, "label_seq_increases", "repeat", "seq-of-an-earlier-session") for role in ROLES)
def test_sequence_across_sessions(case: Case, bench: Bench) -> None:
    """Data refused solely because its number was used in a session before this one: LBL-09."""
    used = _earlier_session(bench, Deviation())
    bench.refuses(Deviation(), faulty(telling(_constant("sequence", used))))


@for_each(fault(role, "label_sid_is_this_session", "replay", "earlier-session") for role in ROLES)
def test_replay_from_an_earlier_session(case: Case, bench: Bench) -> None:
    """A whole DATA frame of an earlier session: LBL-08, LBL-09 and LBL-11 each refuse it."""
    recording = Recording()
    _earlier_session(bench, recording)
    bench.refuses(Deviation(), faulty(lambda iut, conversation: conversation.peer.send_frame(recording.data[0])))


def _earlier_session(bench: Bench, deviation: Deviation) -> int:
    """Good data in a session of its own; its number."""
    conversation = bench.iut.converse(deviation)
    try:
        when_open(lambda iut, c: accepted(c))(bench.iut, conversation)
        return sequence_of(conversation.peer) - 1
    finally:
        conversation.finish()
        conversation.close()


@for_each(fault(role, "label_seq_increases", "replay", "this-session") for role in ROLES)
def test_replay_in_the_session(case: Case, bench: Bench) -> None:
    """A whole DATA frame sent twice: LBL-09 and LBL-11 each refuse the second."""
    recording = Recording()
    stage = faulty(
        lambda iut, conversation: conversation.peer.send_frame(recording.data[0]), after=lambda iut, c: accepted(c)
    )
    bench.refuses(recording, stage)


@for_each(fault(role, "label_x5t_is_peer_leaf", "reflect", "label-of-the-victim") for role in ROLES)
def test_reflected_label(case: Case, bench: Bench) -> None:
    """The implementation's own data sent back to it: LBL-05 to LBL-07 each refuse it."""
    name = f"DATA_{LETTERS[bench.iut.role]}"

    def receive(iut: Iut, conversation: Conversation) -> None:
        iut.sends(conversation, REPLY_CONTENT)
        conversation.until_seen(name)

    stage = faulty(lambda iut, c: c.peer.send_frame(observed(c, name)), after=receive)
    bench.refuses(Deviation(), stage)


@for_each(fault(role, "data_carries_a_label", "send", "plain-octets") for role in ROLES)
def test_unlabelled(case: Case, bench: Bench) -> None:
    """Data refused solely because it has no label where the policy demands one: LBL-02."""
    bench.iut.need_feature("requires_labels")
    bench.refuses(Deviation(), faulty(lambda iut, conversation: _send_plain(conversation.peer)))


def _plain_beside_label(peer: TesterEndpoint) -> None:
    tell(peer, {label_of(peer).plain: cbor.bstr(CONTENT)})
    send(peer)


def _plain_beside_content(peer: TesterEndpoint) -> None:
    peer.put_frame(FrameType.DATA, {1: CONTENT, 3: CONTENT})


MIXED = {"label": _plain_beside_label, "content": _plain_beside_content}


def _mixed() -> Iterator[Case]:
    for role in ROLES:
        for beside in MIXED:
            yield fault(role, "data_is_plain_or_labelled", "send", f"plain-octets-beside-{beside}", data=beside)


@for_each(_mixed())
def test_mixed_data(case: Case, bench: Bench) -> None:
    """DATA refused solely because unlabelled octets stand beside a label, or beside content: LBL-35."""
    bench.refuses(Deviation(), faulty(lambda iut, conversation: MIXED[case.data](conversation.peer)))


@for_each(fault(role, "data_is_plain_or_labelled", "send", "plain-octets-beside-content-unlabelled") for role in ROLES)
def test_mixed_data_without_demand(case: Case, bench: Bench) -> None:
    """DATA refused solely because content stands beside octets that policy allows without a label: LBL-35."""
    with bench.iut.configured(labels_required=False):
        bench.refuses(Deviation(), faulty(lambda iut, conversation: _plain_beside_content(conversation.peer)))


def _grammar_first(state: str) -> Iterator[Case]:
    return (Case(role, ("LBL-35", "ERR-08"), "answers-by-the-grammar", state) for role in ROLES)


@for_each(_grammar_first("OPEN"))
def test_grammar_before_policy(case: Case, bench: Bench) -> None:
    """Octets beside content are malformed: no RECEIPT says that a label is missing (LBL-35)."""
    bench.works(_no_receipt_of_mixed_data)


@for_each(_grammar_first("EXPIRED"))
def test_grammar_before_time(case: Case, bench: Bench) -> None:
    """Octets beside content are malformed: no RECEIPT says that they come too late (LBL-35)."""

    def expired(conversation: Conversation) -> str:
        return _no_receipt_of_mixed_data(conversation, lambda: clock.advance(SHORT))

    with bench.iut.later() as clock:
        bench.works(expired, world=attesting(bench.iut, valid_for=SHORT))


def _no_receipt_of_mixed_data(conversation: Conversation, first: Callable[[], None] = lambda: None) -> str:
    if not conversation.until_open():
        return "the session did not open"
    first()
    _plain_beside_content(conversation.peer)
    conversation.flush()
    receipt = f"RECEIPT_{conversation.peer.peer}"
    conversation.until_seen(receipt)
    answer = conversation.saw(receipt)
    return "" if answer is None else f"RECEIPT {answer.code} for what is malformed"


def _send_plain(peer: TesterEndpoint) -> None:
    peer.put_frame(FrameType.DATA, {1: CONTENT})


# --- what must work --------------------------------------------------------------------------------------------------


@for_each(Case(role, ("LBL-02",), "accept", "plain-octets") for role in ROLES)
def test_labels_not_required(case: Case, bench: Bench) -> None:
    """Where the policy demands no labels, plain octets are receipted as good: LBL-01, LBL-02."""
    with bench.iut.configured(labels_required=False):
        bench.works(lambda conversation: _receipts(conversation, [_send_plain], [0]))


@for_each(Case(role, ("LBL-26",), "accept", "seq-with-a-gap") for role in ROLES)
def test_gap_in_the_sequence(case: Case, bench: Bench) -> None:
    """Numbers must increase, not follow one another: a gap is accepted: LBL-09, LBL-26."""

    def after_a_gap(peer: TesterEndpoint) -> None:
        tell(peer, {label_of(peer).sequence: cbor.encode(sequence_of(peer) + 7)})
        send(peer)

    bench.works(lambda conversation: _receipts(conversation, [send, after_a_gap], [0, 0]))


@for_each(Case(role, ("SES-17",), "receipt", "counted") for role in ROLES)
def test_session_goes_on(case: Case, bench: Bench) -> None:
    """Every DATA has its receipt, in order; after a refused label good data is accepted: SES-17."""

    def bad(peer: TesterEndpoint) -> None:
        tell(peer, {label_of(peer).sid: bytes(16)})
        send(peer)
        tell_no_more(peer)

    bench.works(lambda conversation: _receipts(conversation, [send, bad, send, _send_plain, send], [0, 30, 0, 32, 0]))


def _receipts(conversation: Conversation, sends: list[Callable[[TesterEndpoint], None]], codes: list[int]) -> str:
    """Send one after the other; what is wrong with the receipts."""
    if not conversation.until_open():
        return "the session did not open"
    peer, name = conversation.peer, f"RECEIPT_{conversation.peer.peer}"
    for count, (act, code) in enumerate(zip(sends, codes, strict=True)):
        before = len(peer.observations)
        act(peer)
        conversation.flush()
        if not conversation.until_seen(name, before):
            return f"no receipt for DATA {count}"
        body = cbor.decode(observed(conversation, name, count))[1]
        if body != {1: count, 2: code}:
            return f"receipt {body} where count {count} and code {code} were due"
    return ""


def _own(role: str) -> Case:
    shown = ("LBL-04", "LBL-01", "LBL-03", "LBL-14", "LBL-22", "LBL-26", "LBL-27", "LBL-29", "ATT-28")
    case = Case(role, shown, "send", "labels")
    return citing(case, "LBL-28") if role == "service" else case


@for_each(map(_own, ROLES))
def test_own_labels(case: Case, bench: Bench) -> None:
    """Labels of the implementation pass every check; numbers increase, identifiers differ: LBL-01, LBL-03, LBL-04."""
    iut = bench.iut
    iut.need_feature("sends_labels")
    name = f"DATA_{LETTERS[iut.role]}"

    def play(conversation: Conversation) -> str:
        if not conversation.until_open():
            return "the session did not open"
        for content in (CONTENT, REPLY_CONTENT, REPLY_CONTENT):
            before = len(conversation.peer.observations)
            iut.sends(conversation, content)
            if not conversation.until_seen(name, before):
                return "no data came"
        return _accepted_as(conversation, [CONTENT, REPLY_CONTENT, REPLY_CONTENT])

    bench.works(play, off=frozenset())


def _accepted_as(conversation: Conversation, contents: list[bytes]) -> str:
    events = [e.fields for e in conversation.peer.events if e.name in ("label_accepted", "data_refused")]
    refused = [e["check"] for e in events if "check" in e]
    if refused:
        return f"a label fails {refused[0]}"
    if [e["content"] for e in events] != [content.hex() for content in contents]:
        return "other content was delivered"
    ordered = sorted({e["sequence"] for e in events}) == [e["sequence"] for e in events]
    return "" if ordered and len({e["cti"] for e in events}) == len(events) else "numbers or identifiers come again"
