"""The table drawn for readers: state diagrams and message tables, made from the rows alone."""

from __future__ import annotations

from collections.abc import Iterable

from .checks import CHECKS, Check
from .refusals import Channel
from .table import LOCAL, NET, RECORD, Message, Table

CHANNEL_NAMES = {NET: "handshake", RECORD: "frame", LOCAL: "to the TAM and back"}
FINAL = "CLOSED"


def state_diagram(table: Table, role: str, *, without: Iterable[str] = ()) -> str:
    """The states of a role as a Mermaid state diagram: each arrow lists the messages that lead to another state.

    Messages whose names start with one of `without` are left out, for what is legal nearly everywhere.
    """
    omitted = tuple(without)
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in table.rows:
        if row.role == role and row.state != row.next_state and not row.receives.name.startswith(omitted):
            labels = arrows.setdefault((row.state, row.next_state), [])
            if row.receives.name not in labels:
                labels.append(row.receives.name)
    lines = [f"    [*] --> {table.role(role).start}"]
    lines += [f"    {source} --> {target}: {', '.join(labels)}" for (source, target), labels in arrows.items()]
    if any(target == FINAL for _, target in arrows):
        lines.append(f"    {FINAL} --> [*]")
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def message_table(table: Table) -> str:
    """Every message with its sender, its channel and the slots that its receiver binds, as a Markdown table."""
    shown = [m for m in table.messages.values() if m.channel in CHANNEL_NAMES]
    rows = [(f"`{m.name}`", m.sender, CHANNEL_NAMES[m.channel], _contents(m)) for m in shown]
    return markdown(("message", "sender", "channel", "what its receiver reads"), rows)


def _contents(message: Message) -> str:
    if message.blind:
        return "opaque"
    return ", ".join(f"`{s.label}`" for s in message.slots) or "nothing"


def check_table() -> str:
    """Every check with its requirement, its refusal and its class, as a Markdown table."""
    rows = [(f"`{c.name}`", c.requirement, refusal_text(c), c.cls.value) for c in CHECKS.values()]
    return markdown(("check", "requirement", "refusal", "class"), rows)


def refusal_text(check: Check) -> str:
    """How a failed check is answered, in words."""
    refusal = check.refusal
    return "silent" if refusal.channel is Channel.SILENT else f"{refusal.channel.value} {refusal.code}"


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
