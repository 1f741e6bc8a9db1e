"""Issues credentials: the folder `iut` for the implementation under test, the folder `tester` for the suite.

`tester` holds the keys of every authority that `iut` trusts, so that the suite can make every bad certificate. Trust
neither outside a test.
"""

import argparse
import secrets
import time
from pathlib import Path

from ..harness.issuing import DEPLOYMENT, WAYS
from . import exit_code
from .errors import UsageError
from .options import (
    PLAIN,
    add_own_evidence,
    add_tam,
    add_virtual,
    readable_file,
    require_committer,
    require_plain,
    require_plain_module,
    require_tam,
    roles,
    tams,
    tested_roles,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `provision`."""
    help_text = (
        "role of the implementation under test; both: a device and a service that trust each other, and their verifier"
    )
    parser.add_argument("role", choices=(*tested_roles(), "both"), help=help_text)
    parser.add_argument("--out", type=Path, default=Path("credentials"), metavar="DIR", help="default: credentials")
    parser.add_argument(
        "--request",
        type=readable_file,
        metavar="FILE",
        help="certificate request (PKCS #10), when the key cannot leave",
    )
    parser.add_argument("--waiver", action="store_true", help="also issue a waiver for the identity key")
    parser.add_argument(
        "--issuer",
        choices=WAYS,
        default="",
        help="who certifies the identity, and when; default: an authority of the test that has verified nothing",
    )
    text = "for a device with a trusted environment only: it offers no evidence, and holds a waiver"
    parser.add_argument("--kind", choices=(PLAIN,), default="", help=text)
    add_tam(parser)
    add_virtual(parser)
    add_own_evidence(parser, pba="what proofs of properties need, for policy.toml to offer")
    parser.add_argument("--anonymous", action="store_true", help="a pseudonym for the peer, for one day")
    parser.add_argument("--seed", metavar="TEXT", help="repeatable keys, for loopback only; default: fresh keys")


def main(arguments: argparse.Namespace) -> int:
    """Writes both folders; exit code 2 when they exist or the request cannot be used."""
    both = arguments.role == "both"
    _check(arguments)
    folders = {role: arguments.out / role for role in roles()} if both else {arguments.role: arguments.out}
    for folder in (out / part for out in folders.values() for part in ("iut", "tester")):
        if folder.exists():
            raise UsageError(f"{folder} exists; name another folder with --out")
    seed = secrets.token_bytes(32) if arguments.seed is None else arguments.seed.encode()
    now = int(time.time())
    if arguments.role == "verifier":
        return _verifier(arguments.out, arguments, seed, now)
    for role, out in folders.items():
        _party(out, role, arguments, seed, now)
        _say(out, role)
    if both:
        return _verifier(arguments.out / "verifier", arguments, seed, now)
    return exit_code.PASSED


def _check(arguments: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if arguments.role == "both" and arguments.request:
        raise UsageError("--request is for one implementation; it cannot go with both")
    if arguments.request and arguments.tam != tams()[0]:
        raise UsageError("--request is for a key that exists; it cannot go with --tam, which makes one in a TPM")
    require_plain(arguments.evidence, arguments.tam, arguments.virtual)
    require_committer(arguments.evidence, arguments.tam)
    require_plain_module(arguments.anonymous, arguments.tam, arguments.virtual)
    if arguments.anonymous and (arguments.request or arguments.waiver or arguments.issuer or arguments.evidence):
        raise UsageError("--anonymous makes keys for one peer alone; it cannot go with other options about identities")
    if arguments.virtual and arguments.issuer not in ("", DEPLOYMENT):
        raise UsageError(f"--virtual is certified when it is deployed; it cannot go with --issuer {arguments.issuer}")
    if arguments.issuer and "psa" in arguments.evidence:
        raise UsageError("--evidence psa comes with an identity of the module's manufacturer; leave --issuer out")
    if arguments.kind and arguments.role != "device":
        raise UsageError(f"--kind is about devices; it cannot go with {arguments.role}")
    require_tam(arguments.tam, None)
    if arguments.role == "verifier" and (arguments.request or arguments.waiver or arguments.issuer):
        what = "--request, --waiver and --issuer are about identities of peers"
        raise UsageError(f"{what}; they cannot go with verifier")


def _party(out: Path, role: str, arguments: argparse.Namespace, seed: bytes, now: int) -> None:
    from ..harness.identity.provision import provision
    from ..harness.identity.settings import SettingError

    try:
        provision(
            out,
            seed=seed,
            now=now,
            role=role,
            csr=arguments.request.read_bytes() if arguments.request else None,
            with_waiver=arguments.waiver,
            seeded=arguments.seed is not None,
            tam=arguments.tam,
            virtual=arguments.virtual,
            psa="psa" in arguments.evidence,
            evidence=arguments.evidence,
            anonymous=arguments.anonymous,
            issuer=arguments.issuer,
            attests=not arguments.kind,
        )
    except SettingError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename or out}: cannot be written: {error.strerror}") from error


def _verifier(out: Path, arguments: argparse.Namespace, seed: bytes, now: int) -> int:
    from ..harness.verifier.folder import provision

    try:
        provision(out, seed=seed, now=now, seeded=arguments.seed is not None)
    except OSError as error:
        raise UsageError(f"{error.filename or out}: cannot be written: {error.strerror}") from error
    _say(out, "verifier")
    return exit_code.PASSED


def _say(out: Path, role: str) -> None:
    print(f"{out / 'iut'}: for the {role} under test")
    print(f"{out / 'tester'}: for the suite")
    print(f"{out} is the folder to name in [credentials] of the description")
