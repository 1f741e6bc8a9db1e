"""Faults of the reference verifier: whom it believes, what its results say, what it makes of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ...model.protocol.attestation import EVIDENCE
from ...model.protocol.background import QUESTION, RESULT, Result
from ...model.refusals import VerifierError
from ...model.table import Form
from ...model.terms import Term
from ..codec import cbor, cose
from ..identity.keys import derive_key, signer
from ..identity.world import World
from ..verifier.appraisal import Asked, Verifier, error
from ..verifier.policy import AppraisalPolicy
from ..verifier.provider import VerifierProvider
from .fault import VERIFIER, Fault, fault
from .operators import accepts, constant, decoded, forgives_exceptions, number, prefix, terms_of
from .run import FaultyRun, Lie
from .verifier_memory import memory_faults

# --- whom it believes ------------------------------------------------------------------------------------------------


class _BinderOfEvidence(Verifier):
    """Takes the binder from evidence."""

    def _answer(self, request: bytes) -> bytes:
        try:
            body = cbor.decode(request)
            claims = cbor.decode(cbor.decode(cbor.decode(body[1])[1]).value[2])
            return super()._answer(cbor.encode({**body, 2: claims[10]}))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return super()._answer(request)


class _AnyPolicy(Verifier):
    """Falls back on the policies that it has."""

    def provider(self, asked: Asked) -> VerifierProvider:
        known = self.policies.get(asked.policy)
        first = next(iter(self.policies))
        usable = asked.policy if known is not None else first
        return super().provider(replace(asked, policy=usable))


class _EmptyPolicy(Verifier):
    """Finds nothing wrong where nothing is demanded."""

    def provider(self, asked: Asked) -> VerifierProvider:
        provider = super().provider(asked)
        policy = provider.appraised_by
        if policy is not None and not policy.usable:
            provider.appraised_by = _Usable(policy.id, policy.policy, policy.properties)
        return provider


class _Usable(AppraisalPolicy):
    @property
    def usable(self) -> bool:
        return True


def _beliefs() -> Iterator[Fault]:
    yield fault(
        "leaf_or_relying_party", "The context may name the leaf as relying party.", "VER-02", "confuse", "cert_rp",
        VERIFIER, judges={"request_names_the_leaf": _either_party},
    )  # fmt: skip
    yield fault(
        "leaf_by_31_octets", "The last octet of cert_att is not compared.", "VER-02", "shorten", "cert_att",
        VERIFIER, judges={"request_names_the_leaf": prefix(31)},
    )  # fmt: skip
    yield fault(
        "binder_of_evidence", "The binder is taken from evidence, not from the relying party.", "VER-03", "take",
        "binder", VERIFIER, verifier=_BinderOfEvidence,
    )  # fmt: skip
    yield fault(
        "any_policy", "An unknown policy id means the first policy.", "VER-03", "default", "policy id",
        VERIFIER, verifier=_AnyPolicy,
    )  # fmt: skip
    yield fault(
        "empty_policy_affirms", "Without reference values every measurement is good.", "VER-03", "accept",
        "empty reference set", VERIFIER, verifier=_EmptyPolicy,
        judges={"measurements_match_reference_values": accepts(lambda world, _: not world.policy.reference_values)},
    )  # fmt: skip
    yield fault(
        "properties_unseen", "Properties are affirmed without a look at measurements.", "PBA-05", "skip",
        "measurements", VERIFIER,
        judges={"measurements_match_reference_values": accepts(lambda world, _: True)},
    )  # fmt: skip
    yield fault(
        "missing_measurements_not_missed", "Components that are not measured are not missed.", "VER-03", "accept",
        "measurement absent", VERIFIER,
        judges={"measurements_match_reference_values": accepts(_nothing_else_measured)},
    )  # fmt: skip


def _either_party(run: FaultyRun, name: str, form: Form, honest: Callable[[], None]) -> None:
    """The leaf may be either party of the context."""
    leaf = run.value(terms_of(form)[1])
    if leaf != run.value(QUESTION[_letter(run)].relying_party):
        honest()


def _letter(run: FaultyRun) -> str:
    """The side of the attester."""
    return "I" if run.world.role == "service" else "R"


def _nothing_else_measured(world: World, measurements: bytes) -> bool:
    references = set(world.policy.reference_values.items())
    components = [cbor.decode(item[1]) for item in decoded(measurements)]
    return {(component[1][0], component[2][1]) for component in components} < references


# --- what its results say --------------------------------------------------------------------------------------------


def _lying(term: Callable[[Result], Term], lie: Lie) -> dict[Term, Lie]:
    return {term(result): lie for result in RESULT.values()}


def _policy_of_its_own(run: Any, honest: bytes) -> bytes:
    submods = decoded(honest)
    return cbor.encode({name: {**submod, 1003: ["default"]} for name, submod in submods.items()})


def _always_affirming(run: Any, honest: bytes) -> bytes:
    submods = decoded(honest)
    return cbor.encode({name: {**submod, 1000: 2} for name, submod in submods.items()})


def _without_vector(run: Any, honest: bytes) -> bytes:
    submods = decoded(honest)
    return cbor.encode({name: {key: submod[key] for key in submod if key != 1001} for name, submod in submods.items()})


def _one_property(run: Any, honest: bytes) -> bytes:
    submods = decoded(honest)
    return cbor.encode(dict(list(submods.items())[:1])) if len(submods) > 1 else honest


def _told(run: Any, honest: bytes) -> bytes:
    letter = _letter(run)
    return cbor.encode(273) + bytes(run.value(EVIDENCE[letter].token.measurements))


def _of_the_policy(run: Any, honest: bytes) -> bytes:
    return cbor.encode(run.world.time() + run.world.policy.valid_for)


def _other_key(run: Any, honest: bytes) -> bytes:
    return cbor.encode(cose.cose_key(derive_key(b"somebody", "else").public_key()))


def _signed_by_another(run: Any, honest: Any) -> Any:
    letter = _letter(run)
    signature: bytes = signer(derive_key(b"another", "verifier"))(run.value(RESULT[letter].tbs))
    return signature


def _results() -> Iterator[Fault]:
    for name, sentence, what, term, lie in (
        ("ear_nonce_of_its_own", "eat_nonce is a nonce of the verifier.", "eat_nonce", lambda r: r.nonce,
         constant(cbor.encode(bytes(32)))),
        ("ear_cnf_of_another_key", "cnf is another key.", "cnf", lambda r: r.cnf, _other_key),
        ("ear_ueid_of_another_platform", "ueid is that of another platform.", "ueid", lambda r: r.ueid,
         constant(cbor.encode(b"\x01" + bytes(32)))),
        ("ear_policy_of_its_own", "The policy id is not the one asked for.", "policy id", lambda r: r.submods,
         _policy_of_its_own),
        ("ear_without_vector", "No claim of trustworthiness is told.", "vector", lambda r: r.submods, _without_vector),
        ("ear_iat_zero", "iat is no time.", "iat", lambda r: r.iat, constant(cbor.encode(0))),
        ("ear_exp_past", "exp has passed when the result is made.", "exp", lambda r: r.exp,
         number(lambda exp: exp - 100_000_000)),
        ("ear_verifier_unnamed", "The verifier's build is not named.", "verifier id", lambda r: r.verifier_id,
         constant(cbor.encode({0: "somebody"}))),
        ("ear_profile_of_draft", "eat_profile is that of an earlier draft.", "eat_profile", lambda r: r.profile,
         constant(cbor.encode("tag:github.com,2023:veraison/ear"))),
        ("ear_x5t_of_zeros", "x5t names no certificate.", "x5t", lambda r: r.x5t,
         constant(cbor.encode([-16, bytes(32)]))),
        ("ear_typ_of_json", "typ says another serialization.", "typ", lambda r: r.typ, constant(cbor.encode(264))),
        ("ear_signed_by_another", "Another key signs.", "signature", lambda r: r.signature, _signed_by_another),
        ("ear_unsigned", "The signature is zeros.", "signature zero", lambda r: r.signature, constant(bytes(64))),
    ):  # fmt: skip
        yield fault(name, sentence, "VER-04", "state", what, VERIFIER, lies=_lying(term, lie))
    yield fault(
        "ear_outlives_its_key", "exp is that of the policy, whatever ends before.", "VER-04", "state", "exp late",
        VERIFIER, lies=_lying(lambda r: r.exp, _of_the_policy),
    )  # fmt: skip
    yield fault(
        "refused_is_affirming", "The status is affirming whatever was found.", "VER-03", "state", "status",
        VERIFIER, lies=_lying(lambda r: r.submods, _always_affirming),
    )  # fmt: skip
    yield fault(
        "property_left_out", "Only the first property is named.", "PBA-02", "omit", "property",
        VERIFIER, lies=_lying(lambda r: r.submods, _one_property),
    )  # fmt: skip
    yield fault(
        "result_tells_measurements", "A result names the measurements, too.", "PBA-02", "tell", "measurements",
        VERIFIER, lies=_lying(lambda r: r.further, _told),
    )  # fmt: skip


# --- what it makes of errors -----------------------------------------------------------------------------------------


class _Cached(Verifier):
    """Where something is wrong with a request, its last affirming result will do."""

    last = b""

    def answer(self, request: bytes) -> bytes:
        reply = super().answer(request)
        if self.last and reply in (error(VerifierError.MALFORMED), error(VerifierError.INTERNAL)):
            return self.last
        if 1 in cbor.decode(reply):
            self.last = reply
        return reply


class _Defaults(Verifier):
    """What is missing is taken from the request before."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.before: dict[int, Any] = {}

    def _answer(self, request: bytes) -> bytes:
        try:
            body = cbor.decode(request)
            missing = {1, 2, 3, 4, 5} - body.keys()
        except (ValueError, AttributeError):
            return super()._answer(request)
        if missing and 2 not in missing:
            body = {**self.before, **body}
        self.before = body
        return super()._answer(cbor.encode(body))


