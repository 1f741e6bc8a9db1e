"""What a document points to is there."""

import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
DOCUMENTS = sorted({*LISTED.split(), "README.md", "docs/guide.md"})


def anchors(document: Path) -> set[str]:
    """The anchors of its headings, as they are made of them where documents are shown."""
    text = document.read_text(encoding="utf-8")
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links(name: str) -> None:
    """Files and headings; what is elsewhere is not asked for."""
    document = CHECKOUT / name
    missing = []
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []
