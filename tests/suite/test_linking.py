"""What two relying parties can compare: values wherever they stand, and numbers that are one device's own."""

import pytest
from cbor2 import CBORTag

from trustconn.harness.codec import cbor
from trustconn.harness.identity.keys import derive
from trustconn.harness.identity.provision import make_pair
from trustconn.harness.tester.linking import Seen, links


def value(name: str) -> bytes:
    return derive(b"linking", name)


def seen(*, inside: object = 0, number: int = 1, session: str = "") -> Seen:
    """A session in which something stands deep inside."""
    claims = cbor.encode({10: value(f"nonce {session}"), 6: 1_800_000_000 + len(session), 267: number, 256: inside})
    token = cbor.encode(CBORTag(18, [b"", {}, claims, value(f"signature {session}")]))
    return Seen.of([("ATT_I", cbor.encode([3, {1: 0, 2: token}])), ("message_1", value(f"share {session}"))])


CONTROL = seen(session="control")


def test_sessions_of_a_careful_device_cannot_be_linked() -> None:
    assert links(seen(session="a"), seen(session="b"), CONTROL) == []


@pytest.mark.parametrize("inside", [value("ueid"), value("short")[:4], "a serial number"])
def test_a_value_that_stands_in_both_links(inside: bytes | str) -> None:
    (found,) = links(seen(inside=inside, session="a"), seen(inside=inside, session="b"), seen(inside="x", session="c"))
    assert found.startswith("the value")


def test_a_part_of_a_value_links() -> None:
    one, other = (seen(inside=value("id")[:16] + value(name), session=name) for name in "ab")
    (found,) = links(one, other, seen(inside="x", session="c"))
    assert "runs of octets" in found


def test_an_octet_that_is_alike_by_chance_does_not_link() -> None:
    one, other, third = (seen(inside=f"urn:tc:device:01{tail}", session=tail) for tail in ("7a1b", "7c2d", "9e0f"))
    assert links(one, other, third) == []


def test_what_the_control_shows_too_is_a_constant() -> None:
    model = "a model of which there are many"
    sessions = [seen(inside=model, session=name) for name in ("a", "b", "c")]
    assert links(*sessions) == []


@pytest.mark.parametrize(("one", "other"), [(7, 7), (1, 2)])
def test_a_number_of_its_own_links_and_so_does_one_that_counts_on(one: int, other: int) -> None:
    (found,) = links(seen(number=one, session="a"), seen(number=other, session="b"), CONTROL)
    assert found.startswith("the number ATT_I") and "[267]" in found


def test_certificates_are_taken_apart() -> None:
    """Signatures and lengths of two certificates differ and agree by chance: only what they say can link."""
    device, service, _ = make_pair(b"linking", 1_800_000_000)
    own = device.credentials
    one, other, third = (
        Seen.of([("certificates", cbor.encode([leaf.der for leaf in leaves]))])
        for leaves in ((own.leaf,), (own.ak,), (service.credentials.leaf,))
    )
    assert bytes.fromhex(own.leaf.platform.rpartition(":")[2]).hex().encode()[:6] in one.runs
    assert links(one, other, third)


def test_hostile_octets_are_taken_apart_no_deeper_than_need_be() -> None:
    nested = b"\x05\x00"
    for _ in range(2000):
        nested = b"\x30\x83" + len(nested).to_bytes(3, "big") + nested
    assert Seen.of([("DATA_I", cbor.encode(nested))]).runs
