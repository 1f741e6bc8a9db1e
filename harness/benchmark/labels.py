"""Signed data: rates against plain SHA-256 of the same file, memory, and what a chain costs by its length.

    python -m trustconn.harness.benchmark.labels [--mebibytes N] [--block-size N] [--rounds N] [--links N ...]

Rates are of the whole work by the clock, the file in the page cache: read, hash, tree, label and chain; each round
hashes, signs and verifies in turn. A chain is timed by the processor, so that other processes do not count.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest, sha256, shake_128
from pathlib import Path
from statistics import median

from ..crypto.random import SeededRandom
from ..identity.provision import make_pair
from ..identity.world import World
from ..labels import stream
from ..labels.blocks import DEFAULT_SIZE
from ..labels.chain import Limits
from ..labels.label import Action, Statement, input_of, make, parse
from ..labels.signing import Deed, sign_data, signer_of
from ..labels.stored import Stored, read
from ..labels.trust import Trust
from ..labels.verify import verify

NOW = 1_800_000_000
SEED = sha256(b"benchmark of labels").digest()
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Bench:
    """A camera and who trusts it, with a file."""

    camera: World
    verifier: World
    file: Path
    block_size: int

    def hash(self) -> bytes:
        """Plain SHA-256."""
        with self.file.open("rb") as source:
            return file_digest(source, "sha256").digest()

    def sign(self) -> Stored:
        """Label the file."""
        with self.file.open("rb") as source:
            measured = stream.measure(source, self.block_size)
        return sign_data(
            self.camera, Deed("camera", "device"), measured, "video/raw",
            block_size=self.block_size, sequence=1, rng=SeededRandom(SEED),
        )  # fmt: skip

    def verify(self, stored: Stored) -> None:
        """Verify the file, its label and who signed it."""
        label = verify(stored, Trust.of(self.verifier))[-1].label
        assert label.blocks is not None
        with self.file.open("rb") as source:
            stream.check_file(source, label.blocks, label.payload, list(stored.leaves))


def clocked(run: Callable[[], object]) -> float:
    """Seconds by the clock."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


PLAIN = "SHA-256"


def rates(bench: Bench, mebibytes: int, rounds: int) -> dict[str, list[float]]:
    """MiB/s of plain SHA-256, signing and verifying, in turn in each round, after one that does not count."""
    found: dict[str, list[float]] = {PLAIN: [], "sign": [], "verify": []}
    for turn in range(rounds + 1):
        stored = bench.sign()
        for name, run in ((PLAIN, bench.hash), ("sign", bench.sign), ("verify", partial(bench.verify, stored))):
            seconds = clocked(run)
            if turn:
                found[name].append(mebibytes / seconds)
    return found


@contextmanager
def bench(mebibytes: int, block_size: int = DEFAULT_SIZE) -> Iterator[Bench]:
    """With a file of so many MiB."""
    camera, verifier, _ = make_pair(SEED, NOW)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "video.raw"
        with file.open("wb") as out:
            for number in range(mebibytes):
                out.write(shake_128(number.to_bytes(4, "big")).digest(MIB))
        yield Bench(camera, verifier, file, block_size)


def line(camera: World, links: int) -> Stored:
    """A chain of so many labels, each made from the one before."""
    labels = [b""] * links
    previous = None
    for number in range(links):
        action = Action("tc.processed" if number else "tc.created", "editor", sha256(b"parameters").digest())
        inputs = (input_of(previous, "parentOf"),) if previous else ()
        digest = sha256(number.to_bytes(8, "big")).digest()
        statement = Statement(digest, "image/png", number, NOW, digest[:16], action=action, inputs=inputs)
        labels[number] = make(statement, signer_of(camera))
        previous = parse(labels[number])
    return Stored(labels[-1], tuple(labels[:-1]))


def chain(links: int) -> tuple[float, int]:
    """Seconds of the processor from the octets of a chain to the verdict, and its octets."""
    camera, verifier, _ = make_pair(SEED, NOW)
    octets, limits = line(camera, links).encode(), Limits(links, 64, links)
    started = time.process_time()
    if len(verify(read(octets), Trust.of(verifier), limits=limits)) != links:
        raise RuntimeError("a chain was not verified whole")
    return time.process_time() - started, len(octets)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024, metavar="N", help="of the file; default: 1024")
    parser.add_argument("--block-size", type=int, default=DEFAULT_SIZE, metavar="N", help="octets; default: 1 MiB")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--links", type=int, nargs="*", default=[100, 1000, 10_000], metavar="N", help="of chains")
    options = parser.parse_args(argv)
    with bench(options.mebibytes, options.block_size) as made:
        found = rates(made, options.mebibytes, options.rounds)
    for name, values in found.items():
        parts = sorted(a / b for a, b in zip(values, found[PLAIN], strict=True))
        told = f"{parts[0]:.2f} to {parts[-1]:.2f} of plain SHA-256, median {median(parts):.2f}"
        print(f"{name:8} {median(values):7.0f} MiB/s   {told}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory of the whole process so far: {peak:.0f} MiB at most", flush=True)
    for links in options.links:
        taken, octets = chain(links)
        told = f"{taken / links * 1e6:.0f} µs a link"
        print(f"chain of {links:6} links {taken:8.3f} s   {told}, {octets / 1e6:.1f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
