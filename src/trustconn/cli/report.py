"""Makes readable what a run has found, signs it, verifies that, and says what changed since another run.

    trustconn report make results                       a page, and files for other tools, beside the results
    trustconn report make results --format html --out report.html
    trustconn report sign results --key key.pem         P-256, P-384 or Ed25519, in PEM
    trustconn report verify results --key public.pem    a public key, or a certificate
    trustconn report diff before after                  by requirement and by test

The page needs no network. SARIF is version 2.1.0, OSCAL are assessment results of version 1.2.1.

Exit codes: 0 made, signed, verified, or nothing is worse; 1 refused by verify, or something is worse; 2 bad usage, a
folder without a run, or a damaged one.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import exit_code
from .errors import UsageError

if TYPE_CHECKING:
    from ..conformance.report.run import Run

FORMATS = {
    "html": "report.html",
    "sarif": "report.sarif",
    "oscal": "oscal.json",
    "junit": "junit.xml",
    "markdown": "summary.md",
}
"""What is made, and the file that it is written to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="make|sign|verify|diff")
    make = verbs.add_parser("make", help="write a page, SARIF, OSCAL, JUnit and Markdown")
    make.add_argument("--format", choices=FORMATS, action="append", help="only this; may be repeated")
    make.add_argument(
        "--out", type=Path, metavar="PATH", help="a folder, or the file of one format; default: the run's"
    )
    sign = verbs.add_parser("sign", help="sign the results with all files of the run")
    verify = verbs.add_parser("verify", help="compute anew what was signed, and name every file that is not as it was")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE", help="private key, PEM")
    verify.add_argument("--key", type=Path, required=True, metavar="FILE", help="public key or certificate, PEM")
    for verb in (make, sign, verify):
        verb.add_argument("folder", type=Path, metavar="DIR", help="the folder that `run --out` wrote")
    diff = verbs.add_parser("diff", help="say what changed; exit code 1 when something is worse")
    diff.add_argument("old", type=Path, metavar="OLD", help="folder of a run")
    diff.add_argument("new", type=Path, metavar="NEW", help="folder of another")


def main(arguments: argparse.Namespace) -> int:
    """Does what the verb says."""
    from ..conformance.report.manifest import ManifestError
    from ..conformance.report.run import RunError
    from ..conformance.report.signing import KeyFileError

    verbs: dict[str, Callable[[argparse.Namespace], int]] = {
        "make": _make, "sign": _sign, "verify": _verify, "diff": _diff,
    }  # fmt: skip
    try:
        return verbs[arguments.verb](arguments)
    except (RunError, ManifestError, KeyFileError) as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        if error.filename is None:  # No file of the user's: a reader that went away.
            raise
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _make(arguments: argparse.Namespace) -> int:
    from ..conformance.report.run import read_run

    wanted = list(dict.fromkeys(arguments.format or FORMATS))
    out: Path = arguments.out or arguments.folder
    into_file = arguments.out is not None and len(wanted) == 1 and not out.is_dir() and bool(out.suffix)
    run = read_run(arguments.folder)
    (out.parent if into_file else out).mkdir(parents=True, exist_ok=True)
    for name in wanted:
        path = out if into_file else out / FORMATS[name]
        _WRITERS[name](run, path)
        print(path)
    return exit_code.PASSED


def _html(run: "Run", path: Path) -> None:
    from ..conformance.report.html import page

    path.write_text(page(run), encoding="utf-8")


def _sarif(run: "Run", path: Path) -> None:
    from ..conformance.report.sarif import sarif

    path.write_text(json.dumps(sarif(run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _oscal(run: "Run", path: Path) -> None:
    from ..conformance.report.oscal import oscal

    path.write_text(json.dumps(oscal(run), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _junit(run: "Run", path: Path) -> None:
    from ..harness.verdict.junit import write_junit

    write_junit(run.results, path, run.expected)


def _markdown(run: "Run", path: Path) -> None:
    from ..harness.verdict.summary import write_markdown

    write_markdown(run.results, path)


_WRITERS: dict[str, Callable[["Run", Path], None]] = {
    "html": _html, "sarif": _sarif, "oscal": _oscal, "junit": _junit, "markdown": _markdown,
}  # fmt: skip


def _sign(arguments: argparse.Namespace) -> int:
    from ..conformance.report.signing import key_id, read_private, sign

    key = read_private(arguments.key)
    path = sign(arguments.folder, key)
    print(f"{path}: signed by the key {key_id(key.public_key()).hex()}")
    return exit_code.PASSED


def _verify(arguments: argparse.Namespace) -> int:
    from ..conformance.report.signing import key_id, read_public, verify

    key = read_public(arguments.key)
    signed, wrong = verify(arguments.folder, key)
    for complaint in wrong:
        print(f"refused: {complaint}")
    if wrong or signed is None:
        return exit_code.FAILED
    print(f"as signed by the key {key_id(key).hex()}: verdict {signed['verdict']}, seed {signed['seed']}")
    for iut in signed["iuts"]:
        declared = iut["declaration"].hex()
        print(f"{iut['role']}: {iut['name']} {iut['version']}, {iut['digest'] or 'no digest'}, declaration {declared}")
    for name, tree in signed["transcripts"].items():
        print(f"{name}: {tree['conversations']} conversations, root {tree['root'].hex()}")
    return exit_code.PASSED


def _diff(arguments: argparse.Namespace) -> int:
    from ..conformance.report.diff import difference
    from ..conformance.report.run import read_results

    found = difference(read_results(arguments.old), read_results(arguments.new))
    for line in found.circumstances:
        print(f"note: {line}")
    for heading, changes in (("requirements", found.requirements), ("tests", found.tests)):
        print(f"{heading}: {len(changes)} changed, {sum(change.worse for change in changes)} worse")
        for change in changes:
            print(f"  {change}")
    return exit_code.FAILED if found.worse else exit_code.PASSED
