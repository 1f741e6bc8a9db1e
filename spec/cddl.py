"""The grammar of messages, `trustconn.cddl`, with any rule as root, and a check of octets against it.

The tool behind `check`, pycddl, takes the first rule as root and has limits: inside arrays it reads neither `.cbor` nor
the closedness of maps, and it knows no sequences. So `check` gives it one layer at a time, and descends by itself into
every element and member whose type is a rule. The file itself is plain RFC 8610. pycddl is imported where it is used:
it serves tests, and nothing else here needs it.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import cbor2

from .prose import FOLDER

FILE = FOLDER / "trustconn.cddl"
_RULE = re.compile(r"^([a-z]\w*) = ", re.MULTILINE)
_COMMENT = re.compile(r";[^\n]*")
_EMBEDDED = re.compile(r"bstr \.cbor (\w+)")
_MEMBER = re.compile(r'(?:([?*+]) )?(-?\w+|"\w+")(?: \^)? => ([^,/\n}]+)')
_LIST = re.compile(r"\[(?:\d*\*\d*|\+) (\w+)\]")
_CHOICE = re.compile(r"\w+(?: / \w+)+")


class Mismatch(ValueError):
    """Octets do not match a rule: `rule` names the innermost one that failed."""

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(f"{rule}: {problem}")
        self.rule = rule


@cache
def _sources() -> Mapping[str, str]:
    content = FILE.read_text(encoding="utf-8")
    starts = list(_RULE.finditer(content))
    ends = [match.start() for match in starts[1:]] + [len(content)]
    return MappingProxyType({m[1]: content[m.start() : end] for m, end in zip(starts, ends, strict=True)})


@cache
def rules() -> Mapping[str, str]:
    """Rule name to its definition without comments, in the order of the file."""
    return MappingProxyType({name: _COMMENT.sub("", source).strip() for name, source in _sources().items()})


def is_sequence(root: str) -> bool:
    """Whether the rule describes a CBOR sequence as an array whose head is not sent."""
    return "; sequence" in _sources()[root].partition("\n")[0]


def text(root: str) -> str:
    """The grammar with rule `root` first; raises KeyError for an unknown rule."""
    others = (definition for name, definition in rules().items() if name != root)
    return "\n".join((rules()[root], *others)) + "\n"


@cache
def _layer(root: str) -> Any:
    """pycddl's schema for the outermost layer of a rule: what is inside counts as any, and is judged by descending."""
    import pycddl

    definition = rules()[root]
    if is_compound(root):
        definition = _LIST.sub(lambda m: m[0].replace(m[1], _opaque(m[1])), _EMBEDDED.sub("bstr", definition))
        definition = re.sub(r"(?<==> )\w+|(?<=: )\w+(?=,$)|^  \w+(?=,$)", _opaque_match, definition, flags=re.MULTILINE)
    others = (text for name, text in rules().items() if name != root)
    return pycddl.Schema("\n".join((definition, *others)) + "\n")


def _opaque(type_: str) -> str:
    return "any" if type_ in rules() else type_


def _opaque_match(match: re.Match[str]) -> str:
    return "  " * match[0].startswith("  ") + _opaque(match[0].strip())


def is_compound(rule: str) -> bool:
    """Whether a rule is one map or one array, tagged or not, rather than a choice or a simple type."""
    body = rules()[rule].partition(" = ")[2]
    return body[0] in "{[#" and body[-1] in "}])"


def check(root: str, data: bytes) -> None:
    """Raise Mismatch unless `data` is one item, or for a sequence rule one sequence, of rule `root`."""
    items = list(_sequence(root, data))
    if is_sequence(root):
        _check_sequence(root, items)
    elif len(items) != 1:
        raise Mismatch(root, f"{len(items)} items in place of one")
    else:
        _check_item(root, items[0])


