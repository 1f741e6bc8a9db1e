"""Becomes `trustconn`, and ends with the process that started it, where the system can see to that (Linux).

Called by `play` by path: PID of the parent, then the arguments.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, arguments: list[str]) -> None:
    """Ask for the signal, see that the parent has not ended before, and go on as the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(128 + signal.SIGTERM)
    os.execv(sys.executable, [sys.executable, "-m", "trustconn", *arguments])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
