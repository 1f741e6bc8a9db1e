"""Evidence that a real module made: read, judged step by step, and compared with the judgement of `tpm2_checkquote`."""

import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from swtpm_platform import BINDER, LOG, TYPES, Platform

from trustconn.harness.crypto.random import system_random
from trustconn.harness.crypto.signatures import ES256
from trustconn.harness.tpm import ima, verification
from trustconn.harness.tpm.commands import TpmError
from trustconn.harness.tpm.credential import make_credential
from trustconn.harness.tpm.event_log import replay, write_log
from trustconn.harness.tpm.keys import AK_ATTRIBUTES, IDK_ATTRIBUTES, signing_key
from trustconn.harness.tpm.structures import (
    CERTIFY,
    GENERATED,
    QUOTE,
    SHA256,
    Attribute,
    read_attested,
    read_certified,
    read_public,
    read_quoted,
    read_signature,
    write_public,
    write_selections,
    write_signature,
)
from trustconn.harness.tpm.swtpm import EK, EK_CERTIFICATE, Swtpm

pytest_plugins = ["swtpm_fixtures"]


def test_a_quote_and_a_certification_show_what_they_must(platform: Platform) -> None:
    quote, certification = platform.quote(), platform.certify()
    for (octets, signature), kind in ((quote, QUOTE), (certification, CERTIFY)):
        attested = read_attested(octets)
        assert (attested.magic, attested.type, attested.extra) == (GENERATED, kind, BINDER)
        ES256.verify(platform.ak.public.key, read_signature(signature), octets)
    one, other = (read_attested(octets) for octets, _ in (quote, certification))
    assert (one.signer, one.reset_count, one.restart_count, one.firmware) == (
        other.signer, other.reset_count, other.restart_count, other.firmware
    )  # fmt: skip
    verification.check_banks(one.attested)
    verification.check_selection(one.attested, TYPES)
    verification.check_digest(one.attested, platform.banks)
    verification.check_values(platform.banks, replay(LOG))
    verification.check_log(write_log(LOG), platform.banks, TYPES)
    verification.check_types(write_log(LOG), TYPES)
    verification.check_certified(other.attested, platform.idk.public.octets)


def test_attributes_of_keys_that_the_module_made(platform: Platform) -> None:
    verification.check_restricted(platform.ak.public.octets)
    verification.check_kept(platform.idk.public.octets)
    for check, foreign in (
        (verification.check_restricted, platform.idk),
        (verification.check_kept, platform.ak),
    ):
        with pytest.raises(verification.Unproven):
            check(foreign.public.octets)


@pytest.mark.parametrize("lost", ["FIXED_TPM", "FIXED_PARENT", "SENSITIVE_DATA_ORIGIN", "SIGN"])
def test_a_key_that_can_leave_is_no_identity_key(lost: str, platform: Platform) -> None:
    exportable = write_public(platform.idk.public.key, IDK_ATTRIBUTES & ~getattr(Attribute, lost))
    with pytest.raises(verification.Unproven, match="identity key"):
        verification.check_kept(exportable)


@pytest.mark.parametrize("bits", [-Attribute.RESTRICTED, -Attribute.FIXED_TPM, -Attribute.SIGN, Attribute.DECRYPT])
def test_a_key_that_signs_anything_is_no_attestation_key(bits: int, platform: Platform) -> None:
    with pytest.raises(verification.Unproven, match="attestation key"):
        verification.check_restricted(write_public(platform.ak.public.key, AK_ATTRIBUTES + bits))


def test_the_name_of_another_key_is_refused(platform: Platform) -> None:
    certified = read_attested(platform.certify()[0]).attested
    with pytest.raises(verification.Unproven, match="name"):
        verification.check_certified(certified, platform.ak.public.octets)


def test_a_subset_other_values_and_a_retyped_event_are_refused(platform: Platform) -> None:
    quoted = read_attested(platform.tpm.quote(platform.ak.handle, BINDER, [0])[0]).attested
    with pytest.raises(verification.Unproven, match="PCR 11 is not quoted"):
        verification.check_selection(quoted, TYPES)
    with pytest.raises(verification.Unproven, match="PCR 11"):
        verification.check_values({SHA256: {0: replay(LOG)[0]}}, replay(LOG))
    other = {SHA256: {**platform.banks[SHA256], 0: bytes(32)}}
    with pytest.raises(verification.Unproven, match="other values"):
        verification.check_digest(quoted, other)
    retyped = write_log((LOG[0], LOG[1], LOG[2].__class__(11, 1, LOG[2].digest)))
    verification.check_log(retyped, platform.banks, TYPES)
    with pytest.raises(verification.Unproven, match="type"):
        verification.check_types(retyped, TYPES)
    with pytest.raises(verification.Unproven, match="replay"):
        verification.check_log(write_log(LOG[:2]), platform.banks, TYPES)


