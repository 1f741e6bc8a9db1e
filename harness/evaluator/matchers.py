"""Octets to terms: structure is taken apart, ciphertexts are opened, slots are bound."""

from __future__ import annotations

from ...model.terms import Term
from ..codec.cbor import (
    BSTR,
    NINT,
    TAG,
    UINT,
    CborError,
    bstr,
    decode,
    encode,
    head,
    split_array,
    split_map,
    split_sequence,
    unbstr,
)
from ..crypto.errors import OutputTooLong, TagMismatch
from .errors import CheckFailed, GrammarError
from .grammar import GRAMMARS
from .makers import KID_ALONE, has_rest, keystream, map_keys, xor
from .registry import MATCHERS, matches
from .run import Run


def match(run: Run, pattern: Term, data: bytes) -> None:
    """Take `data` apart along `pattern`, left to right, and bind its slots; what was received is kept as it came.

    Raises:
        GrammarError: another form.
        CheckFailed: an AEAD tag does not verify.
    """
    if pattern in run.blind:
        run.bind(pattern, data)
        return
    if run.rules.definite and pattern.op == "slot" and pattern.sort.size == "item":
        data = encode(decode(data, rules=run.rules))  # So that it can be compared.
    MATCHERS[pattern.op](run, pattern, data)
    if pattern.op != "const":  # A constant means itself everywhere, however it was encoded here.
        run.values[pattern] = data


@matches("slot")
def _slot(run: Run, pattern: Term, data: bytes) -> None:
    sort = pattern.sort
    size = sort.size
    if size not in ("item", "items", "rest") and len(data) != run.length(size):
        raise GrammarError(pattern.label, f"{len(data)} octets, not {run.length(size)}")
    if sort.grammar is not None:
        _require_grammar(sort.grammar, pattern.label, data, run)
    run.bind(pattern, data)


def _require_grammar(grammar: str, place: str, data: bytes, run: Run) -> None:
    try:
        GRAMMARS[grammar](data, run.rules)
    except ValueError as error:
        raise GrammarError(place, str(error)) from error


@matches("const")
def _const(run: Run, pattern: Term, data: bytes) -> None:
    if data != run.value(pattern) and (run.rules.deterministic or decode(data, rules=run.rules) != pattern.params[1]):
        raise GrammarError(repr(pattern), "another constant")


@matches("seq")
def _seq(run: Run, pattern: Term, data: bytes) -> None:
    try:
        items = split_sequence(data, rules=run.rules)
    except CborError as error:
        raise GrammarError("sequence", str(error)) from error
    fixed = len(pattern.args)
    last = pattern.args[-1] if pattern.args else None
    open_ended = last is not None and last.op == "slot" and last.sort.size == "items"
    fixed -= open_ended
    if len(items) < fixed or (len(items) > fixed and not open_ended):
        raise GrammarError("sequence", f"{len(items)} items, not {fixed}{' or more' if open_ended else ''}")
    for argument, item in zip(pattern.args, items, strict=False):
        if argument is not last or not open_ended:
            match(run, argument, item)
    if open_ended and last is not None:
        match(run, last, b"".join(items[fixed:]))


@matches("array")
def _array(run: Run, pattern: Term, data: bytes) -> None:
    try:
        items = split_array(data, rules=run.rules)
    except CborError as error:
        raise GrammarError("array", str(error)) from error
    if len(items) != len(pattern.args):
        raise GrammarError("array", f"{len(items)} items, not {len(pattern.args)}")
    for argument, item in zip(pattern.args, items, strict=True):
        match(run, argument, item)


@matches("map")
def _map(run: Run, pattern: Term, data: bytes) -> None:
    try:
        entries = split_map(data, rules=run.rules)
    except CborError as error:
        raise GrammarError("map", str(error)) from error
    if not run.rules.deterministic:
        entries = {k if len(k) == 1 else encode(decode(k, rules=run.rules)): v for k, v in entries.items()}
    for (key, optional), argument in zip(map_keys(pattern), pattern.args, strict=False):
        value = entries.pop(key, b"")
        if value:
            match(run, argument, value)
        elif optional:
            run.bind(argument, b"")
        else:
            raise GrammarError("map", f"no key {decode(key)}")
    if has_rest(pattern):
        match(run, pattern.args[-1], b"".join([part for pair in entries.items() for part in pair]))
    elif entries and "frame_matches_its_grammar" not in run.off:
        raise GrammarError("map", f"unknown key {next(iter(entries)).hex()}")


@matches("bstr")
def _bstr(run: Run, pattern: Term, data: bytes) -> None:
    try:
        content = unbstr(data, rules=run.rules)
    except CborError as error:
        raise GrammarError("byte string", str(error)) from error
    if pattern.params:
        with run.reading_variants():
            match(run, pattern.args[0], content)
    else:
        match(run, pattern.args[0], content)


@matches("tag")
def _tag(run: Run, pattern: Term, data: bytes) -> None:
    number = pattern.params[0]
    assert isinstance(number, int)
    start = head(TAG, number)
    if not data.startswith(start):
        raise GrammarError("tag", f"no tag {number}")
    match(run, pattern.args[0], data[len(start) :])


@matches("concat")
def _concat(run: Run, pattern: Term, data: bytes) -> None:
    at = 0
    *sized, last = pattern.args
    for argument in sized:
        size = run.length(argument.sort.size)
        match(run, argument, data[at : at + size])
        at += size
    match(run, last, data[at:])


@matches("octets")
def _octets(run: Run, pattern: Term, data: bytes) -> None:
    if data != pattern.params[0]:
        raise GrammarError("octets", "other octets")


@matches("stream")
def _stream(run: Run, pattern: Term, data: bytes) -> None:
    try:
        octets = keystream(run, pattern, len(data))
    except OutputTooLong as error:
        raise GrammarError("CIPHERTEXT_2", str(error)) from error
    match(run, pattern.args[2], xor(data, octets))


@matches("aead")
def _aead(run: Run, pattern: Term, data: bytes) -> None:
    check = str(pattern.params[0])
    key, nonce, aad = (run.value(a) for a in pattern.args[:3])
    try:
        plaintext = run.suite.aead.open(key, nonce, aad, data)
    except TagMismatch as error:
        if check not in run.off:
            raise CheckFailed(check, str(error)) from error
        plaintext = run.suite.aead.open_unverified(key, nonce, aad, data)
    match(run, pattern.args[3], plaintext)


@matches("compact")
def _compact(run: Run, pattern: Term, data: bytes) -> None:
    major = data[0] >> 5
    if major in (UINT, NINT):
        if len(data) != 1:
            raise GrammarError("ID_CRED", "an integer that is no identifier")
        match(run, pattern.args[0], KID_ALONE + bstr(data))
    elif major == BSTR:
        _require_grammar("identifier", "ID_CRED", data, run)
        match(run, pattern.args[0], KID_ALONE + bstr(unbstr(data, rules=run.rules)))
    elif run.rules.deterministic and data.startswith(KID_ALONE):
        raise GrammarError("ID_CRED", "a kid alone is sent compacted")
    else:
        match(run, pattern.args[0], data)


__all__ = ["bstr", "match"]
