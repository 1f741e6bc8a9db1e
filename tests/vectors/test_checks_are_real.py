"""The verdicts of both programs come from checks: with one of them left out, vectors fail."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from availability import not_available

from trustconn.cli import exit_code
from trustconn.cli.main import main
from trustconn.harness.iut import node
from trustconn.vectors import consumer, store
from trustconn.vectors.consumer import __main__ as program
from trustconn.vectors.consumer import refusal

Site = tuple[str, int, str]
"""Module, line, and what the check says when it refuses."""
READERS = ("encoding", "grammar", "edhoc")
"""Areas in which one check stands behind another: what one lets through, the next one cannot read."""
BACKED = {
    "blocks": {"number of blocks", "index or length", "the path is too short"},
    "chains": {"an unknown signer", "a label is missing"},
    "hello": {"no evidence is offered"},
    "ima": {"another template", "a violation"},
    "properties": {
        "a number that is too great", "inequalities", "list is not current", "list of another key or property",
        "not invertible", "the property is withdrawn",
    },
    "psa": {"components", "measurement of a component", "signer of a component", "instance"},
    "results": {"nothing about a property"},
    "sessions": {"a type that does not exist"},
    "sign1": {"coordinates", "a key of another kind"},
}  # fmt: skip
"""Checks of the Python program about more than a form that another one backs, by module."""
FORM = (
    "a claim", "a kid is sent", "a proof is", "claims", "cnf", "content", "declares more", "eat_nonce", "ends early",
    "grammar", "header", "indefinite length", "item ends", "key is", "length", "measurements", "neither ", "no ",
    "nonce", "number", "parts of", "policies", "proofs", "reserved head", "shorter than", "submodules", "suites are",
    "too ", "ueid", "unknown credential", "x5chain",
)  # fmt: skip
"""How checks of a form begin: without them a later step fails on what it cannot read."""


class Watched:
    """The checks of the Python program, each of which can be left out."""

    def __init__(self) -> None:
        self.off: Site | None = None
        self.refused: dict[Site, set[str]] = defaultdict(set)
        self.asked = ""

    def ensure(self, holds: object, reason: str, code: str | None = None) -> None:
        """In place of that of the program."""
        frame = sys._getframe(1)
        site = frame.f_globals["__name__"].rpartition(".")[2], frame.f_lineno, reason
        if not holds:
            self.refused[site].add(self.asked)
        if site != self.off:
            ensure(holds, reason, code)

    def result(self, vector: store.Stored) -> object:
        """What the program says of a vector."""
        self.asked = vector.id
        try:
            return program.answer({"id": vector.id, "operation": vector.operation, "input": vector.input})["result"]
        except AssertionError:
            return "crashed"


ensure = refusal.ensure


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    found = Watched()
    for info in pkgutil.iter_modules(consumer.__path__):
        module = importlib.import_module(f"{consumer.__name__}.{info.name}")
        if module is not refusal and getattr(module, "ensure", None) is ensure:
            monkeypatch.setattr(module, "ensure", found.ensure)
    return found


def test_each_check_of_the_python_program_is_needed(watched: Watched) -> None:
    """Each check is left out once, and then a vector is not refused; but where it is of form, or another backs it."""
    vectors = {v.id: v for v in store.stored() if v.area not in READERS}
    for vector in vectors.values():
        assert (watched.result(vector) == "valid") == vector.valid
    needed, spare = 0, []
    for site, refused in sorted(watched.refused.items()):
        watched.off = site
        if any(watched.result(vectors[name]) != "invalid" for name in sorted(refused)):
            needed += 1
        elif not site[2].startswith(FORM) and site[2] not in BACKED.get(site[0], ()):
            spare.append(site)
    assert not spare
    assert needed >= 150


CHANGES = {
    "virtual-roots": ("virtual.js", "generation >= root.generation", "true"),
    "measurement-lists": ("ima.js", "value?.equals(extended(entries))", "true"),
    "evidence-collection": ("collected.js", "claims.get(BOOTCOUNT) === quote.reset_count", "true"),
    "evidence-passport": ("result.js", "status >= 2 && status < 32", "status >= 2"),
    "pseudonyms": ("pseudonym.js", "isPseudonym(key) === isPseudonym(peer)", "true"),
    "environments": ("environment.js", "quote.extra.equals(sha256(object))", "true"),
    "evidence-property": ("property.js", "expected === challenge", "true"),
}
"""By area: a check of the JavaScript program, and what stands in its place."""


@pytest.mark.parametrize("area", CHANGES)
def test_a_check_of_the_javascript_program_is_needed(
    area: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if lacks := node.missing():
        not_available(f"Node.js peer not available: {lacks}")
    name, check, instead = CHANGES[area]
    peer = tmp_path / "peers" / "node"
    shutil.copytree(node.FOLDER, peer, ignore=shutil.ignore_patterns("node_modules"))
    (peer / "node_modules").symlink_to(node.FOLDER / "node_modules")
    (tmp_path / "spec").symlink_to(node.FOLDER.parents[1] / "spec")
    changed = peer / "src" / "vectors" / name
    text = changed.read_text(encoding="utf-8")
    assert text.count(check) == 1
    changed.write_text(text.replace(check, instead), encoding="utf-8")
    command = ["node", str(peer / "vectors.js")]
    assert main(["vectors", "run", "--area", area, "--seconds", "60", "--", *command]) == exit_code.FAILED
    assert "accepted what must be refused" in capsys.readouterr().out
