"""`peer`: two processes, started with nothing prepared, make a trusted connection."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Peer = subprocess.Popen[str]
COMMAND = "import sys; from trustconn.cli.main import main; sys.exit(main())"


@contextmanager
def peer(*words: str) -> Iterator[Peer]:
    command = [sys.executable, "-c", COMMAND, "peer", *words, "--events"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert process.stdout is not None
            process.stdout.read()  # What it still says must find somebody who listens.


def said(process: Peer) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    return map(json.loads, process.stdout)


def test_two_peers_reach_open_and_end_when_told() -> None:
    with peer("service") as service:
        address = next(said(service))
        with peer("device", "--connect", f"{address['host']}:{address['port']}") as device:
            opened = [next(event for event in said(end) if event.get("event") == "open") for end in (device, service)]
    assert opened[0]["sid"] == opened[1]["sid"]
    assert (device.returncode, service.returncode) == (0, 0)


def test_a_device_that_reaches_nobody_says_so(port: int) -> None:
    with peer("device", "--connect", f"127.0.0.1:{port}") as device:
        assert list(said(device)) == []
    assert device.returncode == 3
