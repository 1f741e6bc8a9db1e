"""Tokens of SPDL, each with its line and column (both from 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABELLED = "send|recv|read|claim"
"""What a label follows after an underscore; elsewhere an underscore is a part of a name."""

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\f]+)|(?P<newline>\n)|(?P<comment>//[^\n]*|\#[^\n]*)|(?P<open>/\*)"
    rf"|(?P<text>\"[^\"\n]*\")|(?P<id>(?:{_LABELLED})(?=_)|@?[A-Za-z0-9^\-!'][A-Za-z0-9^\-!'_]*)"
    r"|(?P<mark>[(){},;:=._])"
)

MAX_LENGTH = 1_000_000


class SpdlError(ValueError):
    """The file is not SPDL, or uses what is not supported. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message, self.line, self.column = message, line, column


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `id`, `text`, `mark` or `end`."""

    kind: str
    value: str
    line: int
    column: int


def tokenize(source: str) -> list[Token]:
    """All tokens of a file, the last one of kind `end`.

    Raises:
        SpdlError: a character that starts no token, an open comment, or more than a million characters.
    """
    if len(source) > MAX_LENGTH:
        raise SpdlError(f"longer than {MAX_LENGTH} characters", 1, 1)
    tokens: list[Token] = []
    at, line, start = 0, 1, 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        column = at - start + 1
        if match is None:
            raise SpdlError(f"unexpected character {source[at]!r}", line, column)
        end = match.end()
        if match.lastgroup == "open":
            close = source.find("*/", end)
            if close < 0:
                raise SpdlError("this comment is never closed", line, column)
            end = close + 2
            newlines = source.count("\n", at, end)
            if newlines:
                line += newlines
                start = source.rfind("\n", at, end) + 1
        elif match.lastgroup == "newline":
            line, start = line + 1, end
        elif match.lastgroup in ("id", "text", "mark"):
            tokens.append(Token(match.lastgroup, match.group(), line, column))
        at = end
    tokens.append(Token("end", "end of file", line, at - start + 1))
    return tokens
