"""What a TPM does for whatever software commands it: the roles beside the TAM of the table.

The TAM of the table is the TPM with software as it should be. Any other software gives its commands one by one, and so
does software that was taken over once it had been measured: a quote over any data, of the registers that policy names
or of others; a certification over any data, of the identity key, or of a key that was made outside and that it knows; a
signature over whatever does not begin as a structure of the TPM's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..protocol.attestation import EVIDENCE, QUOTE_REQUEST, TAM_NAME
from ..protocol.frames import SIDES
from ..protocol.tpm import BUNDLE, Attested
from ..verifier.protocol import Event, Recv, Role, Send, Template
from ..verifier.protocol import Step as VerifierStep
from .algebra import OCTETS_32, PRIVATE_KEY
from .reader import EXPECTED, Reader
from .tpm import ATTESTED, ATTRIBUTES, IMPORTED, INSIDE, ORIGIN, OTHERS, POLICY, SELECTION, area, named, registers
from .view import AGENT, Declarations, Setting

MAKINGS = ("quoted", "certified")
"""Events of a TPM besides: a quote and a certification of its own may be of two makings."""
Content = Callable[[Reader, str], Template]


def _quoted(reader: Reader, letter: str) -> Template:
    """The registers that policy names, in which is what the TPM has measured."""
    return reader.need(BUNDLE[letter].quote.attested.defs[TAM_NAME[letter]])


def _others_quoted(reader: Reader, letter: str) -> Template:
    """Registers in which software puts what it likes."""
    return registers(reader, reader.declared.constant(OTHERS, SELECTION), reader.variable("REGISTERS", "measurements"))


def _certified(reader: Reader, letter: str) -> Template:
    """The identity key."""
    return reader.need(BUNDLE[letter].certification.attested.defs[TAM_NAME[letter]])


def _import_certified(reader: Reader, letter: str) -> Template:
    """A key that was made outside."""
    made = reader.declared.constant(IMPORTED, ATTRIBUTES)
    return named(reader, area(reader, made, reader.variable("KEY", PRIVATE_KEY)))


def _expected_quoted(reader: Reader, letter: str) -> Template:
    """The registers that policy names, filled before the software was taken over."""
    content = reader.declared.constant(EXPECTED, "measurements")
    return registers(reader, reader.declared.constant(POLICY, SELECTION), content)


@dataclass(frozen=True)
class Command:
    """The name of its role, the structure that comes of it, what that attests, the event that claims speak of if there
    is one, and the name of the key by which software commands the TPM."""

    what: str
    kind: str
    attested: Content
    event: str = ""
    by: str = "rogue"


OWN = Command("certifies its identity key", "certification", _certified, MAKINGS[1])
"""The certificate of that key is one of a device or of a service; of everything else a TPM does not know for which."""
ALL = (
    Command("quotes", "quote", _quoted, MAKINGS[0]),
    Command("quotes what was expected", "quote", _expected_quoted, MAKINGS[0], "exploited"),
    Command("quotes other registers", "quote", _others_quoted),
    Command("certifies a key from outside", "certification", _import_certified),
)
TPM = "TPM"
"""What a TPM is called whose platform may be a device or a service."""
SORTS: Mapping[int | str, str] = {34: OCTETS_32, "rest": ATTESTED}
"""Sorts of the fields that are no numbers, by size."""


class Commands:
    """The roles of a TPM, each with the event that claims speak of, if there is one, and what it knows."""

    def __init__(self, letter: str, setting: Setting, declared: Declarations) -> None:
        self.letter, self._setting, self._declared = letter, setting, declared

    def own(self) -> tuple[Role, str, Reader]:
        """The certification of the identity key of this side."""
        return self._obeyed(OWN, f"{TAM_NAME[self.letter]} {OWN.what}")

    def all(self) -> Iterator[tuple[Role, str, Reader]]:
        """Those of whatever side."""
        yield from (self._obeyed(command, f"{TPM} {command.what}") for command in ALL)
        quote, reader = BUNDLE[self.letter].quote, self._reader()
        for slot in quote.term.args:
            if slot.label not in self._setting.erased and slot is not quote.magic:
                reader.values[slot] = reader.variable(slot.label[:-2], SORTS.get(slot.sort.size, slot.sort.name))
        reader.values[quote.magic] = reader.declared.constant("anything else", quote.magic.sort.name)
        yield self._role(reader, f"{TPM} signs data", quote, Command("", "", _quoted)), "", reader

    def _obeyed(self, command: Command, name: str) -> tuple[Role, str, Reader]:
        reader, data = self._reader(), "DATA"
        reader.variable(data, OCTETS_32)
        start = tuple(reader.variable(count, "tpm_4") for count in ("RESET", "RESTART"))
        for letter in SIDES:
            structure: Attested = getattr(BUNDLE[letter], command.kind)
            reader.values.update(zip((structure.reset, structure.restart), start, strict=True))
            reader.values[structure.extra] = data
            reader.values[EVIDENCE[letter].ueid] = AGENT[self.letter]
        structure = getattr(BUNDLE[self.letter], command.kind)
        reader.values[structure.attested] = command.attested(reader, self.letter)
        reader.values.update({BUNDLE[letter].pcrs: _content(reader.values[structure.attested]) for letter in SIDES})
        return self._role(reader, name, structure, command), command.event, reader

    def _reader(self) -> Reader:
        return Reader(TAM_NAME[self.letter], self.letter, self._setting, self._declared)

    def _role(self, reader: Reader, name: str, structure: Attested, command: Command) -> Role:
        agent = AGENT[self.letter]
        steps: list[VerifierStep] = [Recv((command.by, agent), "other software")]
        steps += [Recv((INSIDE, agent), ORIGIN)] if command is OWN else []
        steps += [Recv(variable, "command") for variable in reader.variables]
        steps += [Event(command.event)] if command.event else []
        made = structure.signature.means
        assert made is not None
        signed = reader.signature(reader.need(made.args[0]), reader.need(made.args[1]))
        steps.append(Send(signed, "answer"))
        return Role(name, (agent,), agent, tuple(steps), reader.fresh, reader.variables, helper=True)


def _content(attested: Template | None) -> Template | None:
    """What is in registers that are quoted."""
    return attested[-1] if isinstance(attested, tuple) else None


def token_for(letter: str, by: str, setting: Setting, declared: Declarations) -> tuple[Role, str, Reader]:
    """The token beside a bundle, of a platform whose software asks through another way than it should, and its event.

    `by`: the name of the key by which it asks.
    """
    tam, token = TAM_NAME[letter], EVIDENCE[letter].token
    reader = Reader(tam, letter, setting, declared)
    reader.values[QUOTE_REQUEST[letter].binder] = reader.variable("DATA", OCTETS_32)
    reader.values[token.bootcount] = reader.values[BUNDLE[letter].quote.reset] = reader.variable("RESET", "tpm_4")
    made = token.signature.means
    assert made is not None
    signed = reader.signature(reader.need(made.args[0]), reader.need(made.args[1]))
    asked = (Recv((by, reader.agent), "other software"), Recv(("tuple", "DATA", "RESET"), "command"))
    steps = (*asked, Event("attested"), Send(signed, "token"))
    role = Role(f"{tam} tells {by} software", (reader.agent,), reader.agent, steps, {}, reader.variables, helper=True)
    return role, "attested", reader
