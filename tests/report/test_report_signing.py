"""Signed results: verified as they are, and refused, with the file named, when anything in them is another."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from report_runs import copy

from trustconn.cli.main import main
from trustconn.conformance.main import keep_declaration
from trustconn.conformance.report.manifest import SIGNATURE, ManifestError, manifest
from trustconn.conformance.report.signing import sign, verify

KEY = ec.derive_private_key(27071, ec.SECP256R1())
PUBLIC = KEY.public_key()


@pytest.fixture
def signed(faulty: Path, tmp_path: Path) -> Path:
    """A copy with a description, signed."""
    folder = copy(faulty, tmp_path / "run")
    description = tmp_path / "iut.toml"
    description.write_text("# what was declared\n")
    keep_declaration(description, folder)
    sign(folder, KEY)
    return folder


def test_it_verifies_and_says_what_was_signed(signed: Path) -> None:
    found, wrong = verify(signed, PUBLIC)
    assert wrong == [] and found is not None
    assert found["seed"] == 1 and found["verdict"] == "fail"
    assert [iut["role"] for iut in found["iuts"]] == ["device"]
    assert set(found["files"]) == {path.name for path in signed.iterdir()} - {SIGNATURE}
    assert found["transcripts"]["transcripts-device.jsonl"]["conversations"] > 50


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != SIGNATURE)


def test_any_changed_octet_is_refused_and_the_file_is_named(signed: Path) -> None:
    """The first, the middle and the last octet of every file, and its end."""
    for path in files(signed):
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert verify(signed, PUBLIC)[1] == [f"{path.name}: is not as it was signed"]
        for other in (whole[:-1], whole + b"\n"):
            path.write_bytes(other)
            assert verify(signed, PUBLIC)[1] == [f"{path.name}: is not as it was signed"]
        path.write_bytes(whole)
    assert verify(signed, PUBLIC)[1] == []


def test_a_file_that_is_gone_or_new_is_refused(signed: Path) -> None:
    (signed / "events.jsonl").rename(signed / "transcripts-verifier.jsonl")
    assert verify(signed, PUBLIC)[1] == ["events.jsonl: is missing", "transcripts-verifier.jsonl: was not signed"]


def test_a_page_that_is_made_later_is_no_change(signed: Path) -> None:
    (signed / "report.html").write_text("later")
    assert verify(signed, PUBLIC)[1] == []


def test_any_changed_octet_of_the_signature_is_refused(signed: Path) -> None:
    path = signed / SIGNATURE
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found, wrong = verify(signed, PUBLIC)
        assert found is None and wrong[0].startswith(f"{SIGNATURE}: "), at


@pytest.mark.parametrize("other", [ec.derive_private_key(3, ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()])
def test_another_key_is_refused(signed: Path, other: ec.EllipticCurvePrivateKey) -> None:
    assert verify(signed, other.public_key())[0] is None


def test_results_that_are_not_what_happened_are_not_signed(signed: Path) -> None:
    path = signed / "results.json"
    path.write_text(path.read_text().replace('"seed": 1', '"seed": 2'))
    with pytest.raises(ManifestError, match=r"results.json: is not what events.jsonl says"):
        sign(signed, KEY)


def test_transcripts_without_the_conversation_of_a_test_are_not_signed(signed: Path) -> None:
    path = signed / "transcripts-device.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    last = json.loads(lines[0])["test"]
    path.write_text("".join(line for line in lines if json.loads(line)["test"] != last))
    with pytest.raises(ManifestError, match=r"transcripts-device.jsonl: lacks the conversation of"):
        sign(signed, KEY)


def test_the_root_depends_on_the_order_of_conversations(signed: Path) -> None:
    before = manifest(signed)["transcripts"]["transcripts-device.jsonl"]
    path = signed / "transcripts-device.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    tests = list(dict.fromkeys(json.loads(line)["test"] for line in lines))
    first = [line for line in lines if json.loads(line)["test"] == tests[0]]
    path.write_text("".join([*lines[len(first) :], *first]))
    after = manifest(signed)["transcripts"]["transcripts-device.jsonl"]
    assert before["conversations"] == after["conversations"] and before["root"] != after["root"]


def test_the_command_signs_and_verifies(faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, private, public = copy(faulty, tmp_path / "run"), tmp_path / "key.pem", tmp_path / "public.pem"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert main(["report", "sign", str(folder), "--key", str(private)]) == 0
    assert main(["report", "verify", str(folder), "--key", str(public)]) == 0
    (folder / "junit.xml").write_text("<testsuites/>")
    capsys.readouterr()
    assert main(["report", "verify", str(folder), "--key", str(public)]) == 1
    assert capsys.readouterr().out == "refused: junit.xml: is not as it was signed\n"
    assert main(["report", "verify", str(folder), "--key", str(folder / "junit.xml")]) == 2
    assert "expected a key" in capsys.readouterr().err
    assert main(["report", "sign", str(tmp_path), "--key", str(private)]) == 2
