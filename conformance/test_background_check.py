"""A relying party that has evidence judged by a verifier: the result decides, and none but the one for this session.

The tester is the peer and the verifier: evidence is good, and the one thing that is wrong is what the verifier says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cbor2 import CBORTag

from ..harness.bits import one_bit_other
from ..harness.codec import cbor, cose
from ..harness.identity.keys import derive_key, signer
from ..harness.identity.pki import Issued
from ..harness.tester.background import honest_verifier
from ..harness.tester.deviation import Deviation
from ..harness.tester.peer import TesterEndpoint
from ..harness.tester.session import Iut
from ..harness.tester.telling import Telling
from ..harness.tester.tpm_faults import FAULTS
from ..harness.verdict.allowed import Allowed
from ..model.table import Message
from .bench import Bench, opened
from .case import Case, fault, for_each
from .claiming import CLAIMS
from .parties import LETTERS
from .test_evidence import att, evidence
from .test_tpm import attesting, bundle_of

ROLES = ("device", "service")
EXP, IAT, CNF, NONCE, UEID, PROFILE, SUBMODS = 4, 6, 8, 10, 256, 265, 266
STATUS, POLICY_IDS = 1000, 1003
Tell = Callable[["Told", bytes], bytes | None]
"""From an honest reply to what is said in its place, None for nothing."""
Parts = list[Any]
"""Of a result: protected header, unprotected header, claims, signature; the first and the third decoded."""


@dataclass
class Told:
    """What the tester's verifier says: the truth, but once, where it is told to lie, what `change` makes of it."""

    iut: Iut
    change: Tell
    lies: bool = False
    request: bytes = b""
    """The latest."""
    said: list[bytes] = field(default_factory=list)
    """Honest replies, the latest last."""
    references: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    """Policy id to other reference values than those of the tester's platforms."""

    def answer(self, request: bytes) -> bytes | None:
        """The reply to a request."""
        self.request = request
        reply = honest_verifier(self.iut.pki, self.iut.clock.now, self.references).answer(request)
        self.said.append(reply)
        lies, self.lies = self.lies, False
        return self.change(self, reply) if lies else reply

    def signed(
        self, reply: bytes, change: Callable[[Parts], None], by: Issued | None = None, own: bool = True
    ) -> bytes:
        """A reply with its parts changed and signed again; `by` another verifier, which names itself only if `own`."""
        tagged = cbor.decode(reply)[1]
        parts: Parts = [cbor.decode(tagged.value[0]), tagged.value[1], cbor.decode(tagged.value[2]), b""]
        signed_by = by or self.iut.pki.verifier()
        if own:
            parts[0][cose.X5T] = [-16, signed_by.certificate.sha256]
        change(parts)
        header, claims = cbor.encode(parts[0]), cbor.encode(parts[2])
        assert signed_by.key is not None
        signature = parts[3] or signer(signed_by.key)(cose.sig_structure(header, b"", claims))
        return cbor.encode({1: CBORTag(18, [header, parts[1], claims, signature])})


def other_claim(key: int, change: Callable[[Told, Any], Any]) -> Tell:
    return lambda told, reply: told.signed(reply, lambda parts: parts[2].update({key: change(told, parts[2][key])}))


def other_submod(key: int, value: Any) -> Tell:
    return other_claim(SUBMODS, lambda told, honest: {"tc": {**honest["tc"], key: value}})


def _without_in_submod(key: int) -> Tell:
    return other_claim(SUBMODS, lambda told, honest: {"tc": {k: v for k, v in honest["tc"].items() if k != key}})


def _header(key: int, value: object) -> Tell:
    return lambda told, reply: told.signed(reply, lambda parts: parts[0].update({key: value}))


def _without(key: int) -> Tell:
    return lambda told, reply: told.signed(reply, lambda parts: parts[2].pop(key))


def another_key(told: Told, honest: object) -> dict[int, Any]:
    return {1: cose.cose_key(derive_key(b"somebody", "else").public_key())}


def _key_of_the_relying_party(told: Told, honest: object) -> dict[int, Any]:
    return {1: cose.cose_key(derive_key(told.iut.pki.seed, f"{told.iut.role} identity").public_key())}


def _unsigned(told: Told, reply: bytes) -> bytes:
    return told.signed(reply, lambda parts: parts.__setitem__(3, bytes(64)))


def _one_bit(told: Told, reply: bytes) -> bytes:
    return one_bit_other(reply)


def by_another_verifier(told: Told, reply: bytes) -> bytes:
    return told.signed(reply, lambda parts: None, told.iut.pki.verifier("another verifier"))


def _by_another_in_its_name(told: Told, reply: bytes) -> bytes:
    return told.signed(reply, lambda parts: None, told.iut.pki.verifier("another verifier"), own=False)


def _by_the_attester(told: Told, reply: bytes) -> bytes:
    return told.signed(reply, lambda parts: None, told.iut.world.credentials.issued)


