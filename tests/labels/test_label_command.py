"""`label` in files: a picture through crop and compression, blocks alone, time stamps, drawings, and mistakes."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from time_authority import TimeAuthority

from trustconn.cli.main import main
from trustconn.harness.identity.credentials import read_certificates
from trustconn.harness.identity.status import make_crl
from trustconn.harness.identity.tester import TesterPki
from trustconn.harness.labels.stored import read


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A device and a service that trust each other."""
    made = tmp_path_factory.mktemp("label")
    assert main(["provision", "both", "--out", str(made / "credentials")]) == 0
    return made / "credentials"


@pytest.fixture
def folder(credentials: Path, tmp_path: Path) -> Path:
    """A picture, what was cropped from it, and that compressed; each with its label."""
    (tmp_path / "credentials").symlink_to(credentials)
    for name, size in (("picture.raw", 300_000), ("crop.png", 200_001), ("small.jpg", 40_000)):
        (tmp_path / name).write_bytes(bytes(i * 7 % 251 for i in range(size)))
    assert sign(tmp_path, "picture.raw", "--agent camera --parameter iso=200 --block-size 64K") == 0
    assert sign(tmp_path, "crop.png", f"--agent editor --kind algorithm --input {tmp_path}/picture.raw.label") == 0
    assert sign(tmp_path, "small.jpg", f"--agent editor --kind algorithm --input {tmp_path}/crop.png.label --list") == 0
    return tmp_path


def run(words: str) -> int:
    return main(["label", *words.split()])


def sign(folder: Path, name: str, more: str) -> int:
    return run(f"sign {folder}/{name} --platform {folder}/credentials/device/iut {more}")


def verify(folder: Path, name: str, more: str = "", trust: str = "service") -> int:
    return run(f"verify {folder}/{name} --trust {folder}/credentials/{trust}/iut {more}")


def test_a_picture_verifies_through_crop_and_compression(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert verify(folder, "small.jpg") == 0
    said = capsys.readouterr().out
    assert "small.jpg: verified, all of 1 block, 3 labels" in said
    assert "tc.created by camera; application/octet-stream, 5 blocks" in said
    assert "environment by its attestation key, boot count 1" in said
    assert "iso=200" in said
    assert "from parentOf 2" in said


@pytest.mark.parametrize("name", ["picture.raw", "crop.png", "small.jpg"])
def test_every_changed_octet_is_refused(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / name
    content = file.read_bytes()
    for changed in (content[:-1], content + b"\0", content[:100] + b"?" + content[101:], b""):
        file.write_bytes(changed)
        assert verify(folder, name) == 1
        assert "refused" in capsys.readouterr().err


def test_a_block_is_verified_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "picture.raw"
    content = bytearray(file.read_bytes())
    content[70_000] ^= 1
    file.write_bytes(content)
    codes = [verify(folder, "picture.raw", f"--block {index}") for index in range(6)]
    assert codes == [0, 1, 0, 0, 0, 1]
    assert "block 1: digest: does not lead to the signed root (CHN-05)" in capsys.readouterr().err
    assert verify(folder, "small.jpg", "--block 0") == 0


def test_a_chain_without_one_of_its_labels_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "small.jpg.label"
    stored = read(file.read_bytes())
    file.write_bytes(replace(stored, labels=stored.labels[:1]).encode())
    assert verify(folder, "small.jpg") == 1
    assert "is missing (CHN-08)" in capsys.readouterr().err
    assert verify(folder, "small.jpg", "--depth 2") == 1


def test_signers_of_the_other_side_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(folder, "small.jpg", trust="device") == 1
    assert "path: no pinned root" in capsys.readouterr().err
    both = f"--trust {folder}/credentials/service/iut"
    assert verify(folder, "small.jpg", both, trust="device") == 0


def test_a_time_stamp_outlives_a_revocation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tsa").mkdir()
    authority = TimeAuthority(folder / "tsa")
    label, query, reply = (folder / name for name in ("picture.raw.label", "query.tsq", "reply.tsr"))
    assert run(f"stamp {label} --request {query}") == 0
    reply.write_bytes(authority.answer(query.read_bytes()))
    pki = TesterPki.load(folder / "credentials" / "device" / "tester")
    signer = read_certificates(folder / "credentials" / "device" / "iut" / "leaf.pem")[0]
    crl = folder / "later.crl"
    crl.write_bytes(make_crl(pki.device.issuing, [signer.serial], int(time.time()) + 30))
    revoked = f"--crl {crl} --authority {folder}/tsa/root.pem"
    assert verify(folder, "picture.raw", revoked) == 1
    assert "no trusted time shows when the label was made (CHN-09)" in capsys.readouterr().err
    assert run(f"stamp {label} --response {reply}") == 0
    assert verify(folder, "picture.raw", revoked) == 0
    assert "proven 20" in capsys.readouterr().out
    assert verify(folder, "picture.raw", f"--crl {crl}") == 1
    assert "no time stamping authority is trusted" in capsys.readouterr().err
    assert run(f"stamp {folder}/crop.png.label --response {reply}") == 2
    assert "is over something else" in capsys.readouterr().err


def test_a_chain_is_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    label, picture = folder / "small.jpg.label", folder / "chain.svg"
    capsys.readouterr()
    assert run(f"show {label}") == 0
    assert capsys.readouterr().out.count("tc.processed") == 2
    assert run(f"show {label} --format mermaid") == 0
    drawn = capsys.readouterr().out
    assert drawn.startswith("flowchart TB")
    assert 'n2 -->|"parentOf"| n3' in drawn
    assert run(f"show {label} --format svg --out {picture}") == 0
    shapes = ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}rect")
    assert len(list(shapes)) == 3


def test_what_a_signer_writes_does_not_steer_a_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "evil").write_bytes(b"x")
    words = ["label", "sign", f"{folder}/evil", "--platform", f"{folder}/credentials/device/iut"]
    assert main([*words, "--agent", '\x1b[2J<script>"&']) == 0
    for form in ("text", "mermaid", "svg"):
        capsys.readouterr()
        assert run(f"show {folder}/evil.label --format {form}") == 0
        said = capsys.readouterr().out
        assert "\x1b" not in said
        assert form == "text" or "<script>" not in said


