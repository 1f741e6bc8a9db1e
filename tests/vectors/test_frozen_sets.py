"""A frozen set never changes, whatever the generator learns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trustconn.vectors import store


@pytest.fixture
def made() -> dict[str, str]:
    return store.generated(frozenset({"encoding"}))


@pytest.fixture
def sets(tmp_path: Path, made: dict[str, str]) -> Path:
    assert store.write(made, tmp_path, freeze=True) == []
    return tmp_path


def changed(made: dict[str, str]) -> dict[str, str]:
    return {
        name: text.replace('"comment":"the shortest head"', '"comment":"another"', 1) for name, text in made.items()
    }


def test_an_open_set_follows_the_generator(tmp_path: Path, made: dict[str, str]) -> None:
    assert store.write(made, tmp_path) == []
    assert store.differences(changed(made), tmp_path) == [
        "encoding/heads/ERR-05/unsigned 0/shortest would be changed",
    ]
    assert store.write(changed(made), tmp_path) == []
    assert store.differences(changed(made), tmp_path) == []


def test_a_changed_vector_is_refused_for_a_frozen_set(sets: Path, made: dict[str, str]) -> None:
    before = (sets / store.CURRENT / "encoding.json").read_text(encoding="utf-8")
    refused = [f"the set {store.CURRENT} is frozen: encoding/heads/ERR-05/unsigned 0/shortest would be changed"]
    assert store.differences(changed(made), sets) == refused
    assert store.write(changed(made), sets) == refused
    assert (sets / store.CURRENT / "encoding.json").read_text(encoding="utf-8") == before


def test_new_and_missing_vectors_are_refused_for_a_frozen_set(sets: Path, made: dict[str, str]) -> None:
    file = json.loads(made["encoding.json"])
    gone = file["groups"][0]["vectors"].pop()["id"]
    file["groups"][0]["vectors"].append({**file["groups"][0]["vectors"][0], "id": "encoding/new"})
    problems = store.differences({"encoding.json": json.dumps(file)}, sets)
    assert [p.rpartition(": ")[2] for p in problems] == ["encoding/new would be new", f"{gone} would be gone"]


def test_an_area_that_a_frozen_set_lacks_is_refused(sets: Path, made: dict[str, str]) -> None:
    more = {**made, "more.json": made["encoding.json"]}
    assert store.write(more, sets) == [f"{store.CURRENT}/more.json is missing"]
    assert not (sets / store.CURRENT / "more.json").exists()


def test_a_damaged_file_is_told(sets: Path, made: dict[str, str]) -> None:
    path = sets / store.CURRENT / "encoding.json"
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert f"{store.CURRENT}/encoding.json is not the file of its manifest" in store.differences(made, sets)
    path.unlink()
    assert f"{store.CURRENT}/encoding.json is missing" in store.differences(made, sets)


def test_a_set_is_closed_as_it_stands(tmp_path: Path, made: dict[str, str]) -> None:
    """What closes the suite's list of tests closes the vectors beside it."""
    assert store.close(tmp_path) == []
    assert store.write(made, tmp_path) == []
    assert store.close(tmp_path) == [tmp_path / store.CURRENT / store.MANIFEST]
    assert store.close(tmp_path) == []
    assert store.differences(made, tmp_path) == []
    assert store.write(changed(made), tmp_path) == store.differences(changed(made), tmp_path) != []


def test_a_later_set_has_no_file_of_an_area_without_anything_new(sets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CURRENT", "tc1-2999.1")
    assert store.generated(frozenset({"encoding"}), sets) == {}
    assert store.write({}, sets) == []
    assert store.set_names(sets)[-1] == "tc1-2999.1"


def test_the_committed_set_is_closed_and_undamaged() -> None:
    manifest = store.Manifest.read(store.SETS / store.CURRENT)
    assert manifest is not None and manifest.frozen
    assert store.differences({}) == []


def test_a_later_set_holds_only_what_the_earlier_ones_lack(
    sets: Path, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sets / store.CURRENT / "encoding.json"
    file = json.loads(path.read_text(encoding="utf-8"))
    left_out = file["groups"][0]["vectors"].pop()["id"]
    path.write_text(json.dumps(file), encoding="utf-8")
    monkeypatch.setattr(store, "CURRENT", "tc1-2999.1")
    later = json.loads(store.generated(frozenset({"encoding"}), sets)["encoding.json"])
    assert [vector["id"] for group in later["groups"] for vector in group["vectors"]] == [left_out]
    assert store.write(store.generated(frozenset({"encoding"}), sets), sets) == []
    assert {v.id for v in store.stored(sets=sets)} == {v.id for v in store.stored() if v.area == "encoding"}
