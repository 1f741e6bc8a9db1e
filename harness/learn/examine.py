"""One implementation examined: learned, compared, each difference played again, and everything written to a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...model.checks import CHECKS
from ..tester.local import LocalIut
from ..tester.session import Iut, Role
from ..verdict.transcript import Transcript
from .bindings import BINDINGS
from .compare import HIGH, SEVERITIES, Difference, Finding, differences, differing_transitions, findings
from .draw import dot, side_by_side
from .learner import Effort, learn
from .letters import LETTERS, alphabet
from .mealy import Mealy, Word
from .play import SILENT, verbs
from .system import NonDeterministic, System
from .table_machine import LocalSystem, kept_machine

EQUAL, DIFFERS, NONDETERMINISTIC, PARTIAL = "equal", "differs", "non-deterministic", "interrupted"
UNEXPECTED = "frame_is_expected"
Progress = Callable[[System], None]


@dataclass
class Report:
    """What was found about one implementation. `requirements` belong to `differences`, one each."""

    role: Role
    name: str
    verdict: str
    table: Mealy
    learned: Mealy | None = None
    effort: Effort | None = None
    differences: list[Difference] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    conflict: NonDeterministic | None = None
    transcripts: list[list[Transcript]] = field(default_factory=list)
    """The conversations of each difference."""
    resets: int = 0

    @property
    def severity(self) -> str | None:
        """The worst of everything."""
        severities = [d.severity for d in self.differences] + [f.severity for f in self.findings]
        severities += [HIGH] if self.conflict else []
        return min(severities, key=SEVERITIES.index, default=None)


def prepared(iut: Iut, *, full: bool, renew: Callable[[], Iut] | None = None, progress: Progress) -> System:
    """What is to be learned: the letters that its control plane allows, and the table's machine over these."""
    letters = alphabet(iut.role, iut.binding, full=full, verbs=verbs(iut))
    table = kept_machine(iut.role, iut.binding).restricted([letter.name for letter in letters])
    return System(iut, letters, table, renew=renew, progress=progress)


def examine(system: System, *, name: str, seed: int = 0) -> Report:
    """Learn and compare. Non-determinism and an interruption are results too."""
    report = Report(system.role, name, EQUAL, system.table)
    try:
        learned = learn(system, seed=seed)
        report.learned, report.effort = learned.machine, learned.effort
        report.differences = differences(learned.machine, system.table)
        report.findings = findings(learned.machine, system.role, system.binding)
        for difference in report.differences:
            system.query(difference.word)
    except NonDeterministic as conflict:
        report.verdict, report.conflict = NONDETERMINISTIC, conflict
        report.transcripts = list(conflict.transcripts)
    except KeyboardInterrupt:
        report.verdict = PARTIAL
    if report.learned is None:
        report.differences = so_far(system)
    elif (report.differences or report.findings) and report.verdict == EQUAL:
        report.verdict = DIFFERS
    report.resets = system.resets
    report.requirements = _requirements(system, report.differences)
    if report.conflict is None:
        report.transcripts = [_transcripts(system, d.word) for d in report.differences]
    return report


def so_far(system: System) -> list[Difference]:
    """Words that were answered otherwise than the table would, without a machine to judge them by."""
    found: list[Difference] = []
    shown: set[Word] = set()
    for word, outputs in system.words():
        if any(word[:n] in shown for n in range(1, len(word))):
            continue
        expected = system.table.run(word)[-1]
        if outputs[-1] != expected:
            shown.add(word)
            state = system.table.after(word[:-1])
            found.append(Difference(word, state, outputs[-1], expected, HIGH, "differs, and was not examined further"))
    return found


def _requirements(system: System, found: Sequence[Difference]) -> list[str]:
    """Of each: the requirement of the check with which the table refuses, else that of what a state takes."""
    if not found:
        return []
    reference = LocalSystem(LocalIut(system.role, binding=system.binding), list(system.letters.values()))
    return [CHECKS[_check(reference, d)].requirement for d in found]