def _by_the_attestation_key(told: Told, reply: bytes) -> bytes:
    return told.signed(reply, lambda parts: None, told.iut.world.credentials.attestation, own=False)


def _evidence_itself(told: Told, reply: bytes) -> bytes:
    return cbor.encode({1: cbor.decode(cbor.decode(cbor.decode(told.request)[1])[1])})


def saying(reply: bytes | None) -> Tell:
    return lambda told, _: reply


now_told: Callable[[Told], int] = lambda told: told.iut.clock.now()  # noqa: E731

RESULTS: dict[str, dict[str, Tell]] = {
    "ear_verifier_is_pinned": {
        "of-another-verifier": by_another_verifier,
        "of-the-attester": _by_the_attester,
        "x5t-of-nobody": _header(cose.X5T, [-16, bytes(32)]),
        "x5t-one-bit-other": lambda told, reply: told.signed(
            reply, lambda parts: parts[0].update({34: [-16, one_bit_other(parts[0][34][1])]})
        ),
    },
    "ear_signature_verifies": {
        "by-another-verifier-in-its-name": _by_another_in_its_name,
        "by-the-attestation-key": _by_the_attestation_key,
        "one-bit": _one_bit,
        "zeros": _unsigned,
    },
    "ear_header_is_exact": {
        "alg-eddsa": _header(cose.ALG, -8),
        "alg-hmac": _header(cose.ALG, 5),
        "typ-of-a-label": _header(cose.TYP, "application/vnd.tc.label+cose"),
    },
    "ear_profile_is_this_one": {
        "profile-of-evidence": other_claim(PROFILE, lambda told, _: "tag:trustconn.org,2026:tc1"),
        "profile-longer": other_claim(PROFILE, lambda told, honest: honest + "0"),
    },
    "ear_nonce_is_binder": {
        "one-bit-of-the-binder": other_claim(NONCE, lambda told, honest: one_bit_other(honest)),
        "nonce-of-zeros": other_claim(NONCE, lambda told, _: bytes(32)),
        "binder-cut-short": other_claim(NONCE, lambda told, honest: honest[:-1]),
        "binder-and-more": other_claim(NONCE, lambda told, honest: honest + b"\x00"),
    },
    "ear_cnf_is_peer_identity_key": {
        "cnf-of-another-attester": other_claim(CNF, another_key),
        "cnf-of-the-relying-party": other_claim(CNF, _key_of_the_relying_party),
    },
    "ear_ueid_is_peer_device": {
        "ueid-of-another-platform": other_claim(UEID, lambda told, honest: one_bit_other(honest)),
        "ueid-of-nobody": other_claim(UEID, lambda told, _: b"\x01" + bytes(32)),
        "ueid-cut-short": other_claim(UEID, lambda told, honest: honest[:-1]),
    },
    "ear_is_in_force": {
        "expired": other_claim(EXP, lambda told, _: now_told(told) - 1),
        "expires-now": other_claim(EXP, lambda told, _: now_told(told)),
        "issued-in-the-future": other_claim(IAT, lambda told, _: now_told(told) + 600),
    },
    "ear_names_the_policy": {
        "another-policy": other_submod(POLICY_IDS, ["tc-test-empty"]),
        "another-policy-too": other_submod(POLICY_IDS, ["tc-test-device", "tc-test-service"]),
        "no-policy": other_submod(POLICY_IDS, []),
        "policies-absent": _without_in_submod(POLICY_IDS),
    },
    "ear_is_affirming": {
        "status-none": other_submod(STATUS, 0),
        "status-unknown": other_submod(STATUS, 1),
        "status-malfunction": other_submod(STATUS, -1),
        "status-warning": other_submod(STATUS, 32),
        "status-contraindicated": other_submod(STATUS, 96),
        "status-as-text": other_submod(STATUS, "affirming"),
        "status-true": other_submod(STATUS, True),
        "status-absent": _without_in_submod(STATUS),
        "one-of-two-submodules": other_claim(
            SUBMODS, lambda told, honest: {**honest, "zz": {**honest["tc"], STATUS: 96}}
        ),
    },
    "result_is_given": {
        **{f"error-{code}": saying(cbor.encode({2: code})) for code in range(1, 6)},
        "nothing": saying(None),
        "no-octets": saying(b""),
        "octets": saying(b"\xff" * 40),
        "number": saying(b"\x02"),
        "tier-alone": saying(cbor.encode({1: 2})),
        "result-and-error": lambda told, reply: cbor.encode({**cbor.decode(reply), 2: 1}),
        "claims-alone": lambda told, reply: cbor.encode({1: cbor.decode(cbor.decode(reply)[1].value[2])}),
        "evidence-itself": _evidence_itself,
        "exp-absent": _without(EXP),
        "cnf-absent": _without(CNF),
        "ueid-absent": _without(UEID),
        "nonce-in-an-array": other_claim(NONCE, lambda told, honest: [honest]),
        "nonce-absent": _without(NONCE),
        "cut-short": lambda told, reply: reply[:-1],
        "octets-behind": lambda told, reply: reply + b"\x00",
    },
}
BAD_EVIDENCE = ("measurements-one-other", "ueid-of-another-platform", "dbgstat-enabled", "iat-too-old")
MALFORMED = Allowed(frozenset({"alert:22"}), frozenset({"alert:11", "alert:21", "alert:23", "alert:80"}), "VER-05")
"""A result of another form than its grammar gives it."""


