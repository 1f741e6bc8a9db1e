"""`python -m trustconn.harness.verdict DIR`: rebuilds the results of a run that was killed from its event log."""

import sys
from pathlib import Path

from .results import rebuild
from .summary import print_summary

if __name__ == "__main__":
    print_summary(rebuild(Path(sys.argv[1])), sys.stdout)
