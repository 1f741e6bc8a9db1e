"""Diffie-Hellman shares: good ones agree, bad ones are refused, and the weak twin computes on regardless."""

import json
from importlib.resources import files

import pytest

from trustconn.harness.crypto.curves import CURVE_25519, P_256, P_384, Curve, NistCurve
from trustconn.harness.crypto.errors import InvalidShare
from trustconn.harness.crypto.random import Random, SeededRandom, system_random

CURVES = pytest.mark.parametrize("curve", [CURVE_25519, P_256, P_384], ids=["x25519", "p256", "p384"])
NIST = pytest.mark.parametrize("curve", [P_256, P_384], ids=["p256", "p384"])
P25519 = 2**255 - 19


@CURVES
@pytest.mark.parametrize("rng", [system_random, SeededRandom(b"keys")], ids=["system", "seeded"])
def test_two_keys_agree_by_object_and_by_octets(curve: Curve, rng: Random) -> None:
    a, b = curve.ephemeral(rng), curve.generate(rng)
    share = curve.public(b)
    curve.validate(share)
    assert len(a.share) == len(a.private) == len(b) == len(share) == curve.share_length
    secret = a.exchange(share)
    assert secret == curve.exchange(b, a.share) == curve.exchange(a.private, share)
    assert secret == curve.exchange_unvalidated(b, a.share)


@CURVES
def test_a_seed_gives_the_same_key_again(curve: Curve) -> None:
    first, second = (curve.ephemeral(SeededRandom(b"seed")) for _ in range(2))
    assert first.private == second.private == curve.generate(SeededRandom(b"seed"))
    assert first.share == second.share == curve.public(first.private)
    assert curve.ephemeral(system_random).share != curve.ephemeral(system_random).share


@NIST
def test_a_scalar_out_of_range_is_drawn_again(curve: NistCurve) -> None:
    size = curve.share_length
    draws = iter([bytes(size), curve.order.to_bytes(size, "big"), b"\xff" * size, (7).to_bytes(size, "big")])
    assert int.from_bytes(curve.generate(lambda _: next(draws)), "big") == 7


@CURVES
def test_a_share_of_another_length_is_refused(curve: Curve) -> None:
    key = curve.ephemeral(SeededRandom(b"length"))
    for share in (b"", key.share[:-1], key.share[1:], b"\0" + key.share, key.share + b"\0", b"\x02" + key.share):
        with pytest.raises(InvalidShare):
            curve.validate(share)
        with pytest.raises(InvalidShare):
            key.exchange(share)
        assert len(curve.exchange_unvalidated(key.private, share)) == curve.share_length


def _off_curve(curve: NistCurve) -> list[bytes]:
    """Half of all x-coordinates lie on the twist alone; the field's own size and beyond are no coordinates."""
    p, size = curve.prime, curve.share_length
    twist = [x for x in range(1, 20) if pow(x**3 - 3 * x + curve.b, (p - 1) // 2, p) != 1]
    return [x.to_bytes(size, "big") for x in (*twist, p, p + 1, 2 ** (8 * size) - 1)]


@NIST
def test_a_share_off_the_curve_is_refused(curve: NistCurve) -> None:
    key = curve.ephemeral(SeededRandom(b"off"))
    for share in _off_curve(curve):
        with pytest.raises(InvalidShare):
            curve.validate(share)
        with pytest.raises(InvalidShare):
            key.exchange(share)


@NIST
def test_the_weak_twin_agrees_with_itself_on_the_twist(curve: NistCurve) -> None:
    """a(bP) = b(aP) holds for the skipped validation too, so its ladder is a multiplication and no noise."""
    a, b = (curve.generate(SeededRandom(label)) for label in (b"a", b"b"))
    for share in _off_curve(curve)[:2]:
        ab = curve.exchange_unvalidated(a, curve.exchange_unvalidated(b, share))
        assert ab == curve.exchange_unvalidated(b, curve.exchange_unvalidated(a, share)) != share


@NIST
def test_the_ladder_agrees_with_the_library_on_the_curve(curve: NistCurve) -> None:
    key, peer = (curve.ephemeral(SeededRandom(label)) for label in (b"key", b"peer"))
    x = curve.multiply_x(int.from_bytes(key.private, "big"), int.from_bytes(peer.share, "big"))
    assert x.to_bytes(curve.share_length, "big") == key.exchange(peer.share)


LOW_ORDER = [
    0,
    1,
    P25519 - 1,
    P25519,
    P25519 + 1,
    0xB8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
]


@pytest.mark.parametrize("u", LOW_ORDER, ids=hex)
@pytest.mark.parametrize("top_bit", [0, 1 << 255], ids=["canonical", "top-bit"])
def test_x25519_shares_of_low_order_are_refused(u: int, top_bit: int) -> None:
    share, key = (u | top_bit).to_bytes(32, "little"), CURVE_25519.ephemeral(SeededRandom(b"low"))
    with pytest.raises(InvalidShare):
        CURVE_25519.validate(share)
    with pytest.raises(InvalidShare):
        key.exchange(share)
    assert CURVE_25519.exchange_unvalidated(key.private, share) == bytes(32)


def test_the_invalid_points_of_rfc_9529() -> None:
    invalid = json.loads((files("trustconn.vectors") / "published" / "rfc9529.json").read_text())["invalid"]
    sections = {i["section"]: bytes.fromhex(i["hex"]) for i in invalid}
    for section, curve in (
        ("Error in elliptic curve representation", P_256),
        ("Error in elliptic curve point", P_256),
        ("Curve point of low order", CURVE_25519),
    ):
        message_1 = sections[section]
        with pytest.raises(InvalidShare):
            curve.validate(message_1[4:36])
    with pytest.raises(InvalidShare):
        P_256.validate(sections["Error in elliptic curve encoding"][4:35])
    with pytest.raises(InvalidShare):
        P_384.validate(sections["Error in length of ephemeral key"][6:38])
