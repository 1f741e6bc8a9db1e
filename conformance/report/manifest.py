"""What is signed of a run: the digest of every file that it left, and what can be computed from them anew.

A manifest is a CBOR map. It names the implementations with their digests and the digests of what they declared, seed
and versions, each file with its size and SHA-256, and for each file of transcripts the root of a Merkle tree (RFC 9162
section 2.1.1, as section 12.1 of the specification has it) over its conversations: one conversation can be shown to
belong to the run without the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ...harness.codec import cbor
from ...harness.labels.tree import Tree, leaf
from ...harness.verdict.events import EventLogError, read_events
from ...harness.verdict.results import Results
from ...harness.verdict.transcript import Transcript
from .run import EVENTS, RESULTS, read_results

FORMAT = 1
"""Version of the manifest; raised when its meaning changes."""
SIGNATURE = "results.cose"
MUST = (RESULTS, EVENTS)
OF_A_RUN = (RESULTS, EVENTS, "declaration.toml", "transcripts-*.jsonl", "messages-*.jsonl", "conversations-*.pcapng")
"""Files that say what happened: none may come in addition after a run was signed."""
TRANSCRIPTS = "transcripts-*.jsonl"
Manifest = dict[str, Any]


class ManifestError(Exception):
    """Something in a folder is not what it must be. The message begins with the file's name."""


def manifest(folder: Path) -> Manifest:
    """The manifest of a run.

    Raises:
        RunError: there is no run, or it is damaged.
        ManifestError: its files contradict each other.
    """
    results = read_results(folder)
    for name in MUST:
        if not (folder / name).is_file():
            raise ManifestError(f"{name}: is missing")
    _require_same(results, folder)
    trees = {path.name: _tree(path, results) for path in sorted(folder.glob(TRANSCRIPTS))}
    header = results.header
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SIGNATURE)
    return {
        "format": FORMAT,
        "started": header.started,
        "seed": header.seed,
        "versions": dict(header.versions),
        "verdict": results.verdict.label,
        "iuts": [_iut(iut.to_json()) for iut in header.iuts],
        "files": {path.name: [path.stat().st_size, _digest(path)] for path in files},
        "transcripts": trees,
    }


def complaints(folder: Path, signed: Mapping[str, Any]) -> Iterator[str]:
    """What in a folder is not as a manifest says, each beginning with a file's name; nothing where all is.

    Files are compared first: what is computed from them is told only where they are as they were.
    """
    changed = list(_changed(folder, signed["files"]))
    yield from changed
    if changed:
        return
    try:
        found = manifest(folder)
    except ManifestError as error:
        yield str(error)
        return
    for key in ("format", "started", "seed", "versions", "verdict", "iuts"):
        if found[key] != signed[key]:
            yield f"{RESULTS}: {key} is not what was signed"
    for name, tree in signed["transcripts"].items():
        if found["transcripts"].get(name) != tree:
            yield f"{name}: its conversations are not those that were signed"


def _changed(folder: Path, files: Mapping[str, Any]) -> Iterator[str]:
    for name, (size, digest) in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            yield f"{name}: is missing"
        elif path.stat().st_size != size or _digest(path) != digest:
            yield f"{name}: is not as it was signed"
    for pattern in OF_A_RUN:
        yield from (f"{path.name}: was not signed" for path in sorted(folder.glob(pattern)) if path.name not in files)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _iut(record: Mapping[str, Any]) -> dict[str, Any]:
    """An implementation: who it is, what ran, and the digest of its declaration in deterministic CBOR."""
    declared = hashlib.sha256(cbor.encode(record["features"])).digest()
    return {**{key: record[key] for key in ("name", "role", "version", "digest")}, "declaration": declared}


def _require_same(results: Results, folder: Path) -> None:
    try:
        computed = Results.of(read_events(folder / EVENTS))
    except EventLogError as error:
        raise ManifestError(f"{EVENTS}: {error}") from error
    if computed != results:
        raise ManifestError(f"{RESULTS}: is not what {EVENTS} says")


def _tree(path: Path, results: Results) -> dict[str, Any]:
    """Number of conversations and root of the tree over them; each test's own conversation must be among them."""
    wanted = {test.case.id: test.transcript for test in results.tests if test.transcript}
    tree, count = Tree(), 0
    for test, name, digest in _conversations(path):
        tree.add(leaf(count, f"{test}\n{name}\n{digest}".encode()))
        count += 1
        if wanted.get(test) == digest:
            del wanted[test]
    role = path.stem.removeprefix("transcripts-")
    missing = next((test.case.id for test in results.tests if test.case.role == role and test.case.id in wanted), None)
    if missing is not None:
        raise ManifestError(f"{path.name}: lacks the conversation of {missing}")
    return {"conversations": count, "root": tree.root() if count else b""}


def _conversations(path: Path) -> Iterator[tuple[str, str, str]]:
    """Test, name and digest of each conversation of a file. Raises ManifestError."""
    for (test, name), lines in groupby(_lines(path), key=lambda entry: (entry["test"], entry["conversation"])):
        transcript = Transcript()
        for entry in lines:
            transcript.add(entry["time"], entry["sender"], bytes.fromhex(entry["data"]))
        yield test, name, transcript.digest()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                bytes.fromhex(entry["data"])
                yield {key: entry[key] for key in ("test", "conversation", "time", "sender", "data")}
            except (ValueError, KeyError, TypeError) as error:
                raise ManifestError(f"{path.name}: line {number}: {error!r}") from error
