"""Blocks of the specification: the committed verdicts, and an attack for each check that carries a claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checks import CHECKS
from ..claims import UNDECIDED, holds_under
from ..draw import markdown
from .committed import expected, shown
from .removal import symbolic_checks
from .variants import VARIANTS, variant_of_all
from .verdicts import all_questions


def render_verdicts() -> str:
    """Tables: each claim with its verdicts, and each symbolic check with what it carries."""
    claims, removals = expected()["claims"], expected()["matrix"]
    return "\n\n".join(
        (
            "Each claim under all the powers for which it is made, then under each power that is said to defeat it."
            " `proof` is for any number of sessions; one re-attestation in each direction and two labels each way are"
            " looked at in a session. States are patterns that the search looked at.",
            markdown(("claim", "under", "verdict", "states"), sorted(_claims(claims), key=lambda row: row[0])),
            *_surprises(claims),
            "Without a check these claims have an attack. `redundant` means that all claims still hold under their"
            " powers: other checks protect the same. Checks that only TLS has are left out over TLS, all others over"
            " EDHOC, in all nine modes; but those of TPM evidence, of PSA tokens, of collections, of proofs of"
            " properties, of results of a verifier and of virtualized roots where either side in turn gives such"
            " evidence, has its evidence judged so, or is such a root; those of confirmations where the user of an"
            " attested device confirms all that it sends, those of chains where all data has one behind it.",
            markdown(
                ("check", "without it"), [_check(name, removals) for name in symbolic_checks() if name in removals]
            ),
            *(said for variant in VARIANTS for said in _sets(variant, removals)),
        )
    )


def _claims(decided: Mapping[str, Any]) -> Iterable[tuple[str, str, str, str]]:
    """All claims; of one that is not decided, what is tested instead."""
    yield from (_claim(name, row) for name, row in decided.items())
    for name, why in UNDECIDED.items():
        yield name, ", ".join(power.name for power in holds_under(name)), why, ""


def _claim(name: str, row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return name.partition(" ")[0], ", ".join(row["powers"]), row["verdict"], str(row["states"])


def _surprises(claims: Mapping[str, Any]) -> Iterable[str]:
    found = [name for name, row in claims.items() if row["verdict"] != row["chapter"]]
    if found:
        listed = ", ".join(f"{name.partition(' ')[0]} under `{name.partition(' ')[2]}`" for name in found)
        yield f"Stronger than the chapter says, because a proof stands where an attack was expected: {listed}."


def _check(name: str, removals: Mapping[str, Any]) -> tuple[str, str]:
    row = removals[name]
    if row["broken"]:
        return f"`{name}`", ", ".join(row["broken"])
    parts = [other.split(" + ") for other in removals if other in shown()]
    others = [" and ".join(f"`{p}`" for p in each if p != name) for each in parts if name in each and len(each) > 1]
    return f"`{name}`", row["verdict"] + (f"; breaks together with {', or with '.join(others)}" if others else "")


def _sets(variant: str, removals: Mapping[str, Any]) -> Iterable[str]:
    own = {name: row for name, row in removals.items() if variant_of_all(name.split(" + ")) == variant}
    alone = [name for name, row in own.items() if row["verdict"] == "redundant" and " + " not in name]
    alone += VARIANTS[variant].shared
    together = next((row for name, row in own.items() if len(alone) > 1 and set(name.split(" + ")) == set(alone)), None)
    if together is None:
        return
    asked = dict.fromkeys(question.claim for question in all_questions(variant=variant))
    hold = [claim for claim in asked if claim not in (*together["broken"], *together["undecided"])]
    rows = [(name, row) for name, row in own.items() if " + " in name and row is not together]
    said = f"leave {', '.join(hold)} proved: no set of them, of whatever size, breaks one of these."
    yield (
        f"{_capital(VARIANTS[variant].said)}, all {len(alone)} redundant checks switched off at once "
        + (said if hold else "leave no claim proved.")
        + (" Of the sets that break another claim these are all smallest ones." if rows else "")
    )
    if rows:
        head = ("without all of", "claims with an attack")
        yield markdown(head, [(name, ", ".join(r["broken"])) for name, r in rows])


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def render_attacks() -> str:
    """The smallest attack for each check, or set of checks, that carries a claim, as a Mermaid diagram."""
    hint = (
        "The attack with the fewest runs for each check, or smallest set of checks, that carries a claim. A run is one"
        " session of one role; the attacker is the network. `trustconn verify --claim CLAIM --without CHECK --chart`"
        " finds it anew and shows what each name stands for."
    )
    return "\n\n".join((hint, *(_attack(name, data) for name, data in shown().items())))


def _attack(name: str, data: Mapping[str, Any]) -> str:
    parts = name.split(" + ")
    named = " and ".join(f"`{part}` ({CHECKS[part].requirement})" for part in parts)
    return (
        f"<details>\n<summary>Without {named}: {data['claim']} fails at {data['event']} of {data['role']}</summary>"
        "\n\n"
        f"```mermaid\n{data['mermaid'].rstrip()}\n```\n\n</details>"
    )
