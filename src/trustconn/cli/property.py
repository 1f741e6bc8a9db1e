"""Properties in zero knowledge (section 9.3): makes keys, certificates, lists, evidence, and judges evidence, in files.

A platform is a folder `iut` or `peer` that `provision` wrote. Files hold CBOR of the grammar; BINDER is 64 hexadecimal
digits, which a session computes (ATT-26).

    trustconn provision both --out credentials
    trustconn property setup --out issuer
    trustconn property certify --issuer issuer --property tag:example.org,2026:hardened \\
        --platform credentials/device/iut --out certificate.cbor
    trustconn property revoke --issuer issuer --property tag:example.org,2026:hardened --number 1 --out list.cbor
    trustconn property prove --key issuer/public.cbor --certificate certificate.cbor --list list.cbor \\
        --platform credentials/device/iut --binder BINDER --out evidence.cbor
    trustconn property verify --key issuer/public.cbor --list list.cbor --platform credentials/service/iut \\
        --peer credentials/device/iut/leaf.pem --binder BINDER evidence.cbor

Exit codes: 0 made, or accepted; 1 refused; 2 bad usage or a bad file; 3 NOT IMPLEMENTED by the platform's module.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ..harness.crypto.random import system_random
from ..harness.identity.credentials import read_certificates
from ..harness.identity.pki import Issued
from ..harness.identity.provision import load_world
from ..harness.identity.settings import SettingError
from ..harness.identity.world import World
from ..harness.property import certificate, revocation
from ..harness.property.certificate import MAX_PROPERTY, configuration_value
from ..harness.property.commitment import require_committer
from ..harness.property.errors import BadList, NoCommitter, PropertyError
from ..harness.property.evidence import Demand, appraise, attest
from ..harness.property.issuer import Issuer, generate, parse_public, parse_secret
from ..harness.property.suites import PBA_2048, SUITES
from . import exit_code
from .errors import UsageError
from .files import T, read_file, write_file
from .options import number, readable_file
from .status import status

PUBLIC, SECRET = "public.cbor", "secret.cbor"
MAX_FILE = 1 << 17
DAY = 86400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="setup|certify|revoke|prove|verify")
    setup = verbs.add_parser("setup", help="make an issuer's key")
    setup.add_argument("--suite", choices=sorted(SUITES), default=PBA_2048.name, help=f"default: {PBA_2048.name}")
    setup.add_argument("--out", type=Path, default=Path("issuer"), metavar="DIR", help="default: issuer")
    certify = verbs.add_parser("certify", help="certify that a configuration has a property")
    revoke = verbs.add_parser("revoke", help="write a list of revoked configurations")
    for verb in (certify, revoke):
        verb.add_argument("--issuer", type=Path, required=True, metavar="DIR", help="folder that setup wrote")
        verb.add_argument("--property", required=True, metavar="NAME", help="a URI of at most 255 octets")
    of = certify.add_mutually_exclusive_group(required=True)
    of.add_argument("--platform", type=Path, metavar="DIR", help="the configuration of this platform")
    of.add_argument("--configuration", type=_digest, metavar="HEX", help="the configuration with this digest")
    text = "revoked: a digest; may be repeated"
    revoke.add_argument("--configuration", type=_digest, action="append", default=[], metavar="HEX", help=text)
    revoke.add_argument("--number", type=number, required=True, metavar="N", help="of the list: higher each time")
    revoke.add_argument("--days", type=number, default=7, metavar="N", help="until the next list; default: 7")
    revoke.add_argument("--withdraw", action="store_true", help="no configuration has the property any longer")
    prove = verbs.add_parser("prove", help="make evidence that a platform has a property")
    verify = verbs.add_parser("verify", help="judge evidence as a relying party")
    for verb in (prove, verify):
        verb.add_argument("--key", type=readable_file, required=True, metavar="FILE", help="the issuer's public key")
        verb.add_argument("--list", type=readable_file, required=True, metavar="FILE", help="its current list")
        verb.add_argument("--platform", type=Path, required=True, metavar="DIR", help="the party that does it")
        verb.add_argument("--binder", type=_digest, required=True, metavar="HEX", help="of the session, 32 octets")
    prove.add_argument("--certificate", type=readable_file, required=True, metavar="FILE")
    verify.add_argument("--peer", type=readable_file, required=True, metavar="FILE", help="the peer's leaf.pem")
    verify.add_argument("evidence", type=readable_file, metavar="EVIDENCE")
    for verb in (certify, revoke, prove):
        verb.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")


def _digest(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 32:
        raise argparse.ArgumentTypeError(f"{text}: expected 64 hexadecimal digits")
    return found


def main(arguments: argparse.Namespace) -> int:
    """Does what the verb says."""
    verbs = {"setup": _setup, "certify": _certify, "revoke": _revoke, "prove": _prove, "verify": _verify}
    return verbs[arguments.verb](arguments)


def _setup(arguments: argparse.Namespace) -> int:
    if arguments.out.exists():
        raise UsageError(f"{arguments.out} exists; name another folder with --out")
    with status() as tell:
        issuer = generate(SUITES[arguments.suite], system_random, tell)
    try:
        arguments.out.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{arguments.out}: cannot be written: {error.strerror}") from error
    write_file(arguments.out / SECRET, issuer.encode(), secret=True)
    write_file(arguments.out / PUBLIC, issuer.public.encoded)
    print(f"{arguments.out / PUBLIC}: key {issuer.public.id.hex()}, for provers and relying parties to pin")
    print(f"{arguments.out / SECRET}: for the issuer alone")
    return exit_code.PASSED


def _certify(arguments: argparse.Namespace) -> int:
    issuer = _issuer(arguments)
    configuration = arguments.configuration
    if configuration is None:
        configuration = configuration_value(_world(arguments.platform).tam.measurements())
    made = certificate.certify(issuer, arguments.property, configuration, system_random)
    write_file(arguments.out, made.encode(issuer.public), secret=True)
    print(f"{arguments.out}: configuration {configuration.hex()} has {arguments.property}")
    return exit_code.PASSED


def _revoke(arguments: argparse.Namespace) -> int:
    issuer, now = _issuer(arguments), int(time.time())
    try:
        listed = revocation.make_list(
            issuer, arguments.property, arguments.number, arguments.configuration,
            issued_at=now, next_update=now + arguments.days * DAY, withdrawn=arguments.withdraw,
        )  # fmt: skip
    except BadList as error:
        raise UsageError(f"--configuration: {error}") from error
    write_file(arguments.out, listed.encoded)
    print(f"{arguments.out}: list {listed.number} of {arguments.property}, {len(listed.configurations)} revoked")
    return exit_code.PASSED


def _prove(arguments: argparse.Namespace) -> int:
    demand, world = _demand(arguments), _world(arguments.platform)
    held = _read(arguments.certificate, lambda data: certificate.parse(data, demand.issuer))
    chain = world.credentials.attestation.x5chain()
    try:
        require_committer(world.tam)
        data = attest(demand, [held], world.tam, chain, arguments.binder, world.time())
    except NoCommitter as error:
        print(f"{arguments.platform}: {error}", file=sys.stderr)
        return exit_code.UNDECIDED
    except PropertyError as error:
        return _refused(str(arguments.platform), error)
    write_file(arguments.out, data)
    print(f"{arguments.out}: {len(data)} octets for this binder alone")
    return exit_code.PASSED


def _verify(arguments: argparse.Namespace) -> int:
    demand, world = _demand(arguments), _world(arguments.platform)
    leaf, *chain = _read(arguments.peer, lambda _: read_certificates(arguments.peer))
    data = _read(arguments.evidence, bytes)
    try:
        made = appraise(world, Issued(leaf, tuple(chain), None).id_cred(), data, arguments.binder, demand)
    except PropertyError as error:
        return _refused(str(arguments.evidence), error)
    print(f"{leaf.identity} has {', '.join(demand.lists)}; boot count {made.bootcount}")
    return exit_code.PASSED


# --- files -----------------------------------------------------------------------------------------------------------


def _refused(what: str, error: Exception) -> int:
    print(f"{what}: refused: {error}", file=sys.stderr)
    return exit_code.FAILED


def _issuer(arguments: argparse.Namespace) -> Issuer:
    if not 0 < len(arguments.property.encode()) <= MAX_PROPERTY:
        raise UsageError(f"--property: expected 1 to {MAX_PROPERTY} octets")
    public = _read(arguments.issuer / PUBLIC, parse_public)
    return _read(arguments.issuer / SECRET, lambda data: parse_secret(data, public))


def _demand(arguments: argparse.Namespace) -> Demand:
    issuer = _read(arguments.key, parse_public)
    listed = _read(arguments.list, lambda data: revocation.parse(data, issuer))
    return Demand(issuer, {listed.property_name: listed})


def _world(folder: Path) -> World:
    try:
        return load_world(folder, lambda: int(time.time()))
    except SettingError as error:
        raise UsageError(str(error)) from error


def _read(file: Path, parse: Callable[[bytes], T]) -> T:
    return read_file(file, MAX_FILE, parse)
