"""Labels of data in files: who made it, from what, when, on which platform (chapters 11 and 12).

A label goes into FILE.label beside FILE, with all that a later verifier needs. Files of any size are read as streams,
in blocks of which each can be verified alone. A platform is a folder `iut` or `peer` that `provision` wrote.

    trustconn provision both --out credentials
    trustconn label sign photo.raw --platform credentials/device/iut --agent "camera 1.0"
    trustconn label sign crop.png --platform credentials/device/iut --agent "editor 2" --input photo.raw.label
    trustconn label verify crop.png --trust credentials/service/iut
    trustconn label verify photo.raw --trust credentials/service/iut --block 7
    trustconn label show crop.png.label --format svg --out chain.svg

A time stamp shows later that a label existed before its signer was revoked. Any RFC 3161 authority can give one:

    trustconn label stamp photo.raw.label --request query.tsq
    trustconn label stamp photo.raw.label --response reply.tsr

Exit codes: 0 done, or verified; 1 refused; 2 bad usage or a bad file; 130 interrupted, with nothing half written.
"""

import argparse
import mimetypes
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ..harness.crypto.random import system_random
from ..harness.identity.provision import load_world
from ..harness.identity.settings import SettingError
from ..harness.labels import blocks, stream, tree
from ..harness.labels.chain import PROFILE, Chain, Limits
from ..harness.labels.drawing import DRAW, Box, counted, text
from ..harness.labels.errors import LabelError
from ..harness.labels.label import Label
from ..harness.labels.signing import Deed, sign_data
from ..harness.labels.stored import MAX_FILE, Stored, read
from ..harness.labels.trust import shown
from ..harness.labels.verify import KINDS, verify
from . import exit_code
from .errors import UsageError
from .files import read_file, write_file
from .label_trust import add_trust, read_trust
from .options import number, readable_file
from .reading import reading

SUFFIX = ".label"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
UNKNOWN_TYPE = "application/octet-stream"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="sign|verify|show|stamp")
    _sign_arguments(verbs.add_parser("sign", help="label a file"))
    _verify_arguments(verbs.add_parser("verify", help="verify a file, its label and the chain behind it"))
    show = verbs.add_parser("show", help="draw the chain of a label; verifies nothing")
    show.add_argument("stored", type=readable_file, metavar="LABEL")
    show.add_argument("--format", choices=sorted(DRAW), default="text", help="default: text")
    show.add_argument("--out", type=Path, metavar="FILE", help="file to write in place of standard output")
    stamp = verbs.add_parser("stamp", help="ask for a time stamp over a label, or add one")
    stamp.add_argument("stored", type=readable_file, metavar="LABEL")
    one = stamp.add_mutually_exclusive_group(required=True)
    one.add_argument("--request", type=Path, metavar="FILE", help="write a TimeStampReq for an RFC 3161 authority")
    one.add_argument("--response", type=readable_file, metavar="FILE", help="keep its TimeStampResp with the label")


def _sign_arguments(sign: argparse.ArgumentParser) -> None:
    sign.add_argument("file", type=readable_file, metavar="FILE")
    sign.add_argument("--platform", type=Path, required=True, metavar="DIR", help="the party that signs")
    sign.add_argument("--agent", required=True, metavar="TEXT", help="who or what made the data")
    sign.add_argument("--kind", choices=KINDS, default="device", help="of agent; default: device")
    text = "what was done; default: tc.created, or tc.processed where there are inputs"
    sign.add_argument("--action", metavar="NAME", help=text)
    text = "label of what it was made from, verified first; may be repeated"
    sign.add_argument("--input", type=readable_file, action="append", default=[], metavar="LABEL", help=text)
    add_trust(sign, required=False)
    sign.add_argument("--relation", default="parentOf", metavar="TEXT", help="of the inputs; default: parentOf")
    text = "of the action, or of the sensor; may be repeated"
    sign.add_argument("--parameter", type=_parameter, action="append", default=[], metavar="NAME=VALUE", help=text)
    sign.add_argument("--content-type", metavar="TYPE", help="media type; default: by the name of the file")
    text = "octets of a block, with K, M or G; default: 1M, and more where there would be more than 65536 blocks"
    sign.add_argument("--block-size", type=_size, metavar="N", help=text)
    sign.add_argument("--list", action="store_true", help="sign the digest of every block in place of the tree's root")
    sign.add_argument("--out", type=Path, metavar="FILE", help="default: FILE.label")


