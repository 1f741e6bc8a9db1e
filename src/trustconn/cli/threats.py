"""Reviews a described system against the threats of ISO/IEC 27071 Annex A, by what runs of the suite say.

`list` shows the threats, `init` prints the description of an example, `review` writes what is known of every threat
that applies to a system: as a page, in the Open Threat Model format and as a table. `sign-off` keeps a name under a
review, and is refused while an applicable threat is not exercised or failed, or nobody decided about what is left of
it.

Exit codes: 0 done; 1 a sign-off is refused, or with --strict a review could not be signed off; 2 bad usage, description
or results.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import spec
from . import exit_code
from .coverage import coverage
from .errors import UsageError
from .options import readable_file
from .run import make_folder

if TYPE_CHECKING:
    from ..harness.threats.exercise import Run
    from ..harness.threats.review import Review

LARGEST = 1 << 28
"""Bytes of a results file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|init|review|sign-off")
    verbs.add_parser("list", help="show the threats of Annex A, and what answers them")
    init = verbs.add_parser("init", help="print a described example, to change into yours")
    init.add_argument("file", type=Path, nargs="?", help="file to write; default: standard output")
    review = verbs.add_parser("review", help="write the review of a system")
    _about(review)
    review.add_argument("--out", type=Path, default=Path("threats"), metavar="DIR", help="folder; default: threats")
    review.add_argument("--strict", action="store_true", help="exit code 1 unless it could be signed off")
    sign = verbs.add_parser("sign-off", help="keep a name under a review, if nothing is in its way")
    _about(sign)
    sign.add_argument("--by", required=True, metavar="NAME", help="who signs off")
    sign.add_argument("--out", type=Path, default=Path("threats"), metavar="DIR", help="folder; default: threats")


def _about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("system", type=readable_file, metavar="SYSTEM", help="description of the system")
    parser.add_argument(
        "--results", type=Path, action="append", default=[], metavar="DIR",
        help="folder that `trustconn run --out DIR` wrote; may be given again for other components and bindings",
    )  # fmt: skip


def main(arguments: argparse.Namespace) -> int:
    """Does what the verb says."""
    verbs = {"list": _list, "init": _init, "review": _review, "sign-off": _sign_off}
    return verbs[arguments.verb](arguments)


def _list(_: argparse.Namespace) -> int:
    from ..harness.threats.review import claim_verdicts, shown_attacks

    for threat in spec.threats().values():
        print(f"{threat.id}  {threat.title}")
        rows = {
            "STRIDE": ", ".join(threat.stride),
            "EMB3D": "; ".join(f"{id_} {title}" for id_, title in threat.emb3d.items()),
            "powers": ", ".join(threat.powers),
            "claims": ", ".join(f"{claim.id} ({claim.verdict})" for claim in claim_verdicts(threat.id)),
            "attack without": ", ".join(" and ".join(attack.removed) for attack in shown_attacks(threat.id)),
            "requirements": f"{len(threat.requirements)}; `trustconn explain {threat.id}` names them and their tests",
        }
        for name, text in rows.items():
            print(f"  {name:15} {text}")
    return exit_code.PASSED


def _init(arguments: argparse.Namespace) -> int:
    from ..harness.threats.system import example

    if arguments.file is None:
        sys.stdout.write(example())
        return exit_code.PASSED
    try:
        with arguments.file.open("x", encoding="utf-8") as target:
            target.write(example())
    except OSError as error:
        raise UsageError(f"{arguments.file}: {error.strerror}") from error
    return exit_code.PASSED


def _review(arguments: argparse.Namespace) -> int:
    review = _reviewed(arguments)
    make_folder(arguments.out)
    _write(review, arguments.out)
    return exit_code.FAILED if arguments.strict and any(review.blockers()) else exit_code.PASSED


def _write(review: Review, out: Path) -> None:
    from ..harness.threats import html, otm, sign_off, table

    signed = sign_off.load(out, review)
    written = {
        "threats.html": html.to_html(review, signed),
        "threats.otm.json": json.dumps(otm.to_otm(review), indent=1, ensure_ascii=False) + "\n",
        "threats.csv": table.to_csv(review),
    }
    for name, text in written.items():
        (out / name).write_text(text, encoding="utf-8", newline="")
    for finding in review.findings:
        decided = finding.decision.choice if finding.decision else "no decision"
        known = f"{finding.threat.id:8} {finding.applies.element:16} {finding.state.value:16} {decided:12}"
        print(known, finding.threat.title)
    for one in review.outside:
        print(f"{one.threat:8} {one.element:16} is outside this review")
    for threat, why in review.inapplicable.items():
        print(f"{threat:8} does not apply: {why}")
    blockers = sum(1 for _ in review.blockers())
    ready = f"signed off by {signed['by']}, {signed['date']}" if signed else "can be signed off"
    print(f"{out / 'threats.html'}: {f'{blockers} in the way of a sign-off' if blockers else ready}")


def _sign_off(arguments: argparse.Namespace) -> int:
    from ..harness.threats import sign_off

    review = _reviewed(arguments)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        record = sign_off.sign_off(review, arguments.by, today)
    except sign_off.Refused as refused:
        print("refused:", *refused.blockers, sep="\n  ", file=sys.stderr)
        return exit_code.FAILED
    make_folder(arguments.out)
    sign_off.save(record, arguments.out)
    _write(review, arguments.out)
    return exit_code.PASSED


def _reviewed(arguments: argparse.Namespace) -> Review:
    from ..harness.iut.keys import DescriptionError
    from ..harness.threats.review import review
    from ..harness.threats.system import load

    try:
        system = load(arguments.system)
    except DescriptionError as error:
        raise UsageError(str(error)) from error
    return review(system, _runs(arguments.results), coverage().values())


def _runs(folders: Sequence[Path]) -> list[Run]:
    from ..harness.threats.exercise import Run
    from ..harness.verdict.results import Results

    runs = []
    for folder in folders:
        path = folder / "results.json" if folder.is_dir() else folder
        try:
            if path.stat().st_size > LARGEST:
                raise UsageError(f"--results {path}: more than {LARGEST} bytes")
            octets = path.read_bytes()
            results = Results.from_json(json.loads(octets))
        except OSError as error:
            raise UsageError(f"--results {path}: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--results {path}: no results of a run: {error}") from error
        runs.append(Run(str(folder), hashlib.sha256(octets).hexdigest(), results))
    return runs