def _sequence(root: str, data: bytes) -> Iterator[Any]:
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(stream)
    while stream.tell() < len(data):
        try:
            yield decoder.decode()
        except (cbor2.CBORDecodeError, ValueError) as error:
            raise Mismatch(root, f"no CBOR: {error}") from error


def _check_sequence(root: str, items: list[Any]) -> None:
    count = len(_elements(root))
    _check_item(root, items[:count])
    rest = items[count:]
    if rest and "EAD items may follow" not in _sources()[root]:
        raise Mismatch(root, f"{len(rest)} items too many")
    while rest:
        width = 2 if len(rest) > 1 and isinstance(rest[1], bytes) else 1
        _check_item("ead_item_with_value" if width == 2 else "ead_item", rest[:width])
        rest = rest[width:]


def _check_item(root: str, item: Any) -> None:
    alternatives = rules()[root].partition(" = ")[2]
    if _CHOICE.fullmatch(alternatives) and set(alternatives.split(" / ")) <= set(rules()):
        _check_choice(root, alternatives.split(" / "), item)
    else:
        _check_layer(root, item)


def _check_choice(root: str, alternatives: list[str], item: Any) -> None:
    problems = []
    for alternative in alternatives:
        try:
            return _check_item(alternative, item)
        except Mismatch as problem:
            problems.append(str(problem))
    raise Mismatch(root, "; ".join(problems))


def _check_layer(root: str, item: Any) -> None:
    import pycddl

    try:
        _layer(root).validate_cbor(cbor2.dumps(item))
    except pycddl.ValidationError as error:
        raise Mismatch(root, str(error)[:400]) from error
    if not is_compound(root):
        return
    if rules()[root].endswith("])") != isinstance(item, cbor2.CBORTag):
        raise Mismatch(root, "tag where none belongs, or none where one belongs")
    if isinstance(item, cbor2.CBORTag):
        item = item.value
    if isinstance(item, list | tuple):
        for type_, element in _typed_elements(root, item):
            _descend(type_, element)
    else:
        _check_members(root, item)


def _typed_elements(root: str, item: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    listed = _LIST.fullmatch(rules()[root].partition(" = ")[2])
    if listed:
        if listed[0].startswith("[+") and not item:
            raise Mismatch(root, "no element")
        return ((listed[1], element) for element in item)
    types = _elements(root)
    if len(types) != len(item):
        raise Mismatch(root, f"{len(item)} elements in place of {len(types)}")
    return zip(types, item, strict=True)


def _elements(root: str) -> list[str]:
    """Types of the elements of an array rule: one a line."""
    lines = rules()[root].split("\n")[1:-1]
    return [line.strip().removesuffix(",").rpartition(": ")[2] for line in lines]


def _check_members(root: str, item: Mapping[Any, Any]) -> None:
    """Every member is one that the map names or a wildcard admits; pycddl forgets this in some maps."""
    named: dict[Any, str] = {}
    wild: dict[str, str] = {}
    for occurrence, key, type_ in _MEMBER.findall(rules()[root]):
        (wild if occurrence in ("*", "+") else named)[key] = type_.strip()
    for key, value in item.items():
        name = str(key) if isinstance(key, int) else f'"{key}"'
        if name in named:
            _descend(named[name], value)
        elif wild:
            ((key_type, type_),) = wild.items()
            _descend(key_type, key)
            _descend(type_, value)
        else:
            raise Mismatch(root, f"unknown key {key!r}")
    if "+ " in rules()[root].partition("[")[0] and not item:
        raise Mismatch(root, "no member")


def _descend(type_: str, value: Any) -> None:
    embedded, listed = _EMBEDDED.fullmatch(type_), _LIST.fullmatch(type_)
    if embedded:
        check(embedded[1], value)
    elif listed:
        if type_.startswith("[+") and not value:
            raise Mismatch(listed[1], "none in a list of at least one")
        for element in value:
            _descend(listed[1], element)
    elif type_ in rules():
        _check_item(type_, value)
