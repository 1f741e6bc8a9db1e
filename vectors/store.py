"""Files of vectors: their one rendering, sets for versions of the profile, and what may change in which.

A set is a folder of `sets` with one file for each area and a manifest. A frozen set never changes: what a later
generator adds goes into the next set, and what it makes otherwise is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..spec import identifiers
from .areas import AREAS, SEED
from .flags import FLAGS, flags_of
from .vector import Area, GeneratorError, Group, Json, Vector, vector_id

SETS = Path(__file__).parent / "sets"
CURRENT: str = identifiers()["profile_set"]
"""The set that the generator writes."""
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Digests of the files of a set; a frozen set is closed for ever."""

    name: str
    frozen: bool
    files: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """That of a set; None where there is none."""
        path = folder / MANIFEST
        if not path.is_file():
            return None
        read = json.loads(path.read_text(encoding="utf-8"))
        return cls(read["set"], read["frozen"], read["files"])

    def render(self) -> str:
        """The file's text."""
        about = {
            "set": self.name,
            "profile": _profile(),
            "frozen": self.frozen,
            "files": dict(sorted(self.files.items())),
        }
        return json.dumps(about, indent=2) + "\n"


def _profile() -> str:
    profile: str = identifiers()["profile"]
    return profile


def digest(text: str) -> str:
    """SHA-256 of a file's text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


# --- rendering -------------------------------------------------------------------------------------------------------


def render(area: Area, without: frozenset[str] = frozenset()) -> str:
    """The text of an area's file, one vector a line, `without` the ids that an earlier set has.

    Raises:
        GeneratorError: two vectors with one id, or a flag that nothing explains.
    """
    seen: set[str] = set()
    groups = [_group(area, group, seen) for group in area.make()]
    for group in groups:
        group["vectors"] = [vector for vector in group["vectors"] if vector["id"] not in without]
    groups = [group for group in groups if group["vectors"]]
    used = sorted({flag for group in groups for vector in group["vectors"] for flag in vector["flags"]})
    head = {
        "$schema": "../../vectors.schema.json",
        "profile": _profile(),
        "set": CURRENT,
        "area": area.name,
        "about": area.about,
        "seed": SEED.decode(),
        "count": sum(len(group["vectors"]) for group in groups),
        "flags": {name: FLAGS[name].described() for name in used},
    }
    text = json.dumps(head, indent=1, ensure_ascii=True)
    return text[:-2] + ',\n "groups": [\n' + ",\n".join(map(_lines, groups)) + "\n ]\n}\n"


def _group(area: Area, group: Group, seen: set[str]) -> dict[str, Json]:
    vectors = [_vector(area, group, vector) for vector in group.vectors]
    for vector in vectors:
        if vector["id"] in seen:
            raise GeneratorError(f"two vectors are called {vector['id']}")
        seen.add(vector["id"])
    head = {"name": group.name, "operation": group.operation, "source": group.source, "witness": vectors[0]["id"]}
    return {**head, "common": dict(group.common), "vectors": vectors}


def _vector(area: Area, group: Group, vector: Vector) -> dict[str, Json]:
    made: dict[str, Json] = {
        "id": vector_id(area.name, group.name, vector),
        "requirement": vector.requirement,
        "field": vector.field,
        "operator": vector.operator,
        "flags": sorted({*vector.flags, *flags_of(vector)}),
        "comment": vector.comment,
        "result": "valid" if vector.valid else "invalid",
        "input": dict(vector.input),
    }
    if vector.output:
        made["output"] = dict(vector.output)
    if vector.refusals:
        made["refusals"] = list(vector.refusals)
    return made


def _lines(group: dict[str, Json]) -> str:
    """A group with its vectors one a line: what changed is seen in a difference."""
    head = {name: value for name, value in group.items() if name != "vectors"}
    vectors = ",\n".join("   " + _compact(vector) for vector in group["vectors"])
    return f'  {_compact(head)[:-1]}, "vectors": [\n{vectors}\n  ]}}'


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A vector as it stands in a file, with what it inherits from its group."""

    id: str
    area: str
    operation: str
    source: str
    witness: str
    requirement: str
    field: str
    operator: str
    flags: tuple[str, ...]
    comment: str
    valid: bool
    input: Mapping[str, Json]
    output: Mapping[str, Json]
    refusals: tuple[str, ...]

    @property
    def triple(self) -> tuple[str, str, str]:
        """What makes vectors distinct."""
        return (self.requirement, self.operator, self.field)


def set_names(sets: Path = SETS) -> list[str]:
    """Names of the sets, the oldest first."""
    return sorted(folder.name for folder in sets.iterdir() if (folder / MANIFEST).is_file()) if sets.is_dir() else []


