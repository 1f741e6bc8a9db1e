"""Items on the workers of a Dask cluster that is there already: on this machine, or under Kubernetes, Slurm or SSH.

A worker needs this package in the same version, and the descriptions at the same paths. What a worker that goes away
had not ended is played by another one: the scheduler sees to that.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .campaign import Done
from .plan import Item
from .play import Outcome, play

CONNECTED_WITHIN = 10.0
"""Seconds."""

AHEAD = 4
"""Items that wait for each thread of a worker, so that none is ever idle."""


class ClusterError(Exception):
    """The cluster cannot be used; one line."""


def _reach(address: str) -> None:
    """Raises ClusterError where nothing listens: Dask itself would try for long, and complain at length."""
    found = urlsplit(address)
    if found.scheme not in ("tcp", "tls") or not found.hostname or not found.port:
        raise ClusterError(f"--scheduler {address}: expected tcp://HOST:PORT or tls://HOST:PORT")
    try:
        socket.create_connection((found.hostname, found.port), CONNECTED_WITHIN).close()
    except OSError as error:
        raise ClusterError(f"--scheduler {address}: {error.strerror or error}") from error


def _play_there(item: Item, limit: float) -> Outcome:
    """Play an item on a worker, in the folder that the worker tidies up."""
    from distributed import get_worker

    return play(item, limit, Path(get_worker().local_directory))


class ClusterRunner:
    """Plays items on the cluster of a scheduler, each for at most `limit` seconds.

    Raises:
        ClusterError: Dask is not installed, or no scheduler with a worker answers there.
    """

    def __init__(self, address: str, limit: float) -> None:
        self._limit = limit
        self._futures: dict[str, Any] = {}
        try:
            from distributed import Client
        except ImportError as error:
            raise ClusterError("a cluster needs Dask: pip install 'trustconn[cluster]'") from error
        _reach(address)
        try:
            self._client = Client(address, timeout=CONNECTED_WITHIN, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(f"--scheduler {address}: {' '.join(str(error).split())}") from error
        threads = sum(self._client.nthreads().values())
        if not threads:
            self._client.close()
            raise ClusterError(f"--scheduler {address}: it has no worker")
        self.capacity = AHEAD * threads

    def start(self, item: Item, done: Done) -> None:
        """Play an item; `done` is called from a thread."""
        future = self._client.submit(_play_there, item, self._limit, key=f"trustconn-{item.id}", pure=False)
        self._futures[item.id] = future
        future.add_done_callback(lambda ended: self._ended(item, ended, done))

    def _ended(self, item: Item, future: Any, done: Done) -> None:
        self._futures.pop(item.id, None)
        if future.status == "finished":
            done(item, future.result(), "")
        elif future.status == "error":
            error = future.exception()
            done(item, None, f"{type(error).__name__}: {error}")
        else:
            done(item, None, "")

    def stop(self) -> None:
        """Take back what was not played yet, and leave the cluster."""
        futures = list(self._futures.values())
        if futures:
            self._client.cancel(futures, force=True)
        self._client.close()
