"""Types of options that several commands share. argparse prints what they raise as one line."""

import argparse
from collections.abc import Collection
from pathlib import Path

from ..harness.iut.features import BINDINGS, TAMS
from ..model.checks import CHECKS
from .errors import UsageError, did_you_mean


def bindings() -> tuple[str, ...]:
    """The secure channels of the profile."""
    return BINDINGS


def roles() -> tuple[str, ...]:
    """The roles of the reference peers."""
    return ("device", "service")


def tested_roles() -> tuple[str, ...]:
    """The roles of implementations that `run` tests."""
    return (*roles(), "verifier")


def tams() -> tuple[str, ...]:
    """The modules that can hold the keys of a reference peer."""
    return TAMS


PLAIN, SPLIT = KINDS = ("plain", "split")
"""Kinds of device: with a trusted environment only, which has a waiver in place of evidence; and beside a rich one."""


def add_tam(parser: argparse.ArgumentParser) -> None:
    """`--tam`."""
    text = "what holds the keys of the reference peers: software, the default, or a TPM of swtpm"
    parser.add_argument("--tam", choices=tams(), default=tams()[0], help=text)


def add_evidence(parser: argparse.ArgumentParser) -> None:
    """`--evidence`, of those that test."""
    from ..harness.iut.features import FURTHER_EVIDENCE

    text = (
        "also test a further form of evidence of the reference peers: ear, a verifier's result in ATT; psa, tokens of "
        "a PSA root of trust; collection, a token and a bundle of a TPM at once; or pba, properties in zero knowledge"
    )
    parser.add_argument("--evidence", action="append", choices=FURTHER_EVIDENCE, default=[], help=text)


def add_own_evidence(parser: argparse.ArgumentParser, **further: str) -> None:
    """`--evidence`, of those that make credentials; `further` forms with what they are."""
    from ..harness.iut.features import PROVISIONED_EVIDENCE

    text = "a further form of evidence of the party: psa, tokens of a PSA root of trust"
    text += "".join(f"; {form}, {what}" for form, what in further.items())
    choices = (*PROVISIONED_EVIDENCE, *further)
    parser.add_argument("--evidence", action="append", choices=choices, default=[], help=text)


def require_plain(evidence: Collection[str], tam: str, virtual: bool) -> None:
    """Raises UsageError for PSA tokens of a module, or a virtualized root, that has evidence of its own."""
    if "psa" in evidence and (virtual or tam != tams()[0]):
        other = "--virtual" if virtual else f"--tam {tam}"
        raise UsageError(f"--evidence psa does not go with {other}: that root of trust has evidence of its own")


def add_virtual(parser: argparse.ArgumentParser) -> None:
    """`--virtual`."""
    parser.add_argument("--virtual", action="store_true", help="their roots of trust are virtual, below a physical one")


def require_plain_module(anonymous: bool, tam: str, virtual: bool) -> None:
    """Raises UsageError for pseudonyms of a module that is not of software alone."""
    if anonymous and (virtual or tam != tams()[0]):
        other = "--virtual" if virtual else f"--tam {tam}"
        raise UsageError(f"--anonymous does not go with {other}: pseudonyms here are of a physical module of software")


def require_committer(evidence: list[str], tam: str) -> None:
    """Raises UsageError for proofs of properties with a module that cannot commit (PBA-18)."""
    if "pba" in evidence and tam != tams()[0]:
        from ..harness.property.commitment import NO_COMMITTER

        raise UsageError(f"--evidence pba does not go with --tam {tam}: {NO_COMMITTER}")


def require_tam(tam: str, binding: str | None) -> None:
    """Raises UsageError where a module is not there, or a binding cannot use it."""
    if tam == tams()[0]:
        return
    from ..harness.iut.features import IN_TPM, NO_TLS
    from ..harness.tpm.swtpm import SwtpmMissing, require_swtpm

    if binding is not None and binding not in IN_TPM.bindings:
        raise UsageError(f"--tam {tam} does not go with --binding {binding}: {NO_TLS}")
    try:
        require_swtpm()
    except SwtpmMissing as error:
        raise UsageError(f"--tam {tam}: {error}") from error


def check_names(text: str) -> frozenset[str]:
    """Names of checks, separated by commas."""
    names = frozenset(name.strip() for name in text.split(","))
    for name in sorted(names):
        if name not in CHECKS:
            raise argparse.ArgumentTypeError(did_you_mean("check", name, CHECKS))
    return names


def switches(text: str) -> frozenset[str]:
    """Names of checks that the reference peers can be without."""
    from ..harness.peer.tls_errors import DECIDED

    names = check_names(text)
    for name in sorted(names & DECIDED):
        raise argparse.ArgumentTypeError(
            f"{name}: OpenSSL makes this check of the reference peers, whatever it is told"
        )
    return names


def fault_name(text: str) -> str:
    """The name of a fault of the reference peers."""
    from ..harness.faults.register import FAULTS

    if text not in FAULTS:
        raise argparse.ArgumentTypeError(did_you_mean("fault", text, FAULTS))
    return text


def fault_names(text: str) -> frozenset[str]:
    """Names of faults, separated by commas."""
    return frozenset(fault_name(name.strip()) for name in text.split(","))


def number(text: str) -> int:
    """A number that is not below zero."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text}: expected a number of at most nine digits")
    return int(text)


def readable_file(text: str) -> Path:
    """A file that exists."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: expected a file, found {'a folder' if path.is_dir() else 'nothing'}")
    return path


def add_switches(parser: argparse.ArgumentParser) -> None:
    """`--without` and `--fault`, which reach the reference peers alone."""
    for option, kind, metavar, text in (
        ("--without", switches, "CHECK[,CHECK]", "switch checks off (reference)"),
        ("--fault", fault_names, "NAME[,NAME]", "give the reference peers faults"),
    ):
        parser.add_argument(option, type=kind, default=frozenset(), metavar=metavar, help=text)


def add_key_log(parser: argparse.ArgumentParser) -> None:
    """`--keylog`."""
    text = "append the secrets of all sessions to a file, for Wireshark (only where keys are those of tests)"
    parser.add_argument("--keylog", type=Path, metavar="FILE", help=text)


def key_log(arguments: argparse.Namespace) -> Path | None:
    """The file that `--keylog` names and that can be written. Raises UsageError."""
    from ..harness.peer.keylog import KeyLog

    path: Path | None = arguments.keylog
    if path is not None:
        try:
            KeyLog(path).close()
        except OSError as error:
            raise UsageError(f"--keylog {path}: expected a file that can be written: {error.strerror}") from error
    return path
