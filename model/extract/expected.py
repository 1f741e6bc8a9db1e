"""The committed verdicts, with which every answer is compared, and the attacks that the specification shows.

    python -m trustconn.model.extract.expected            recompute everything and write both files
    python -m trustconn.model.extract.expected --claims   the claims alone
    python -m trustconn.model.extract.expected --only a b the removals of these checks alone

`expected.json` holds the verdict and the number of states for each question, and what each removal breaks;
`attacks.json` one attack for each check that carries a claim, the one with the fewest runs, with its variant if that is
not the first. Attacks over TLS are not among them: there a library makes and judges the messages of the handshake, and
no octets of ours can follow the trace.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..verifier import charts
from .committed import ATTACKS, VERDICTS, expected, shown
from .matrix import matrix
from .removal import Removal
from .variants import DEFAULT, VARIANTS
from .verdicts import Decision, all_questions, new_prover

LARGEST_SET = 6
"""Checks in a set of which an attack is shown; a larger one is that of all redundant checks at once."""


def differences(decisions: Iterable[Decision], states: bool = False) -> list[str]:
    """What is not as committed, a sentence each.

    `states` compares their numbers too: they are those of one prover that was asked all questions in their order.
    """
    found = []
    for decision in decisions:
        known = expected()["claims"].get(decision.question.id)
        if known is None:
            found.append(f"{decision.question.id}: {decision.kind}, and no verdict is committed")
        elif known["verdict"] != decision.kind:
            found.append(f"{decision.question.id}: {decision.kind}, committed is {known['verdict']}")
        elif states and known["states"] != decision.states:
            found.append(f"{decision.question.id}: {decision.states} states, committed are {known['states']}")
    return found


def removal_differences(removals: Iterable[Removal]) -> list[str]:
    """What a removal breaks otherwise than committed, or after other states, as far as the time sufficed."""
    found = []
    for removal in removals:
        name, known = name_of(removal.checks), expected()["matrix"].get(name_of(removal.checks))
        if known is None:
            found.append(f"without {name}: no verdict is committed")
            continue
        undecided = {*removal.undecided, *known["undecided"]}
        broken = {b.claim for b in removal.breaches}
        for claim in sorted((broken ^ set(known["broken"])) - undecided):
            found.append(f"without {name}: {claim} {'has an attack' if claim in broken else 'holds'}, unlike committed")
        if not undecided and known["states"] != removal.states:
            found.append(f"without {name}: {removal.states} states, committed are {known['states']}")
    return found


def name_of(checks: Iterable[str]) -> str:
    """Name of a set of removed checks."""
    return " + ".join(checks)


def decided() -> Iterator[Decision]:
    """The answers of a new prover for each variant, that is asked its questions in their order."""
    provers = {name: new_prover(name) for name in VARIANTS}
    yield from (provers[question.variant].decide(question) for question in all_questions())


def claims_data(decisions: Iterable[Decision]) -> dict[str, Any]:
    """The verdicts of questions, for `expected.json`."""
    return {
        d.question.id: {
            "powers": list(d.question.powers), "chapter": d.question.expected, "verdict": d.kind, "states": d.states,
            "runs": d.runs,
        }
        for d in decisions
    }  # fmt: skip


def matrix_data(removals: Iterable[Removal]) -> dict[str, Any]:
    """What removals break, for `expected.json`."""
    return {
        name_of(r.checks): {
            "verdict": r.verdict,
            "broken": {b.claim: len(b.attack.runs) for b in r.breaches},
            "undecided": list(r.undecided),
            "states": r.states,
        }
        for r in removals
    }


def attack_data(removals: Iterable[Removal]) -> dict[str, Any]:
    """The smallest attack of each removal, with its charts; of redundant checks, those of the smallest sets."""
    found = {}
    for removal in removals:
        if removal.breaches and removal.variant != "tls" and len(removal.checks) <= LARGEST_SET:
            breach = min(removal.breaches, key=lambda b: (len(b.attack.runs), len(b.attack.events), b.claim))
            found[name_of(removal.checks)] = {
                "claim": breach.claim, "role": breach.role, "event": breach.event,
                "text": charts.text(breach.attack), "mermaid": charts.mermaid(breach.attack),
                "attack": breach.attack.to_json(),
                **({} if removal.variant == DEFAULT else {"variant": removal.variant}),
            }  # fmt: skip
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trustconn.model.extract.expected", description=__doc__)
    parser.add_argument("--claims", action="store_true", help="the claims alone")
    parser.add_argument("--only", nargs="+", metavar="CHECK", default=[], help="the removals of these checks alone")
    options = parser.parse_args(arguments)
    data = dict(expected()) if VERDICTS.is_file() else {}
    before = dict(shown()) if ATTACKS.is_file() else {}
    if not options.only:
        data["claims"] = claims_data(decided())
        _write(VERDICTS, data)
    if not options.claims:
        removals = list(matrix(print, checks=tuple(options.only), sets=not options.only))
        kept = data.get("matrix", {}) if options.only else {}
        data["matrix"] = kept | matrix_data(removals)
        _write(VERDICTS, data)
        again, found = {name_of(r.checks) for r in removals}, attack_data(removals)
        left = {n: a for n, a in (before | found).items() if n in found or n not in again}
        _write(ATTACKS, {"attacks": left if options.only else found})
    return 0


def _write(path: Path, data: Mapping[str, Mapping[str, Any]]) -> None:
    """One line for each entry, so that a change is a readable difference."""
    parts = (
        f"{json.dumps(name)}: {{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in each.items()) + "\n}"
        for name, each in data.items()
    )
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
