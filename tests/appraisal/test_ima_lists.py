"""Measurement lists of the kernel: read, written, replayed, and compared with what `evmctl` finds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from availability import not_available
from hypothesis import given
from hypothesis import strategies as st

from trustconn.harness.identity.policy import Policy, PolicyError
from trustconn.harness.tpm import ima, verification
from trustconn.harness.tpm.ima import ImaEntry, entry
from trustconn.harness.tpm.structures import SHA256, StructureError, sized, write_selections
from trustconn.harness.tpm.verification import Unproven

Entries = tuple[ImaEntry, ...]


def measured(name: str, signature: bytes | None = None) -> ImaEntry:
    return entry(name, sha256(name.encode()).digest(), signature)


LIST: Entries = (
    measured("boot_aggregate"), measured("/usr/bin/python3.11", b""), measured("/a name with blanks"),
    measured("/usr/lib/libc.so.6", b"\x03\x02\x04signature"),
)  # fmt: skip
ASCII = "\n".join(
    f"10 {item.digest.hex()} {item.template} sha256:{item.file[1].hex()} {item.file[0]}"
    + (f" {item.fields[2].hex()}" if item.template == ima.SIG else "")
    for item in LIST
)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ENTRIES = st.builds(entry, NAMES, st.binary(min_size=32, max_size=32), st.none() | st.binary(max_size=20))


@given(st.lists(ENTRIES, max_size=5))
def test_what_is_written_is_read(entries: list[ImaEntry]) -> None:
    assert ima.read_list(ima.write_list(entries)) == tuple(entries)
    verification.check_template_digests(entries)


@given(st.binary(max_size=200))
def test_octets_are_a_list_or_refused(data: bytes) -> None:
    try:
        entries = ima.read_list(data)
    except StructureError:
        return
    assert ima.write_list(entries) == data or any(not item.template.isascii() for item in entries)


def test_the_printed_list_is_the_same_list() -> None:
    assert ima.read_ascii(ASCII) == LIST


@pytest.mark.parametrize(
    "line", ["10", "10 00 ima-ng sha1:00 /a", "ten 00 ima-ng sha256:00 /a", "10 zz ima-ng sha256:00 /a"]
)
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(StructureError):
        ima.read_ascii(f"{ASCII}\n{line}")


def test_a_list_is_bounded() -> None:
    most = ima.write_list([measured("/a")] * ima.MAX_ENTRIES)
    assert len(ima.read_list(most)) == ima.MAX_ENTRIES
    with pytest.raises(StructureError, match="entries"):
        ima.read_list(most + ima.write_list([measured("/a")]))
    with pytest.raises(StructureError, match="octets"):
        ima.read_list(bytes(ima.MAX_LIST + 1))


def test_a_list_that_claims_to_be_longer_than_it_is_is_refused_at_once() -> None:
    octets = ima.write_list(LIST[:1])
    with pytest.raises(StructureError, match="ends within"):
        ima.read_list(octets[:24] + b"\xff\xff\xff\xff" + octets[28:])


def quoted(*registers: int) -> bytes:
    return write_selections([(SHA256, registers)]) + sized(bytes(32))


def test_a_list_accounts_for_the_quoted_register_and_no_other() -> None:
    banks = {SHA256: {ima.PCR: ima.replay(LIST)}}
    verification.check_list(LIST, quoted(0, ima.PCR), banks)
    with pytest.raises(Unproven, match="not quoted"):
        verification.check_list(LIST, quoted(0, 4), banks)
    with pytest.raises(Unproven, match="another register"):
        verification.check_list((replace(LIST[0], pcr=11), *LIST[1:]), quoted(ima.PCR), banks)
    with pytest.raises(Unproven, match="does not replay"):
        verification.check_list(LIST[:-1], quoted(ima.PCR), banks)


def test_files_of_a_policy_are_read_as_written_and_refused_where_they_are_none(tmp_path: Path) -> None:
    digest = sha256(b"file").digest()
    policy = Policy(intended_peer="https://s.example/", reference_values={"firmware": digest}, files={"/a b": digest})
    policy.save(tmp_path)
    assert Policy.load(tmp_path, "device") == policy
    file = tmp_path / "reference-values.toml"
    file.write_text(file.read_text() + '"/short" = "00"\n')
    with pytest.raises(PolicyError, match="/short"):
        Policy.load(tmp_path, "device")


# --- another implementation ------------------------------------------------------------------------------------------

VIOLATION = replace(entry("/usr/bin/python3.11", bytes(32)), digest=bytes(20))
ALTERED: dict[str, Callable[[Entries], Entries]] = {
    "as it was": lambda entries: entries,
    "other file": lambda entries: (*entries[:1], measured("/other"), *entries[2:]),
    "reordered": lambda entries: (entries[0], entries[2], entries[1], entries[3]),
    "first entry missing": lambda entries: entries[1:],
    "last entry missing": lambda entries: entries[:-1],
    "one twice": lambda entries: (*entries[:2], *entries[1:]),
    "signature gone": lambda entries: (*entries[:3], measured("/usr/lib/libc.so.6")),
    "with a violation": lambda entries: (*entries[:2], VIOLATION, *entries[2:]),
}


def evmctl(folder: Path, entries: Entries, register: bytes) -> bool:
    """Whether `evmctl` of ima-evm-utils finds that a list extends PCR 10 of the SHA-256 bank to this value."""
    if shutil.which("evmctl") is None:
        not_available("evmctl not found: apt-get install ima-evm-utils")
    values = {ima.PCR: register}
    lines = (f"PCR-{i:02d}: {' '.join(f'{octet:02X}' for octet in values.get(i, bytes(32)))}" for i in range(24))
    (folder / "pcrs").write_text("\n".join(lines) + "\n")
    (folder / "list").write_bytes(ima.write_list(entries))
    command = ["evmctl", "ima_measurement", "--ignore-violations", "--pcrs", f"sha256,{folder / 'pcrs'}"]
    return subprocess.run([*command, str(folder / "list")], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ALTERED)
def test_another_implementation_replays_a_list_to_the_same_value(tmp_path: Path, name: str) -> None:
    entries = ALTERED[name](LIST)
    assert evmctl(tmp_path, entries, ima.replay(entries))


@pytest.mark.parametrize("name", [name for name in ALTERED if name != "as it was"])
def test_another_implementation_refuses_what_is_refused_here(tmp_path: Path, name: str) -> None:
    entries, register = ALTERED[name](LIST), ima.replay(LIST)
    with pytest.raises(Unproven):
        verification.check_list(entries, quoted(ima.PCR), {SHA256: {ima.PCR: register}})
    assert not evmctl(tmp_path, entries, register)


def test_what_was_measured_after_the_quote_is_refused_here_alone(tmp_path: Path) -> None:
    further = (*LIST, measured("/usr/bin/later"))
    with pytest.raises(Unproven, match="does not replay"):
        verification.check_list(further, quoted(ima.PCR), {SHA256: {ima.PCR: ima.replay(LIST)}})
    assert evmctl(tmp_path, further, ima.replay(LIST))