def _check(reference: LocalSystem, difference: Difference) -> str:
    refusal, discards = reference.refusal(difference.word), BINDINGS[reference.iut.binding].discards
    if refusal is None and discards and difference.expected == SILENT and LETTERS[difference.word[-1]].handshake:
        return discards
    return refusal or UNEXPECTED


def _transcripts(system: System, word: Word) -> list[Transcript]:
    known = system.known(word)
    return system.node(word).transcripts if known is not None else []


# --- writing ---------------------------------------------------------------------------------------------------------


def write(report: Report, folder: Path, command: Callable[[Word], str]) -> None:
    """Everything about one implementation; `command` is what plays a word again."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, transcripts in enumerate(report.transcripts, 1):
        for part, transcript in enumerate(transcripts, 1):
            transcript.save(folder / f"{_file(report, number)}-{part}.jsonl")
    (folder / "learned.json").write_text(json.dumps(as_data(report, command), indent=1) + "\n", encoding="utf-8")
    (folder / "summary.txt").write_text("\n".join(summary(report, command)) + "\n", encoding="utf-8")
    learned = report.learned
    if learned is None:
        return
    mine, theirs = differing_transitions(learned, report.table)
    title = report.name
    (folder / "machines.svg").write_text(side_by_side(report.table, learned, title) + "\n", encoding="utf-8")
    (folder / "learned.dot").write_text(dot(learned, title, mine), encoding="utf-8")
    (folder / "table.dot").write_text(dot(report.table, f"table, {report.role}", theirs), encoding="utf-8")


def _file(report: Report, number: int) -> str:
    return f"answer-{number}" if report.conflict else f"difference-{number}"


def as_data(report: Report, command: Callable[[Word], str]) -> dict[str, Any]:
    """As JSON."""
    conflict = report.conflict
    pairs = zip(report.differences, report.requirements, strict=True)
    return {
        "role": report.role,
        "name": report.name,
        "verdict": report.verdict,
        "severity": report.severity,
        "resets": report.resets,
        "effort": asdict(report.effort) if report.effort else None,
        "differences": [
            {**asdict(d), "word": list(d.word), "requirement": requirement, "command": command(d.word)}
            for d, requirement in pairs
        ],
        "patterns": [{**asdict(f), "word": list(f.word), "command": command(f.word)} for f in report.findings],
        "conflict": None
        if conflict is None
        else {"word": list(conflict.word), "first": conflict.first, "second": conflict.second},
        "learned": report.learned.to_data() if report.learned else None,
        "table": report.table.to_data(),
    }


SHOWN = 12
"""Differences in a summary; `learned.json` has all."""


def summary(report: Report, command: Callable[[Word], str]) -> list[str]:
    """Lines for people."""
    lines = [f"{report.name}: {_sentence(report)}"]
    effort, learned = report.effort, report.learned
    if effort is not None and learned is not None:
        lines.append(
            f"  {len(learned.states)} states, {len(learned.steps)} transitions, {effort.resets} resets, "
            f"{effort.queries} queries, {effort.seconds:.1f} s"
        )
    for finding in report.findings:
        lines.append(f"  {finding.severity}: {finding.name} ({finding.requirement})")
        lines.append(f"    {' '.join(finding.word)}")
    for difference, requirement in list(zip(report.differences, report.requirements, strict=True))[:SHOWN]:
        lines.append(f"  {difference.severity}: {difference.reason} ({requirement}), in {difference.state}")
        lines.append(f"    {' '.join(difference.word)}: {difference.learned}; the table: {difference.expected}")
        lines.append(f"    {command(difference.word)}")
    if len(report.differences) > SHOWN:
        lines.append(f"  and {len(report.differences) - SHOWN} more differences")
    if report.conflict is not None:
        conflict = report.conflict
        lines.append(f"  {' '.join(conflict.word)}: first {conflict.first}, then {conflict.second}")
    return lines


def _sentence(report: Report) -> str:
    if report.verdict == EQUAL:
        return "its machine is the table's"
    if report.verdict == DIFFERS:
        return f"its machine is not the table's; the worst difference is {report.severity}"
    if report.verdict == NONDETERMINISTIC:
        return "the same word was answered in two ways"
    return f"interrupted after {report.resets} connections"
