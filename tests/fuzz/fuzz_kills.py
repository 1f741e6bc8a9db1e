"""Which faults the fuzzer finds, how soon: `python fuzz_kills.py [NAME ...] [--seed N] [--cases N] [--out FILE]`.

Each fault's peer is fuzzed from the same seed until the first finding. An interrupted search goes on where it stopped.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from faulty_peer import ROLES
from rich.progress import Progress
from spec_faults import FAULTS, faulty_iut

from trustconn.conformance.fuzz.evaluate import Search, evaluate, summary, told

SEED, CASES = 1, 1500


def main(arguments: list[str]) -> int:
    """Print a line for each peer as it is done with, and the figures; 130 if interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*FAULTS, []], metavar="NAME", help="a fault; default: all")
    parser.add_argument("--role", choices=ROLES, help="default: both")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"default: {SEED}")
    parser.add_argument("--cases", type=int, default=CASES, metavar="N", help=f"at most so many; default: {CASES}")
    parser.add_argument("--out", type=Path, default=Path("fuzz-kills.jsonl"), metavar="FILE", help="what is known")
    parser.add_argument("--processes", type=int, default=0, metavar="N", help="default: one for each processor")
    chosen = parser.parse_args(arguments)
    roles = (chosen.role,) if chosen.role else ROLES
    peers = [(name, role) for role in roles for name in chosen.name or FAULTS if role in FAULTS[name].requirements]
    print(f"seed {chosen.seed}, {len(peers)} peers, at most {chosen.cases} cases each", flush=True)
    searches: list[Search] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
            task = bar.add_task("", total=len(peers))
            for one in evaluate(peers, faulty_iut, chosen.seed, chosen.cases, chosen.out, chosen.processes):
                searches.append(one)
                print(told(one), flush=True)
                bar.advance(task)
    except KeyboardInterrupt:
        return 130
    finally:
        print(summary(searches))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
