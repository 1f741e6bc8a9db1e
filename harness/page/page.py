"""Makes a page: a template of the caller inside the common frame, with style and script in it and nothing loaded.

A template begins with `{% extends "page/page.html" %}`, fills the blocks `header` and `main`, and has the macros of
`page/parts.html`. Everything that it is given is escaped. The page needs no network and no script to be read; its
policy (CSP level 3, by hashes) lets nothing run or load but what stands here, whatever a test's words contain.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = files(__package__)
SHARED = "page/"
"""Begins the names of templates of this package."""
MARKS = {
    "pass": "✓", "fail": "✗", "error": "!", "inconc": "?",
    "not exercised": "○", "not implemented": "–", "not applicable": "–",
}  # fmt: skip
"""What stands beside the word of a status, so that colour is never all that tells."""
ORDER = ("fail", "error", "inconc", "pass", "not exercised", "not implemented", "not applicable")
"""Statuses in the order in which readers want them."""


class Section(NamedTuple):
    """An entry of a page's contents: the id of its section, its heading, and a short note such as a count."""

    id: str
    heading: str
    note: str = ""


def render(
    folder: Traversable,
    template: str,
    *,
    title: str,
    sections: Sequence[Section],
    values: Mapping[str, Any],
    styles: Sequence[str] = (),
) -> str:
    """A whole HTML document. `template` and `styles` are files in `folder`; `values` are for the template.

    Raises:
        jinja2.TemplateError: a template that is wrong or asks for a value that is not there.
    """
    style = "\n".join([_read(_HERE, "page.css"), *(_read(folder, name) for name in styles)])
    script = _read(_HERE, "page.js")
    frame = {"title": title, "sections": sections, "style": style, "script": script, "policy": policy(style, script)}
    return _environment(folder).get_template(template).render(**values, **frame) + "\n"


def policy(style: str, script: str) -> str:
    """The content security policy of a page with this one style and this one script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _read(folder: Traversable, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


def _environment(folder: Traversable) -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    def load(name: str) -> str:
        return _read(_HERE, name.removeprefix(SHARED)) if name.startswith(SHARED) else _read(folder, name)

    made = Environment(
        loader=FunctionLoader(load), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=printable,
    )  # fmt: skip
    made.globals.update(MARKS=MARKS, ORDER=ORDER)
    made.filters["slug"] = slug
    made.filters["number"] = "{:,}".format
    return made


def printable(value: Any) -> Any:
    """Text without characters that are not seen: an implementation's own words must not reorder what stands there."""
    if type(value) is not str or value.isprintable():  # Markup is the page's own.
        return value
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in value)


def slug(text: str) -> str:
    """A status or name as part of a class or an id."""
    return "".join(character if character.isalnum() else "-" for character in text.lower())
