"""The software module: registers, claims and keys."""

from hashlib import sha256

import pytest

from trustconn.harness.codec import cbor
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.identity.keys import derive_key
from trustconn.harness.identity.tam import COMPONENTS, BootEvent, SoftwareTam, platform_urn, reference_values

BOOT = tuple(BootEvent(name, sha256(name.encode()).digest()) for name in COMPONENTS)
UEID = b"\x01" + bytes(32)


@pytest.fixture
def tam() -> SoftwareTam:
    return SoftwareTam(derive_key(b"", "identity"), derive_key(b"", "attestation"), UEID, BOOT)


def test_a_register_folds_digests_in_order(tam: SoftwareTam) -> None:
    one, two = sha256(b"1").digest(), sha256(b"2").digest()
    tam.extend(23, one)
    tam.extend(23, two)
    assert tam.registers[23] == sha256(sha256(bytes(32) + one).digest() + two).digest()
    assert tam.registers[22] == bytes(32)


@pytest.mark.parametrize(("index", "digest"), [(24, bytes(32)), (-1, bytes(32)), (0, bytes(31))])
def test_no_other_register_or_length_exists(tam: SoftwareTam, index: int, digest: bytes) -> None:
    with pytest.raises(ValueError, match="extend"):
        tam.extend(index, digest)


def test_measurements_are_sorted_components_that_change_with_their_register(tam: SoftwareTam) -> None:
    before = tam.measurements()
    decoded = [cbor.decode(item[1]) for item in before if isinstance(item[1], bytes)]
    assert [item[0] for item in before] == [295] * 4
    assert [item[1][0] for item in decoded] == sorted(COMPONENTS)
    assert {item[1][0]: item[2][1] for item in decoded} == reference_values(BOOT)
    tam.extend(COMPONENTS["firmware"], bytes(32))
    changed = [new != old for new, old in zip(tam.measurements(), before, strict=True)]
    assert sum(changed) == 1


def test_a_reboot_measures_again_and_counts(tam: SoftwareTam) -> None:
    before = tam.measurements()
    tam.extend(0, bytes(32))
    tam.reboot()
    assert tam.measurements() == before
    assert tam.bootcount == 2


def test_keys_are_separate_and_signatures_repeat(tam: SoftwareTam) -> None:
    assert tam.identity_key != tam.attestation_key
    assert tam.sign_identity(b"m") == tam.sign_identity(b"m")
    ES256.verify(tam.identity_key, tam.sign_identity(b"m"), b"m")
    ES256.verify(tam.attestation_key, tam.sign_attestation(b"m"), b"m")


def test_claims_say_custody_and_platform(tam: SoftwareTam) -> None:
    assert tam.key_attributes() == {1: False, 2: True, 3: True, 4: True}
    assert platform_urn(tam.ueid) == "urn:tc:device:01" + "00" * 32


def test_a_component_without_a_register_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="no register"):
        reference_values((BootEvent("unknown", bytes(32)),))