def stored(last: str | None = None, sets: Path = SETS) -> Iterator[Stored]:
    """Vectors of every set up to `last` (all, if none is named), in the order of sets, areas and files."""
    order = {area.name: place for place, area in enumerate(AREAS)}
    for name in set_names(sets):
        for path in sorted((sets / name).glob("*.json"), key=lambda p: order.get(p.stem, len(order))):
            if path.name != MANIFEST:
                yield from _read(json.loads(path.read_text(encoding="utf-8")))
        if name == last:
            return


def _read(file: dict[str, Json]) -> Iterator[Stored]:
    for group in file["groups"]:
        for vector in group["vectors"]:
            yield Stored(
                vector["id"], file["area"], group["operation"], group["source"], group["witness"],
                vector["requirement"], vector["field"], vector["operator"], tuple(vector["flags"]), vector["comment"],
                vector["result"] == "valid", {**group["common"], **vector["input"]}, vector.get("output", {}),
                tuple(vector.get("refusals", ())),
            )  # fmt: skip


# --- generating ------------------------------------------------------------------------------------------------------


def generated(names: frozenset[str] = frozenset(), sets: Path = SETS) -> dict[str, str]:
    """File name to text of the current set: of the areas `names`, or of all that have something new."""
    earlier = frozenset(v.id for name in set_names(sets) if name < CURRENT for v in _of_set(name, sets))
    made = {f"{area.name}.json": render(area, earlier) for area in AREAS if not names or area.name in names}
    return {name: text for name, text in made.items() if json.loads(text)["groups"]}


def _of_set(name: str, sets: Path) -> Iterator[Stored]:
    for path in sorted((sets / name).glob("*.json")):
        if path.name != MANIFEST:
            yield from _read(json.loads(path.read_text(encoding="utf-8")))


def current_files(sets: Path = SETS) -> dict[Path, str]:
    """Every file of the current set with its text, the manifest included; none once the set is frozen."""
    folder = sets / CURRENT
    if (manifest := Manifest.read(folder)) is not None and manifest.frozen:
        return {}
    made = generated(sets=sets)
    files = {folder / name: text for name, text in made.items()}
    return {**files, folder / MANIFEST: Manifest(CURRENT, False, {n: digest(t) for n, t in made.items()}).render()}


def differences(made: Mapping[str, str], sets: Path = SETS) -> list[str]:
    """What is wrong with the committed sets, a sentence each: damage to any, and what would be generated otherwise."""
    found = [problem for name in set_names(sets) for problem in _damage(sets / name)]
    folder = sets / CURRENT
    manifest = Manifest.read(folder)
    for name, text in made.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{CURRENT}/{name} is missing")
        elif path.read_text(encoding="utf-8") != text:
            found += _changes(
                json.loads(path.read_text(encoding="utf-8")), json.loads(text), bool(manifest and manifest.frozen)
            )
    return found


def _damage(folder: Path) -> Iterator[str]:
    manifest = Manifest.read(folder)
    if manifest is None:
        return
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            yield f"{folder.name}/{name} is missing"
        elif digest(path.read_text(encoding="utf-8")) != expected:
            yield f"{folder.name}/{name} is not the file of its manifest"


def _changes(before: dict[str, Json], now: dict[str, Json], frozen: bool) -> list[str]:
    old, new = ({v.id: v for v in _read(file)} for file in (before, now))
    changed = [i for i in old if i in new and old[i] != new[i]]
    added, gone = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    kind = f"the set {CURRENT} is frozen: " if frozen else ""
    found = [
        f"{kind}{i} would be {word}"
        for word, ids in (("changed", changed), ("new", added), ("gone", gone))
        for i in ids
    ]
    return found or [f"{kind}{before['area']}.json would be written otherwise"]


def write(made: Mapping[str, str], sets: Path = SETS, *, freeze: bool = False) -> list[str]:
    """Write files and manifest of the current set; the problems, if it is frozen and would change, and then nothing."""
    folder = sets / CURRENT
    manifest = Manifest.read(folder)
    if manifest is not None and manifest.frozen:
        return differences(made, sets)
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(manifest.files) if manifest else {}
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
        files[name] = digest(text)
    (folder / MANIFEST).write_text(Manifest(CURRENT, freeze, files).render(), encoding="utf-8")
    return []


def close(sets: Path = SETS) -> list[Path]:
    """Close the current set as it stands, for ever; its manifest, if it was open."""
    folder = sets / CURRENT
    manifest = Manifest.read(folder)
    if manifest is None or manifest.frozen:
        return []
    path = folder / MANIFEST
    path.write_text(replace(manifest, frozen=True).render(), encoding="utf-8")
    return [path]
