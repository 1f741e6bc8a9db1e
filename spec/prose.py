"""Find requirements and claims in the chapters.

A paragraph that opens with `**[ATT-03]**` at the start of a line is one; it ends at the next blank line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_OPENING = re.compile(r"^\*\*\[([^\]\n]*)\]\*\*[ \n]", re.MULTILINE)
_ID = re.compile(r"[A-Z]{3}-[0-9]{2}")


class SpecError(ValueError):
    """The specification contradicts itself; the message opens with file and line."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"spec/{file}:{line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One marked paragraph: `text` without its mark, line ends kept, `line` counted from one."""

    id: str
    text: str
    file: str
    line: int


def chapters(folder: Path = FOLDER) -> list[Path]:
    """The chapters in reading order."""
    return sorted(folder.glob("[0-9][0-9]-*.md"))


def paragraphs(folder: Path = FOLDER) -> Iterator[Paragraph]:
    """All marked paragraphs of all chapters; raises SpecError on a malformed or repeated id."""
    first: dict[str, Paragraph] = {}
    for path in chapters(folder):
        for found in _in_chapter(path):
            if found.id in first:
                earlier = first[found.id]
                raise SpecError(found.file, found.line, f"{found.id} stands already in {earlier.file}:{earlier.line}")
            first[found.id] = found
            yield found


def _in_chapter(path: Path) -> Iterator[Paragraph]:
    text = path.read_text(encoding="utf-8")
    for match in _OPENING.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if not _ID.fullmatch(match[1]):
            raise SpecError(path.name, line, f"{match[1]!r} is no id: three capitals, a hyphen, two digits")
        end = text.find("\n\n", match.end())
        yield Paragraph(match[1], text[match.end() : None if end < 0 else end].strip(), path.name, line)
