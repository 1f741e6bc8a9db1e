"""Decides the security claims over the transition table, or the claims of a protocol in an SPDL file.

Every claim is asked over one binding, under all the powers for which it is made, and under each power that is said to
defeat it: `proof` is for any number of sessions, `attack` comes with its trace, `bounded` is neither, `vacuous` means
that a role cannot come to its end. Claims about TPM evidence, PSA tokens, collections, proofs of properties, results of
a verifier, virtualized roots, confirmations and processing chains are asked over EDHOC, of peers that have them.
Without FILE.spdl the verdicts are compared with the committed ones.

The matrix leaves out each check alone, then all redundant ones at once, and finds the smallest sets of them that break
a claim. When it is interrupted, FILE has what was found until then.

FILE.spdl passes when all its claims are proved and all its roles can come to their end. Its agents may be dishonest,
save those of the claim and those that the file names and does not call untrusted, unless --powers network says
otherwise. What is read of SPDL and what is not is told with line and column.

    trustconn verify
    trustconn verify --claim CLM-05 --without eat_nonce_is_binder --chart
    trustconn verify --claim CLM-01 --powers network,session-key
    trustconn verify --claim CLM-25 --without tpm_identity_key_is_kept --chart
    trustconn verify --binding tls
    trustconn verify --matrix --json matrix.json
    trustconn verify --times
    trustconn verify needham-schroeder.spdl

Exit codes: 0 as expected, 1 a verdict differs or a proof is missing, 2 bad usage or a bad file.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import spec
from ..model.verifier import clock
from . import exit_code
from .errors import UsageError, require_known
from .options import bindings, check_names, readable_file
from .status import status

LINE = "{:<9} {:<50.50} {:<8} {:>7} {:>8}  {}"
FILE_POWERS = ("network", "dishonest")
"""Powers over the protocol of a file: the second makes an agent dishonest that no claim names."""
FILE_RUNS = 16
"""Runs in one pattern of a file: servers that answer each other need some."""
SELDOM = (1_000_000, 50, 50)
"""Thresholds of the garbage collector: a search leaves no cycles, and to look for some takes a sixth of its time."""
POWERS_HELP = f"ask under these powers instead; over a file: {', '.join(FILE_POWERS)} (default: both)"
HEAD = LINE.format("claim", "powers", "verdict", "states", "seconds", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `verify`."""
    parser.add_argument("file", metavar="FILE.spdl", nargs="?", type=readable_file, help="a protocol in SPDL")
    parser.add_argument("--claim", metavar="ID", action="append", default=[], help="only this claim; may be repeated")
    parser.add_argument("--binding", choices=bindings(), help="secure channel of the table; default: edhoc")
    parser.add_argument(
        "--without", metavar="CHECK[,CHECK]", type=check_names, default=frozenset(), help="checks to leave out"
    )
    parser.add_argument("--powers", metavar="POWER[,POWER]", type=_names, help=POWERS_HELP)
    parser.add_argument("--matrix", action="store_true", help="leave out every symbolic check in turn")
    parser.add_argument("--alone", action="store_true", help="with --matrix: no sets of redundant checks")
    parser.add_argument("--times", action="store_true", help="how long claims, attacks and published protocols take")
    parser.add_argument("--time-limit", metavar="SECONDS", type=float, help="for each claim (default: 60)")
    parser.add_argument("--chart", action="store_true", help="print each attack as a message sequence chart")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all answers and attacks")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def main(arguments: argparse.Namespace) -> int:
    """Decides, prints a line for each answer, and compares."""
    clock.use(time.perf_counter)
    gc.set_threshold(*SELDOM)
    for claim in arguments.claim if arguments.file is None else ():
        require_known("claim", claim, spec.claims())
    if arguments.matrix and (arguments.file or arguments.without or arguments.powers):
        raise UsageError("--matrix goes with neither a file, --without nor --powers")
    if arguments.binding and (arguments.matrix or arguments.file or arguments.times):
        raise UsageError("--binding goes with neither a file, --matrix nor --times: the matrix has both bindings")
    if arguments.times and (
        arguments.matrix or arguments.file or arguments.claim or arguments.without or arguments.powers
    ):
        raise UsageError("--times goes with no other choice of what is decided")
    if arguments.file is not None:
        return _file(arguments)
    if arguments.times:
        return _times(arguments)
    return _matrix(arguments) if arguments.matrix else _table(arguments)