def test_a_register_cannot_pass_for_one_that_anybody_can_set(platform: Platform) -> None:
    platform.tpm.extend(11, bytes(32))  # Something else runs, and PCR 23 tells what should:
    for event in LOG[1:]:
        platform.tpm.extend(23, event.digest)
    quoted = read_attested(platform.tpm.quote(platform.ak.handle, BINDER, [0, 11, 23])[0]).attested
    held = platform.tpm.read_pcrs([0, 11, 23])
    banks, references = {SHA256: {0: held[0] + held[11], 11: held[23], 23: b""}}, {11: replay(LOG)[11]}
    verification.check_selection(quoted, references)
    verification.check_digest(quoted, banks)
    verification.check_values(banks, references)
    with pytest.raises(verification.Unproven, match="as long as a digest"):
        verification.check_whole(quoted, banks)
    verification.check_whole(quoted, {SHA256: held})


def test_a_module_names_its_key_by_sha_256(platform: Platform) -> None:
    for octets, _ in (platform.quote(), platform.certify()):
        verification.check_signer(octets[6:42])
    with pytest.raises(verification.Unproven, match="SHA-256"):
        verification.check_signer(b"\x00\x16\x00\x04" + octets[10:42])


def test_the_identity_key_signs_only_in_the_measured_state(platform: Platform) -> None:
    ES256.verify(platform.idk.public.key, platform.idk.sign(b"message"), b"message")
    platform.tpm.extend(11, bytes(32))
    with pytest.raises(TpmError, match="answers"):
        platform.idk.sign(b"message")


def test_keys_survive_a_restart_and_the_reset_count_rises(platform: Platform) -> None:
    before, names = platform.tpm.reset_count(), (platform.ak.public.name, platform.idk.public.name)
    platform.tpm.close()
    again = Swtpm(platform.state)
    for event in LOG:
        again.extend(event.pcr, event.digest)
    assert again.reset_count() == before + 1
    policy = platform.idk.public.policy
    assert signing_key(again, "identity", TYPES, policy).public.name == names[1]
    again.close()


def test_a_credential_opens_for_the_key_that_it_names_alone(platform: Platform) -> None:
    certificate = x509.load_der_x509_certificate(platform.tpm.read_nv(EK_CERTIFICATE))
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    blob, seed = make_credential(key, platform.ak.public.name, b"s" * 32, system_random)
    assert platform.tpm.activate_credential(platform.ak.handle, EK, blob, seed) == b"s" * 32
    with pytest.raises(TpmError):
        platform.tpm.activate_credential(platform.idk.handle, EK, blob, seed)


# --- the judgement of others -----------------------------------------------------------------------------------------