def _verify_arguments(verify_: argparse.ArgumentParser) -> None:
    verify_.add_argument("file", type=readable_file, metavar="FILE")
    verify_.add_argument("--label", type=readable_file, metavar="LABEL", help="default: FILE.label")
    add_trust(verify_)
    verify_.add_argument("--block", type=number, metavar="N", help="verify this block alone, counted from 0")
    verify_.add_argument("--depth", type=number, default=PROFILE.depth, metavar="N", help="default: %(default)s labels")
    verify_.add_argument(
        "--fan-in", type=number, default=PROFILE.inputs, metavar="N", help="default: %(default)s inputs"
    )
    verify_.add_argument(
        "--labels", type=number, default=PROFILE.labels, metavar="N", help="default: %(default)s in all"
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return name, value


def _size(text: str) -> int:
    digits, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if not digits.isdecimal() or unit not in UNITS or not 1 <= int(digits) * UNITS[unit] <= blocks.MAX_SIZE:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 to {blocks.MAX_SIZE} octets, as 65536, 64K or 1M")
    return int(digits) * UNITS[unit]


def main(arguments: argparse.Namespace) -> int:
    """Does what the verb says."""
    verbs = {"sign": _sign, "verify": _verify, "show": _show, "stamp": _stamp}
    return verbs[arguments.verb](arguments)


# --- sign ------------------------------------------------------------------------------------------------------------


def _sign(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out or _beside(arguments.file)
    if out.exists():
        raise UsageError(f"{out} exists; name another file with --out")
    try:
        world = load_world(arguments.platform, lambda: int(time.time()))
    except SettingError as error:
        raise UsageError(str(error)) from error
    inputs = [_stored(file) for file in arguments.input]
    for file, stored in zip(arguments.input, inputs, strict=True):
        try:
            verify(stored, read_trust(arguments, stored, world))
        except LabelError as error:
            print(f"{file}: refused: {error}", file=sys.stderr)
            return exit_code.FAILED
    parameters = dict(arguments.parameter)
    deed = Deed(arguments.agent, arguments.kind, arguments.action or "", parameters, inputs, arguments.relation)
    block_size = _block_size(arguments.file, arguments.block_size)
    with reading(arguments.file) as (source, advance):
        measured = stream.measure(source, block_size, advance)
    kind = arguments.content_type or mimetypes.guess_type(arguments.file.name)[0] or UNKNOWN_TYPE
    # Microseconds rise from label to label without anything that has to be remembered (LBL-26).
    sequence = time.time_ns() // 1000
    try:
        stored = sign_data(
            world, deed, measured, kind,
            block_size=block_size, sequence=sequence, rng=system_random, listed=arguments.list,
        )  # fmt: skip
    except LabelError as error:
        raise UsageError(f"{arguments.file}: a verifier would refuse this: {error}") from error
    write_file(out, stored.encode())
    octets = f"{measured.total} octets in {counted(len(measured.leaves), 'block')}"
    print(f"{out}: {deed.action} by {world.credentials.leaf.identity}, {octets}")
    return exit_code.PASSED


def _block_size(file: Path, wanted: int | None) -> int:
    """As wanted, or as fits. Raises UsageError for more blocks than can be kept."""
    total = file.stat().st_size
    if wanted is None:
        return blocks.fitting_size(total)
    if total > wanted * blocks.MOST:
        raise UsageError(f"--block-size {wanted}: {file} would have more than {blocks.MOST} blocks")
    return wanted


# --- verify ----------------------------------------------------------------------------------------------------------


def _verify(arguments: argparse.Namespace) -> int:
    stored = _stored(arguments.label or _beside(arguments.file))
    trust = read_trust(arguments, stored)
    limits = Limits(arguments.depth, arguments.fan_in, arguments.labels)
    try:
        judged = verify(stored, trust, limits=limits)
        held = _check_data(arguments, stored, judged[-1].label)
    except LabelError as error:
        print(f"{arguments.file}: refused: {error}", file=sys.stderr)
        return exit_code.FAILED
    print(f"{arguments.file}: verified, {held}, {counted(len(judged), 'label')}")
    print(text([Box(item.label, item) for item in judged]), end="")
    return exit_code.PASSED


def _check_data(arguments: argparse.Namespace, stored: Stored, label: Label) -> str:
    """Hold the file against its label; what was held, in words. Raises LabelError."""
    if arguments.block is not None:
        return _check_block(arguments.file, arguments.block, stored, label)
    with reading(arguments.file) as (source, advance):
        if label.blocks is None:
            if stream.digest_of(source, advance) != label.payload:
                raise LabelError("LBL-10", "digest", "the content has another than the label's payload")
            return "whole"
        listed = label.blocks.digests
        leaves = list(listed) if isinstance(listed, tuple) else list(stored.leaves)
        stream.check_file(source, label.blocks, label.payload, leaves, advance)
    return f"all of {counted(label.blocks.count, 'block')}"


def _check_block(file: Path, index: int, stored: Stored, label: Label) -> str:
    """One block alone, by its own path: nothing else of the file is read."""
    if label.blocks is None:
        raise UsageError(f"--block {index}: the label signs no blocks")
    blocks_ = label.blocks
    try:
        block = stream.read_block(file, blocks_, index)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    path = None if isinstance(blocks_.digests, tuple) or not stored.leaves else _path(stored.leaves, index)
    blocks_.check_block(index, block, path)
    return f"block {index} of {blocks_.count} alone"


def _path(leaves: tuple[bytes, ...], index: int) -> list[bytes] | None:
    return tree.path(leaves, index) if index < len(leaves) else None


# --- show, stamp -----------------------------------------------------------------------------------------------------


def _show(arguments: argparse.Namespace) -> int:
    stored = _stored(arguments.stored)
    chain = _chain(stored, arguments.stored)
    drawn = DRAW[arguments.format]([Box(label) for label in chain.ordered(None, incomplete=True)])
    if arguments.out is None:
        print(drawn, end="")
        return exit_code.PASSED
    write_file(arguments.out, drawn.encode())
    print(f"{arguments.out}: drawn, and nothing verified")
    return exit_code.PASSED


def _stamp(arguments: argparse.Namespace) -> int:
    from ..harness.labels import stamp

    stored = _stored(arguments.stored)
    if arguments.request is not None:
        write_file(arguments.request, stamp.request(stored.label))
        print(f"{arguments.request}: for a time stamping authority")
        return exit_code.PASSED
    response = read_file(arguments.response, stamp.MAX_RESPONSE, bytes)
    digest = sha256(stored.label).digest()
    try:
        moment = stamp.claimed_time(response, stored.label, digest)
    except LabelError as error:
        raise UsageError(f"{arguments.response}: {error}") from error
    write_file(arguments.stored, replace(stored, stamps=(*stored.stamps, (digest, response))).encode())
    print(f"{arguments.stored}: kept a time stamp of {shown(moment)}, which `verify` judges")
    return exit_code.PASSED


# --- files -----------------------------------------------------------------------------------------------------------


def _beside(file: Path) -> Path:
    return file.with_name(file.name + SUFFIX)


def _stored(file: Path) -> Stored:
    return read_file(file, MAX_FILE, read)


def _chain(stored: Stored, file: Path) -> Chain:
    try:
        return Chain.of(stored.label, stored.labels)
    except LabelError as error:
        raise UsageError(f"{file}: {error}") from error