# --- the table -------------------------------------------------------------------------------------------------------


def _table(arguments: argparse.Namespace) -> int:
    from ..model.extract.expected import differences
    from ..model.extract.verdicts import TIME_LIMIT, Decision, prover

    questions = _questions(arguments)
    decisions: list[Decision] = []
    print(HEAD)
    with status() as tell:
        for question in questions:
            asked = prover(arguments.without, arguments.binding or question.variant)
            decision = asked.decide(question, time_limit=arguments.time_limit or TIME_LIMIT, progress=tell)
            decisions.append(decision)
            print(_line(decision), flush=True)
            _chart(decision.attack if arguments.chart else None)
    _write(arguments.json, [_record(d) for d in decisions])
    if arguments.powers:
        return exit_code.PASSED
    if arguments.without:
        broken = [d.question.id for d in decisions if d.kind != d.question.expected and d.question.expected == "proof"]
        return _verdict([f"{name}: no proof" for name in broken])
    return _verdict(differences(decisions, states=arguments.binding in (None, "edhoc") and not arguments.claim))


def _questions(arguments: argparse.Namespace) -> Sequence[Any]:
    from ..model.claims import STATEMENTS
    from ..model.extract.verdicts import all_questions, question_under

    over = arguments.binding or ""
    asked = tuple(dict.fromkeys(question.claim for question in all_questions(variant=over)))
    for claim in arguments.claim:
        if claim not in STATEMENTS:
            raise UsageError(f"{claim} is specified and not decided by the model")
        if claim not in asked:
            raise UsageError(f"{claim} is not asked over {over}: leave --binding out")
    if not arguments.powers:
        return all_questions(tuple(arguments.claim) or asked)
    for power in arguments.powers:
        require_known("power", power, spec.powers())
    try:
        return [question_under(claim, arguments.powers) for claim in arguments.claim or asked]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _line(decision: Any) -> str:
    where = f"{decision.role} at {decision.event}" if decision.attack else decision.reason
    powers = ", ".join(decision.question.powers)
    return LINE.format(
        decision.question.claim, powers, decision.kind, decision.states, f"{decision.seconds:.2f}", where
    ).rstrip()


def _record(decision: Any) -> dict[str, Any]:
    return {
        "claim": decision.question.claim, "powers": list(decision.question.powers), "verdict": decision.kind,
        "expected": decision.question.expected, "states": decision.states, "seconds": round(decision.seconds, 3),
        "runs": decision.runs, "role": decision.role, "event": decision.event, "reason": decision.reason,
        "attack": decision.attack.to_json() if decision.attack else None,
    }  # fmt: skip


# --- the removal matrix ----------------------------------------------------------------------------------------------


def _matrix(arguments: argparse.Namespace) -> int:
    from ..model.extract.expected import removal_differences
    from ..model.extract.matrix import matrix
    from ..model.extract.removal import Removal
    from ..model.extract.verdicts import TIME_LIMIT

    removals: list[Removal] = []
    limit = arguments.time_limit or TIME_LIMIT
    try:
        with status() as tell:
            for removal in matrix(tell, claims=tuple(arguments.claim), time_limit=limit, sets=not arguments.alone):
                removals.append(removal)
                print(_removal(removal), flush=True)
                for breach in removal.breaches if arguments.chart else ():
                    _chart(breach.attack)
    finally:
        _write(arguments.json, [_removal_record(removal) for removal in removals])
    return exit_code.PASSED if arguments.claim else _verdict(removal_differences(removals))


def _removal(removal: Any) -> str:
    broken = ", ".join(f"{b.claim} ({len(b.attack.runs)} runs)" for b in removal.breaches)
    undecided = f"; not decided in time: {', '.join(removal.undecided)}" if removal.undecided else ""
    return f"without {' + '.join(removal.checks)}: {broken or removal.verdict}{undecided}"


def _removal_record(removal: Any) -> dict[str, Any]:
    return {
        "without": list(removal.checks), "verdict": removal.verdict, "undecided": list(removal.undecided),
        "states": removal.states, "variant": removal.variant,
        "broken": [
            {"claim": b.claim, "role": b.role, "event": b.event, "attack": b.attack.to_json()} for b in removal.breaches
        ],
    }  # fmt: skip