class Misjudged(Deviation):
    """The tester's evidence goes out as it should; what its verifier says of it is the fault."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told
        self._att = f"ATT_{LETTERS[told.iut.opposite]}"

    def emit(self, peer: TesterEndpoint, message: Message, data: bytes) -> None:
        if message.name == self._att:
            self._told.lies = True
            self.happened(peer)
        peer.put(message, data)


def _cases(checks: Iterable[str]) -> Iterator[Case]:
    for check in checks:
        for name in RESULTS[check]:
            for role in ROLES:
                yield fault(role, check, "judge", name)


def refuses_result(bench: Bench, change: Tell, allowed: Allowed | None = None, *, before: int = 0) -> None:
    """One false result, after `before` sessions with true ones."""
    told = Told(bench.iut, change)
    with bench.iut.judged_by(told.answer):
        for _ in range(before):
            bench.iut.good()
        bench.refuses(Misjudged(told), allowed=allowed, configuration=ASKING)


ASKING = "asking a verifier"
"""What the control conversation is about."""


@for_each(Case(role, ("VER-05",), "judge", "truly") for role in ROLES)
def test_true_result(case: Case, bench: Bench) -> None:
    """Good evidence that the pinned verifier affirms for this very session opens it: VER-05."""
    told = Told(bench.iut, saying(None))
    with bench.iut.judged_by(told.answer):
        bench.works(lambda conversation: opened(conversation) or ("" if told.said else "no verifier was asked"))


@for_each(_cases(name for name in RESULTS if name != "result_is_given"))
def test_result_of_a_verifier(case: Case, bench: Bench) -> None:
    """Good evidence, refused solely because of the result that the verifier gives about it: VER-05."""
    assert case.check is not None
    refuses_result(bench, RESULTS[case.check][case.field])


@for_each(_cases(["result_is_given"]))
def test_no_result_of_a_verifier(case: Case, bench: Bench) -> None:
    """Good evidence, refused solely because the verifier gives no result about it: VER-05."""
    refuses_result(bench, RESULTS["result_is_given"][case.field], MALFORMED)


@for_each(fault(role, "ear_nonce_is_binder", "replay", "result-of-the-session-before") for role in ROLES)
def test_result_of_an_earlier_session(case: Case, bench: Bench) -> None:
    """The result about the same two parties in their session before, refused solely because of its binder: VER-05."""
    refuses_result(bench, lambda told, reply: told.said[0], before=1)


@for_each(fault(role, "ear_is_affirming", "judge", f"{name}") for role in ROLES for name in BAD_EVIDENCE)
def test_bad_evidence_before_a_verifier(case: Case, bench: Bench) -> None:
    """Evidence that a true result does not affirm: the relying party does as the result says. VER-05."""
    told, tale = Told(bench.iut, saying(None)), CLAIMS[case.field].tale(evidence(bench.iut))
    with bench.iut.judged_by(told.answer):
        bench.refuses(Telling(att(bench.iut), tam=tale), configuration=ASKING)


# --- evidence of a TPM -----------------------------------------------------------------------------------------------

ABOUT_TPM = "asking a verifier about a TPM"


@for_each(Case(role, ("VER-05",), "judge", "a-tpm-truly") for role in ROLES)
def test_true_result_about_a_tpm(case: Case, bench: Bench) -> None:
    """Good evidence of a TPM that the pinned verifier affirms for this very session opens it: VER-05."""
    told = Told(bench.iut, saying(None))
    with bench.iut.attesting_by_tpm(), bench.iut.judged_by(told.answer):
        world = attesting(bench.iut)
        bench.works(lambda c: opened(c) or ("" if told.said else "no verifier was asked"), world=world)


@for_each(fault(role, "ear_is_affirming", "judge", "a-tpm-with-other-registers") for role in ROLES)
def test_bad_tpm_before_a_verifier(case: Case, bench: Bench) -> None:
    """Evidence of a TPM that a true result does not affirm: the relying party does as the result says. VER-05."""
    iut, told = bench.iut, Told(bench.iut, saying(None))
    tale = FAULTS["pcr-11-other"].tell(bundle_of(iut))

    def control() -> str:
        return iut.good(world=attesting(iut)).transcript.digest()

    with iut.attesting_by_tpm(), iut.judged_by(told.answer):
        deviation = Telling(att(iut), tam=tale)
        bench.refuses(deviation, configuration=ABOUT_TPM, control=control, world=attesting(iut), deferred=False)
