"""What the reference peer judges where neither certificates nor evidence alone decide: headers, keys, the session.

Arguments are encoded items, b"" where absent. A judge refuses for its own reason alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ...model.protocol.frames import FLAG_WAIVER
from ..codec import cbor, cose
from ..identity.predicates import leaf_public_key
from ..identity.virtual import BOOT_SEED
from ..identity.world import LENIENT, World
from .label_checks import LABEL_CHECKS, check_new
from .property_evidence import JUDGED

if TYPE_CHECKING:
    from .provider import WorldProvider

ES256, ESP256 = -7, -9
"""ES256, and its fully specified form: a token may use either, the profile's own objects the first alone."""
BOOTSEED = 268
EAT_TYPE, ENV_TYPE = 263, "application/vnd.tc.env+cose"
COMMITMENT_TYPE = "application/vnd.tc.pba-commitment+cose"
LABEL_TYPE, WAIVER_TYPE = "application/vnd.tc.label+cose", "application/vnd.tc.waiver+cose"


def chain_digest(world: World, chain: bytes) -> bytes:
    """COSE_CertHash of the first certificate of an x5chain, by SHA-256 (RFC 9360). Raises Refused for no chain."""
    return cbor.encode([-16, world.x5chain(chain).leaf.sha256])


def _decode(data: bytes) -> Any:
    return cbor.decode(data, rules=LENIENT)


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)


def _header(expected_type: int | str, *algorithms: int) -> Callable[..., None]:
    accepted = algorithms or (ES256,)

    def judge(provider: WorldProvider, alg: bytes, typ: bytes, *digest_and_chain: bytes) -> None:
        algorithm, kind = _decode(alg), _decode(typ)
        if algorithm not in accepted:
            raise ValueError(f"algorithm {algorithm}")
        if kind != expected_type:
            raise ValueError(f"type {kind}")
        if digest_and_chain:
            x5t, chain = digest_and_chain
            _require(x5t == chain_digest(provider.world, chain), "x5t is not the first certificate")

    return judge


def _label_header(provider: WorldProvider, alg: bytes, typ: bytes, hash_alg: bytes) -> None:
    _header(LABEL_TYPE)(provider, alg, typ)
    _require(_decode(hash_alg) == -16, f"payload hash algorithm {_decode(hash_alg)}")


def _cnf(provider: WorldProvider, key: bytes, id_cred: bytes) -> None:
    """Keys are compared by their parameters, never by their encoding."""
    confirmation = _decode(key)
    _require(isinstance(confirmation, dict), "no COSE_Key")
    given = cose.public_from_cose_key(confirmation)
    _require(given == leaf_public_key(provider.world, id_cred), "another key than the handshake's")


def _tier(provider: WorldProvider, tier: bytes, direction: bytes) -> None:
    fits = {0: {201}, 1: {2, 32, 96}, 2: {200}}[_decode(direction)]
    _require(_decode(tier) in fits, f"tier {_decode(tier)} in this direction")


def _label_seq(provider: WorldProvider, sequence: bytes, id_cred: bytes) -> None:
    signer = provider.world.credential(id_cred).leaf.sha256
    last = provider.world.memory.label_sequence.get(signer, -1)
    _require(_decode(sequence) > last, f"{_decode(sequence)} after {last}")


def _label_cti(provider: WorldProvider, cti: bytes, id_cred: bytes) -> None:
    signer = provider.world.credential(id_cred).leaf.sha256
    _require(signer + _decode(cti) not in provider.world.memory.label_ids, "seen before")


def _label_environment(provider: WorldProvider, reference: bytes, direction: bytes) -> None:
    attests = _decode(direction) == 1
    _require(bool(reference) == attests, "a reference to an environment exactly where the signer was attested")


def _one_instance(provider: WorldProvider, further: bytes, id_cred: bytes) -> None:
    """A virtualized root shows its boot seed, and the same in all of its sessions that are live."""
    leaf = provider.world.credential(id_cred).leaf
    if leaf.virtual is None:
        return
    claims = cbor.split_sequence(further, rules=LENIENT)
    seed = dict(zip(map(_decode, claims[::2]), claims[1::2], strict=True)).get(BOOTSEED, b"")
    shown = _decode(seed) if seed else b""
    if not isinstance(shown, bytes) or len(shown) != BOOT_SEED:
        raise ValueError("a virtualized root shows no boot seed")
    _require(provider.world.memory.live.show(leaf.sha256, provider, shown), "a live session shows another boot seed")


def _env_age(provider: WorldProvider, iat: bytes, last: bytes) -> None:
    _require(_decode(iat) >= _decode(last), "older than the one before")


def _waiver_flag(provider: WorldProvider, flags: bytes, waiver: bytes) -> None:
    announced = bool(_decode(flags) & FLAG_WAIVER)
    _require(announced == bool(waiver), "flag 2 and a waiver statement come together or not at all")


def _receipt_count(provider: WorldProvider, count: bytes, confirmed: bytes, sent: bytes) -> None:
    expected = _decode(confirmed)
    _require(expected < _decode(sent), "nothing is unanswered")
    _require(_decode(count) == expected, f"{_decode(count)} where {expected} is due")


def _of_world(judge: Callable[..., None], provider: WorldProvider, *arguments: bytes) -> None:
    judge(provider.world, *arguments)


JUDGES: Mapping[str, Callable[..., None]] = {
    "receipt_counts_my_data": _receipt_count,
    "waiver_comes_with_its_flag": _waiver_flag,
    "eat_header_is_exact": _header(EAT_TYPE, ES256, ESP256),
    "env_header_is_exact": _header(ENV_TYPE),
    "commitment_header_is_exact": _header(COMMITMENT_TYPE, ES256, ESP256),
    **JUDGED,
    "waiver_header_is_exact": _header(WAIVER_TYPE),
    "label_header_is_exact": _label_header,
    "cnf_is_peer_identity_key": _cnf,
    "env_cnf_is_label_signer": _cnf,
    "verdict_tier_fits_direction": _tier,
    "verdict_valid_for_is_positive": lambda p, seconds: _require(_decode(seconds) > 0, "no validity"),
    "data_is_plain_or_labelled": lambda p, plain, *labelled: _require(
        not (plain and any(labelled)), "unlabelled octets beside parts of labelled data"
    ),
    "data_carries_a_label": lambda p, plain: _require(
        not p.world.policy.labels_required and plain != b"", "no label where the policy requires one"
    ),
    "label_seq_increases": _label_seq,
    "label_cti_is_new": _label_cti,
    "label_names_its_environment": _label_environment,
    "env_is_not_older": _env_age,
    "boot_seed_is_of_one_instance": _one_instance,
    "confirmation_is_new": lambda p, *chain: check_new(p.confirmed, *chain),
    **{name: partial(_of_world, judge) for name, judge in LABEL_CHECKS.items()},
}
"""By check; raises ValueError."""
