"""The transcript of a conversation: who sent which bytes, and when."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, get_args

from ..transport.pcap import CaptureWriter, Sender, write_pcap
from .speech import Speech


class TranscriptError(ValueError):
    """A file that is no transcript. The message names the line."""


class Chunk(NamedTuple):
    """Bytes as they passed: seconds on the tester's clock, the sender's role, and the octets."""

    time: float
    sender: Sender
    data: bytes


@dataclass(slots=True)
class Transcript:
    """The chunks of one conversation, oldest first."""

    chunks: list[Chunk] = field(default_factory=list)

    def add(self, time: float, sender: Sender, data: bytes) -> None:
        """Appends what `sender` sent; nothing for no data."""
        if data:
            self.chunks.append(Chunk(time, sender, data))

    def turns(self) -> Iterator[tuple[Sender, bytes]]:
        """The conversation as the senders meant it: adjacent chunks of one sender joined."""
        for sender, chunks in groupby(self.chunks, key=lambda chunk: chunk.sender):
            yield sender, b"".join(chunk.data for chunk in chunks)

    def digest(self) -> str:
        """SHA-256 (hex) over the turns, each `sender-length:u8 sender length:u32be octets`.

        Neither times nor TCP's segments count: the same conversation has the same digest.
        """
        state = sha256()
        for sender, data in self.turns():
            name = sender.encode()
            state.update(bytes([len(name)]) + name + len(data).to_bytes(4) + data)
        return state.hexdigest()

    def save(self, path: Path) -> None:
        """Writes one JSON object a chunk, a line each: `time`, `sender`, `data` (hex)."""
        path.write_text("".join(self._lines()), encoding="utf-8")

    def _lines(self, **more: str) -> Iterator[str]:
        start = json.dumps(more)[:-1] + (", " if more else "")
        for time, sender, data in self.chunks:  # None of the three needs JSON's escapes.
            yield f'{start}"time": {time!r}, "sender": "{sender}", "data": "{data.hex()}"}}\n'

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote. Raises `TranscriptError`."""
        transcript = cls()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(line)
                if entry["sender"] not in get_args(Sender):
                    raise ValueError(f"sender {entry['sender']!r}")
                transcript.add(float(entry["time"]), entry["sender"], bytes.fromhex(entry["data"]))
            except (ValueError, KeyError, TypeError) as error:
                raise TranscriptError(f"{path.name}, line {number}: {error!r}") from error
        return transcript

    def save_pcap(self, path: Path) -> None:
        """Writes the conversation as a packet capture that Wireshark opens."""
        write_pcap(path, self.chunks)


class Archive:
    """What a run keeps of its conversations: `transcripts-NAME.jsonl` and `conversations-NAME.pcapng` in a folder.

    `messages-NAME.jsonl` is there when a test did not pass: what its conversations said.

    Each line of the one, and the first packet of each conversation in the other, says which test it belongs to. Use as
    a context manager; an interruption loses nothing that was saved. Raises OSError.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._told = folder / f"messages-{name}.jsonl"
        self._lines = (folder / f"transcripts-{name}.jsonl").open("w", encoding="utf-8")
        self._packets = (folder / f"conversations-{name}.pcapng").open("wb")
        self._capture = CaptureWriter(self._packets)

    def save(self, test: str, conversations: Sequence[tuple[str, Transcript]]) -> None:
        """All conversations of a test, each with its name."""
        for what, transcript in conversations:
            self._lines.writelines(transcript._lines(test=test, conversation=what))
            self._capture.add(f"{test}, {what}", transcript.chunks)
        self._lines.flush()

    def tell(self, test: str, speeches: Iterable[tuple[str, Speech]]) -> None:
        """What was said in conversations of a test, each with its name."""
        with self._told.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(speech.to_json(test, what)) + "\n" for what, speech in speeches)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._packets.close()

    @staticmethod
    def clear(folder: Path) -> None:
        """Remove what an earlier run kept: its conversations would be taken for another one's."""
        for pattern in ("transcripts-*.jsonl", "messages-*.jsonl", "conversations-*.pcapng"):
            for file in folder.glob(pattern):
                file.unlink()
