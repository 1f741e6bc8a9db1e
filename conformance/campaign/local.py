"""Items in processes of this machine."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

from .campaign import Done
from .plan import Item
from .play import PREFIX, end, play


class LocalRunner:
    """Plays up to `workers` items side by side, each for at most `limit` seconds, with their results under `folder`."""

    def __init__(self, workers: int, limit: float, folder: Path) -> None:
        for left in folder.glob(f"{PREFIX}*"):  # By a client that was killed; its items are played again.
            shutil.rmtree(left, ignore_errors=True)
        self.capacity = workers
        self._limit, self._folder = limit, folder
        self._running: set[subprocess.Popen[bytes]] = set()
        self._threads: set[threading.Thread] = set()
        self._stopped = False

    def start(self, item: Item, done: Done) -> None:
        """Play an item; `done` is called from a thread."""
        thread = threading.Thread(target=self._play, args=(item, done), name=item.id)
        self._threads.add(thread)
        thread.start()

    def _play(self, item: Item, done: Done) -> None:
        try:
            outcome = play(item, self._limit, self._folder, self._began)
        except OSError as error:
            done(item, None, str(error))
        else:
            done(item, outcome, "")
        self._threads.discard(threading.current_thread())

    def _began(self, process: subprocess.Popen[bytes]) -> None:
        self._running = {one for one in self._running if one.returncode is None} | {process}
        if self._stopped:
            end(process)

    def stop(self) -> None:
        """End what still runs."""
        self._stopped = True
        for process in list(self._running):
            end(process)
        for thread in list(self._threads):
            thread.join()