class _Offended(Verifier):
    """After a request that was none, the next ones are refused."""

    offences = 0

    def answer(self, request: bytes) -> bytes:
        if self.offences:
            self.offences -= 1
            return error(VerifierError.INTERNAL)
        reply = super().answer(request)
        self.offences = 4 if reply == error(VerifierError.MALFORMED) else 0
        return reply


class _Lenient(Verifier):
    """Reads what a lenient decoder reads."""

    leniency: frozenset[str] = frozenset()

    def __init__(self, *arguments: Any, off: frozenset[str] = frozenset(), **options: Any) -> None:
        super().__init__(*arguments, off=off | self.leniency, **options)


def _lenient(*checks: str) -> type[Verifier]:
    return type("_LenientVerifier", (_Lenient,), {"leniency": frozenset(checks)})


def _errors() -> Iterator[Fault]:
    for name, sentence, requirement, operator, what, seam in (
        ("cached_result", "A request that cannot be read gets the last result.", "VER-06", "repeat", "result", _Cached),
        ("missing_input_from_before", "A missing input is that of the last request.", "VER-06", "repeat", "input",
         _Defaults),
        ("offended_by_garbage", "After a malformed request others are refused.", "VER-07", "refuse", "others",
         _Offended),
        ("any_encoding", "Any encoding of CBOR will do.", "VER-08", "decode", "encoding",
         _lenient("frame_is_deterministic")),
        ("keys_twice", "Of two equal keys the last one counts.", "VER-08", "decode", "duplicate keys",
         _lenient("frame_has_no_duplicate_keys", "frame_is_deterministic")),
        ("octets_behind_ignored", "What follows a request is not looked at.", "VER-08", "decode", "trailing octets",
         _lenient("frame_has_no_trailing_bytes")),
        ("unknown_keys_ignored", "Unknown keys are not looked at.", "VER-08", "decode", "unknown key",
         _lenient("frame_matches_its_grammar")),
    ):  # fmt: skip
        yield fault(name, sentence, requirement, operator, what, VERIFIER, verifier=seam)
    judged = ("measurements_match_reference_values", "cnf_is_peer_identity_key")
    yield fault(
        "exceptions_are_good", "A claim that cannot be read is no reason to refuse.", "VER-06", "forgive",
        "exceptions", VERIFIER, judges=dict.fromkeys(judged, forgives_exceptions),
    )  # fmt: skip


def verifier_faults() -> Iterator[Fault]:
    """All of them."""
    yield from memory_faults()
    yield from _beliefs()
    yield from _results()
    yield from _errors()
