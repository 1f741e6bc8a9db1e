"""The committed vectors: what the generator makes, by a closed schema, each about one thing that has a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.spec import requirements
from trustconn.vectors import store
from trustconn.vectors.areas import AREAS
from trustconn.vectors.flags import FLAGS, OTHERWISE

FILES = [path for name in store.set_names() for path in sorted((store.SETS / name).glob("*.json"))]
SCHEMA = json.loads((store.SETS.parent / "vectors.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def vectors() -> list[store.Stored]:
    return list(store.stored())


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return store.generated()


def test_generated_files_are_the_committed_ones(made: dict[str, str]) -> None:
    assert store.differences(made) == []


def test_another_process_with_another_time_zone_makes_the_same(made: dict[str, str]) -> None:
    """Hashes of strings differ from process to process anyway; here everything else of the surroundings does too."""
    names = {"certificates", "hello", "records", "pseudonyms", "encoding"}
    code = f"from trustconn.vectors import store; print(store.generated(frozenset({names})))"
    environment = {"PYTHONPATH": ":".join(sys.path), "TZ": "Pacific/Chatham", "LC_ALL": "C"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert elsewhere.stdout.strip() == str({name: text for name, text in made.items() if name[:-5] in names})


@pytest.mark.parametrize("path", [p for p in FILES if p.name != store.MANIFEST], ids=lambda p: p.stem)
def test_files_match_the_schema(path: Path) -> None:
    file = json.loads(path.read_text(encoding="utf-8"))
    fastjsonschema.validate(SCHEMA, file)
    assert file["count"] == sum(len(group["vectors"]) for group in file["groups"])
    assert file["flags"] == {name: FLAGS[name].described() for name in file["flags"]}
    assert {flag for group in file["groups"] for v in group["vectors"] for flag in v["flags"]} == file["flags"].keys()


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from _objects(inner)


def test_the_schema_is_closed() -> None:
    assert all(found["additionalProperties"] is False for found in _objects(SCHEMA))


def test_every_vector_cites_a_requirement_and_has_its_own_id(vectors: list[store.Stored]) -> None:
    assert {vector.requirement for vector in vectors} <= requirements().keys()
    assert len({vector.id for vector in vectors}) == len(vectors)


def test_every_invalid_vector_hunts_a_bug_and_has_a_valid_witness(vectors: list[store.Stored]) -> None:
    by_id = {vector.id: vector for vector in vectors}
    for vector in vectors:
        assert by_id[vector.witness].valid and by_id[vector.witness].operation == vector.operation
        assert vector.valid or vector.flags, vector.id


def test_every_flag_is_used_and_every_area_is_there(vectors: list[store.Stored]) -> None:
    assert {flag for vector in vectors for flag in vector.flags} | {OTHERWISE} == FLAGS.keys()
    assert {vector.area for vector in vectors} == {area.name for area in AREAS}


def test_there_are_enough_and_they_are_small(vectors: list[store.Stored], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", "count"]) == exit_code.PASSED
    *_, last = capsys.readouterr().out.splitlines()
    distinct = len({vector.triple for vector in vectors})
    assert last.split() == ["distinct", "(requirement,", "operator,", "field)", str(distinct)]
    assert distinct >= 1500
    assert sum(path.stat().st_size for path in FILES) < 12_000_000


def test_list_shows_what_is_selected(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors", "list", "--area", "encoding", "--select", "ERR-06"]) == exit_code.PASSED
    lines = capsys.readouterr().out.splitlines()
    assert lines and all("/ERR-06/" in line and "DuplicateKey" in line for line in lines)
    assert main(["vectors", "list", "--area", "encodin"]) == exit_code.USAGE
    assert "did you mean encoding?" in capsys.readouterr().err
    assert main(["vectors", "list", "--select", "nothing like it"]) == exit_code.USAGE
