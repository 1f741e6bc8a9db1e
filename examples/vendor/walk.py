"""Walks through README.md as a new user would, in an empty folder, and prints how long each command takes.

python walk.py                      installs `trustconn[pytest]` from the package index
python walk.py --from DIR           installs it from a checkout or wheel
python walk.py --installed          takes the trustconn that is on the PATH
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
COMMAND = re.compile(r"^```sh\n(.+?)^```$", re.MULTILINE | re.DOTALL)
PACKAGE = "trustconn[pytest]"


class Step(NamedTuple):
    """A command of the walk-through, and what came of it; `seconds` of real time."""

    command: str
    code: int
    seconds: float
    output: str


def commands() -> list[str]:
    """The commands of the walk-through, in their order."""
    return [found.strip() for found in COMMAND.findall((HERE / "README.md").read_text(encoding="utf-8"))]


def walk(folder: Path, install: str | None = PACKAGE) -> Iterator[Step]:
    """Play the commands in a folder with the vendor's files in it; without `install`, none installs anything."""
    for name in ("server.py", "expected.toml"):
        shutil.copy(HERE / name, folder)
    entered = ""
    for command in commands():
        if PACKAGE in command:
            if install is None:
                continue
            command, entered = command.replace(PACKAGE, install), ". .venv/bin/activate && "
            yield _step(command, command, folder)
        else:
            yield _step(command, entered + command, folder)


def _step(command: str, played: str, folder: Path) -> Step:
    begun = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", played], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return Step(command, done.returncode, time.monotonic() - begun, done.stdout)


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR", help="a checkout or a wheel to install from")
    parser.add_argument("--installed", action="store_true", help="install nothing")
    arguments = parser.parse_args()
    source = f"{arguments.source.resolve()}[pytest]" if arguments.source else PACKAGE
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for step in walk(Path(folder), None if arguments.installed else source):
            total += step.seconds
            last = (step.output.strip().splitlines() or [""])[-1]
            print(
                f"{step.seconds:6.1f} s  {total:6.1f} s  {' '.join(step.command.split())}\n{'':19} {last}", flush=True
            )
            if "Traceback" in step.output:
                sys.exit(step.output)


if __name__ == "__main__":
    main()