MISTAKES = {
    "sign {f}/none --platform {f}/credentials/device/iut --agent a": "expected a file, found nothing",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a": "crop.png.label exists",
    "sign {f}/crop.png --platform {f} --agent a --out {f}/o": "manifest.toml",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --out {f}/none/o": "cannot be written",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --out {f}/o --action tc.cropped": "CHN-07",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --out {f}/o --action tc.filtered": "CHN-11",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --out {f}/o --input {f}/crop.png": "stored",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --block-size 0": "expected 1 to",
    "sign {f}/crop.png --platform {f}/credentials/device/iut --agent a --parameter iso": "expected NAME=VALUE",
    "verify {f}/crop.png --trust {f}/none": "none",
    "verify {f}/crop.png --trust {f}/credentials/service/iut --crl {f}/crop.png": "expected revocation lists",
    "verify {f}/crop.png --trust {f}/credentials/service/iut --authority {f}/crop.png": "expected certificates",
    "verify {f}/crop.png --trust {f}/credentials/service/iut --label {f}/small.jpg": "stored label",
    "show {f}/crop.png": "stored label",
    "stamp {f}/crop.png.label --response {f}/crop.png": "more than",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_one_line(folder: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    try:
        code = run(words.format(f=folder))
    except SystemExit as ended:
        code = int(str(ended.code))
    said = capsys.readouterr().err
    assert code == 2
    assert MISTAKES[words] in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_an_interrupted_signature_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's signal comes while the file is read: it arrives as this exception."""
    (folder / "long").write_bytes(bytes(1000))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trustconn.harness.labels.stream.measure", interrupted)
    assert sign(folder, "long", "--agent a") == 130
    assert not list(folder.glob("*long*label*"))


def test_an_input_of_a_stranger_is_not_processed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["provision", "both", "--out", str(tmp_path / "strangers")]) == 0
    (tmp_path / "sent.raw").write_bytes(b"sent")
    assert run(f"sign {tmp_path}/sent.raw --platform {tmp_path}/strangers/device/iut --agent camera") == 0
    (tmp_path / "seen.png").write_bytes(b"seen")
    words = f"--agent editor --input {tmp_path}/sent.raw.label"
    assert sign(folder, "seen.png", words) == 1
    assert "sent.raw.label: refused: label" in capsys.readouterr().err
    assert not (tmp_path / "seen.png.label").exists()
    assert sign(folder, "seen.png", f"{words} --trust {tmp_path}/strangers/service/iut") == 0
    assert verify(folder, "seen.png", f"--trust {tmp_path}/strangers/service/iut") == 0


def test_an_altered_parameter_is_refused_and_one_that_is_not_kept_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "picture.raw.label"
    good = file.read_bytes()
    file.write_bytes(good.replace(b"ciso\x63200", b"ciso\x63400"))
    assert file.read_bytes() != good
    assert verify(folder, "picture.raw") == 1
    assert "are those of no label of the chain (CHN-06)" in capsys.readouterr().err
    file.write_bytes(replace(read(good), parameters=()).encode())
    assert verify(folder, "picture.raw") == 0
    assert "parameters: not kept with the data" in capsys.readouterr().out
    assert verify(folder, "small.jpg") == 0
    assert "not kept" not in capsys.readouterr().out


def test_a_file_is_not_cut_into_more_blocks_than_can_be_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "long.raw").write_bytes(bytes((1 << 20) + 1))
    assert sign(folder, "long.raw", "--agent camera --block-size 1") == 2
    assert "long.raw would have more than 1048576 blocks" in capsys.readouterr().err
    assert sign(folder, "long.raw", "--agent camera --block-size 16") == 0
    assert verify(folder, "long.raw") == 0