# --- times -----------------------------------------------------------------------------------------------------------


def _times(arguments: argparse.Namespace) -> int:
    from ..model.extract.times import times

    clock.use(time.process_time)  # Other processes do not count.
    line, found = "{:<12} {:<70} {:<12} {:>6} {:>9}", []
    print(line.format("", "", "verdict", "states", "CPU ms"))
    with status() as tell:
        for timed in times():
            found.append(timed)
            tell(timed.name)
            print(line.format(timed.group, timed.name, timed.verdict, timed.states, f"{timed.seconds * 1000:.1f}"))
    for group in dict.fromkeys(timed.group for timed in found):
        each = [timed.seconds * 1000 for timed in found if timed.group == group]
        print(f"{group}: {sum(each):.0f} ms in all, {max(each):.1f} ms at most")
    _write(arguments.json, [asdict(timed) for timed in found])
    return exit_code.PASSED


# --- SPDL ------------------------------------------------------------------------------------------------------------


def _file(arguments: argparse.Namespace) -> int:
    from ..model.verifier.verify import DEFAULT_POWERS, NETWORK, Verifier

    if arguments.without:
        raise UsageError("--without names checks of the table, not of a file")
    for power in arguments.powers or ():
        require_known("power over a file", power, FILE_POWERS)
    model = _model(arguments)
    chosen = [claim for claim in model.claims if not arguments.claim or claim.name in arguments.claim]
    powers = DEFAULT_POWERS if arguments.powers is None or "dishonest" in arguments.powers else NETWORK
    verifier, missing, records = Verifier(model.protocol), [], []
    print(HEAD)
    with status() as tell:
        for claim in chosen:
            verdict = _claim_of_file(arguments, verifier, claim, powers, tell)
            text = f"{claim.role}: {claim.text}"
            line = LINE.format(claim.name, text, verdict.kind, verdict.states, f"{verdict.seconds:.2f}", verdict.reason)
            print(line.rstrip(), flush=True)
            _chart(verdict.attack if arguments.chart else None)
            if verdict.kind != "proof":
                missing.append(f"{claim.name}: {verdict.kind}")
            records.append(_record_of_file(claim, verdict))
    _write(arguments.json, records)
    stuck = verifier.known_stuck
    return _verdict([*missing, *([f"cannot come to its end: {stuck}"] if stuck else [])])


def _model(arguments: argparse.Namespace) -> Any:
    from ..model.verifier.spdl import SpdlError, load

    file = arguments.file
    try:
        model = load(file.read_text(encoding="utf-8", errors="replace"))  # Comments may be in any encoding.
    except SpdlError as error:
        raise UsageError(f"{file}:{error}") from None
    if not model.claims:
        raise UsageError(f"{file}: there is no claim in it")
    for name in arguments.claim:
        require_known("claim", name, [claim.name for claim in model.claims])
    return model


def _claim_of_file(
    arguments: argparse.Namespace, verifier: Any, claim: Any, powers: frozenset[str], tell: Callable[[str], None]
) -> Any:
    from ..model.verifier.protocol import ModelError

    limit = arguments.time_limit or 60.0
    try:
        return verifier.verify(claim.claim, powers=powers, max_runs=FILE_RUNS, time_limit=limit, progress=tell)
    except ModelError as error:
        raise UsageError(f"{arguments.file}:{claim.line}:{claim.column}: {error}") from None


def _record_of_file(claim: Any, verdict: Any) -> dict[str, Any]:
    return {
        "claim": claim.name, "text": claim.text, "verdict": verdict.kind, "states": verdict.states,
        "seconds": round(verdict.seconds, 3), "reason": verdict.reason,
        "attack": verdict.attack.to_json() if verdict.attack else None,
    }  # fmt: skip


# --- output ----------------------------------------------------------------------------------------------------------


def _chart(attack: Any) -> None:
    if attack is not None:
        from ..model.verifier.charts import text

        print("\n" + text(attack) + "\n")


def _verdict(unexpected: Iterable[str]) -> int:
    found = list(unexpected)
    for line in found:
        print(line, file=sys.stderr)
    return exit_code.FAILED if found else exit_code.PASSED


def _write(path: Path | None, answers: list[dict[str, Any]]) -> None:
    if path is None:
        return
    try:
        path.write_text(json.dumps({"version": 1, "answers": answers}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