def _bent(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


Alter = Callable[[bytes, bytes, dict[int, bytes]], tuple[bytes, bytes, dict[int, bytes]]]
"""Of a quote, its signature and the values of registers."""
ALTERATIONS: dict[str, Alter] = {
    "nothing": lambda quote, signature, pcrs: (quote, signature, pcrs),
    "extraData": lambda quote, signature, pcrs: (_bent(quote, 50), signature, pcrs),
    "reset count": lambda quote, signature, pcrs: (_bent(quote, 87), signature, pcrs),
    "quoted digest": lambda quote, signature, pcrs: (_bent(quote, len(quote) - 1), signature, pcrs),
    "selection": lambda quote, signature, pcrs: (_bent(quote, len(quote) - 37), signature, pcrs),
    "signature": lambda quote, signature, pcrs: (quote, _bent(signature, 10), pcrs),
    "value of a register": lambda quote, signature, pcrs: (quote, signature, {**pcrs, 11: bytes(32)}),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_tpm2_checkquote_agrees(alteration: str, platform: Platform, tmp_path: Path) -> None:
    quote, signature = platform.quote()
    quote, signature, pcrs = ALTERATIONS[alteration](quote, signature, dict(platform.banks[SHA256]))
    told = platform.ak.public.key, quote, signature, pcrs
    assert _ours(*told) == _theirs(*told, tmp_path) == (alteration == "nothing")


SIGNED_ANEW = ("nothing", "extraData", "reset count", "quoted digest", "value of a register")


@pytest.mark.parametrize("alteration", SIGNED_ANEW)
def test_tpm2_checkquote_agrees_on_what_is_signed_anew(alteration: str, platform: Platform, tmp_path: Path) -> None:
    told = _signed_anew(platform, ALTERATIONS[alteration])
    assert _ours(*told) == _theirs(*told, tmp_path) == (alteration in ("nothing", "reset count"))


@pytest.mark.parametrize("alter", [ALTERATIONS["selection"], lambda quote, *rest: (_bent(quote, 0), *rest)])
def test_what_tpm2_checkquote_does_not_look_at(alter: Alter, platform: Platform) -> None:
    """Version 5.4 takes a quote whose magic is another, and one that selects others than the registers asked for."""
    assert not _ours(*_signed_anew(platform, alter))


def _signed_anew(platform: Platform, alter: Alter) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes, dict[int, bytes]]:
    """A quote altered, and signed by a key that signs what it is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    quote, _, pcrs = alter(platform.quote()[0], b"", dict(platform.banks[SHA256]))
    return key.public_key(), quote, write_signature(ES256.sign(key, quote)), pcrs


def _ours(key: ec.EllipticCurvePublicKey, quote: bytes, signature: bytes, pcrs: dict[int, bytes]) -> bool:
    """What tpm2_checkquote looks at: signature, magic, type, nonce and digest."""
    try:
        ES256.verify(key, read_signature(signature), quote)
        attested = read_attested(quote)
        verification.check_whole(attested.attested, {SHA256: pcrs})
        verification.check_digest(attested.attested, {SHA256: pcrs})
    except ValueError:
        return False
    return (attested.magic, attested.type, attested.extra) == (GENERATED, QUOTE, BINDER)


def _theirs(
    public: ec.EllipticCurvePublicKey, quote: bytes, signature: bytes, pcrs: dict[int, bytes], folder: Path
) -> bool:
    """As `tpm2_quote` writes them: selection and values in the format of the machine that made them."""
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    values = b"".join(pcrs[index] for index in sorted(pcrs))
    for name, content in (("key.pem", key), ("quote", quote), ("signature", signature), ("pcrs", values)):
        (folder / name).write_bytes(content)
    selection = "sha256:" + ",".join(str(index) for index in sorted(pcrs))
    command = ["tpm2_checkquote", "-u", "key.pem", "-m", "quote", "-s", "signature", "-q", BINDER.hex()]
    try:
        done = subprocess.run(
            [*command, "-f", "pcrs", "-F", "values", "-l", selection],
            cwd=folder,
            capture_output=True,
            timeout=600,
            check=False,
        )
    except FileNotFoundError:
        pytest.fail('tpm2_checkquote not found (package tpm2-tools); -k "not swtpm" leaves these tests out')
    return done.returncode == 0


def test_tpm2_eventlog_replays_to_the_same_values(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(write_log(LOG))
    try:
        told = subprocess.run(["tpm2_eventlog", "log"], cwd=tmp_path, capture_output=True, timeout=20, check=True)
    except FileNotFoundError:
        pytest.fail('tpm2_eventlog not found (package tpm2-tools); -k "not swtpm" leaves these tests out')
    lines = told.stdout.decode().partition("pcrs:")[2].splitlines()
    pairs = [line.split(":") for line in lines if ": 0x" in line]
    values = {int(index): bytes.fromhex(value.strip()[2:]) for index, value in pairs}
    assert values == replay(LOG) == platform.banks[SHA256]


# --- strictness ------------------------------------------------------------------------------------------------------


def test_every_prefix_and_every_longer_form_is_refused(platform: Platform) -> None:
    quote, signature = platform.quote()
    public, attested = platform.ak.public.octets, read_attested(quote).attested
    certified = read_attested(platform.certify()[0]).attested
    for read, whole in (
        (read_public, public),
        (read_signature, signature),
        (read_quoted, attested),
        (read_certified, certified),
    ):
        read(whole)
        for broken in (*(whole[:length] for length in range(len(whole))), whole + b"\0"):
            with pytest.raises(ValueError):
                read(broken)


def test_what_is_read_is_written_alike(platform: Platform) -> None:
    quote, signature = platform.quote()
    public = platform.idk.public
    assert (
        write_public(public.key, public.attributes, public.policy) == public.octets == read_public(public.octets).octets
    )
    assert write_signature(read_signature(signature)) == signature
    assert read_attested(quote).attested.startswith(write_selections([(SHA256, TYPES)]))


def test_a_module_extended_entry_by_entry_quotes_what_the_measurement_list_replays_to(platform: Platform) -> None:
    entries = tuple(ima.entry(f"/usr/bin/{name}", sha256(name.encode()).digest(), b"") for name in "abc")
    for entry in entries:
        platform.tpm.extend(ima.PCR, sha256(entry.data).digest())
    octets, _ = platform.tpm.quote(platform.ak.handle, BINDER, [0, ima.PCR])
    quoted, banks = read_attested(octets).attested, {SHA256: platform.tpm.read_pcrs([0, ima.PCR])}
    verification.check_digest(quoted, banks)
    verification.check_list(entries, quoted, banks)
    with pytest.raises(verification.Unproven):
        verification.check_list(entries[:-1], quoted, banks)
