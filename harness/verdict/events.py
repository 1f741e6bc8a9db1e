"""The event log: one JSON object a line, appended as things happen; an interruption loses at most the last line."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from .records import Header, Json, RequirementRecord, TestCase, TestResult
from .schema import SchemaError, validate_event

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class EventLogError(ValueError):
    """A log that no run wrote: a line other than the last is damaged or breaks the schema."""


class EventLog:
    """Writes a new log at `path`; a log that stands there is replaced.

    Each event is handed to the operating system at once, so that it outlives a killed process. Whoever reads the log
    validates it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")

    def run_started(
        self, header: Header, requirements: Sequence[RequirementRecord], plan: Sequence[TestCase], time: float
    ) -> None:
        """The first event: circumstances, the requirements to report on, and the selected tests.

        Raises `ValueError` for a repeated test id or requirement id, and for a test that cites a requirement that is
        not reported on: its verdict would vanish.
        """
        _check_plan([requirement.id for requirement in requirements], plan)
        event = {
            "event": "run started",
            "time": time,
            "header": header.to_json(),
            "requirements": [requirement.to_json() for requirement in requirements],
            "plan": [case.to_json() for case in plan],
        }
        self._write(event)

    def test_started(self, test_id: str, time: float) -> None:
        """A test begins."""
        self._write({"event": "test started", "time": time, "id": test_id})

    def test_finished(self, result: TestResult, time: float) -> None:
        """A test ended, with its result."""
        self._write({"event": "test finished", "time": time, "test": result.to_json()})

    def run_finished(self, interrupted: bool, time: float) -> None:
        """The last event."""
        self._write({"event": "run finished", "time": time, "interrupted": interrupted})

    def close(self) -> None:
        """Closes the file; closing twice is harmless."""
        self._file.close()

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, event: Json) -> None:
        self._file.write(_ENCODER.encode(event).encode() + b"\n")
        self._file.flush()


def _check_plan(known: Sequence[str], plan: Sequence[TestCase]) -> None:
    ids = [case.id for case in plan]
    for kind, names in (("requirement", known), ("test", ids)):
        name, count = next(iter(Counter(names).most_common(1)), ("", 0))
        if count > 1:
            raise ValueError(f"{kind} {name} stands twice in the plan")
    cited = {requirement for case in plan for requirement in case.requirements}
    if unknown := sorted(cited - set(known)):
        raise ValueError(f"tests cite {unknown[0]}, which is no requirement")


def read_events(path: Path) -> Iterator[Json]:
    """The events of a log. A last line without its end is dropped; any other damage raises `EventLogError`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield _parsed(line, number)


def _parsed(line: bytes, number: int) -> Json:
    try:
        event: Json = json.loads(line)
        validate_event(event)
    except (UnicodeDecodeError, json.JSONDecodeError, SchemaError) as error:
        raise EventLogError(f"line {number}: {error}") from error
    return event
