"""Roles of the verifier from rows of the table: which there are, and with which readings of what comes in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from ..checks import CHECKS
from ..protocol.attestation import EVIDENCE, TAM_NAME, WAIVER
from ..protocol.background import VERIFIER
from ..protocol.edhoc import DEVICE, SERVICE
from ..protocol.frames import ROLE_NAME, SIDES
from ..table import Table, Verifies
from ..verifier.protocol import Event, Protocol, Role, Send
from . import chains, proofs, psa
from .algebra import PRIVATE_KEY
from .asked import AFFIRMING, VERDICTS, forwarded
from .commands import TPM, Commands, token_for
from .hosts import ENDORSED, ENDORSER, VIRTUAL, endorser
from .interface import CONFIRMED, INTERFACE, LETTER, interface
from .looked_at import erased
from .modes import MODES, Mode
from .reader import ANY, EARLY, IDENTITY, MEETS, OTHER, UNRESTRICTED, Reader
from .tpm import IMPORTED
from .view import AGENT, AUTHORITY, KIND, VERIFIER_KEY, ZERO_SHARE, Setting, View
from .walk import LEAK_POWER, NAMES, SOFTWARE, Made, Moment, Snapshot, Walk


@dataclass(frozen=True)
class Extracted:
    """The roles of a table with some checks off. `snapshots`: by verifier role and name of the event there."""

    protocol: Protocol
    modes: Mapping[str, Mode]
    base: Mapping[str, str]
    """Verifier role to role of the table."""
    snapshots: Mapping[tuple[str, str], Snapshot]
    moments: Mapping[tuple[str, int], Moment]
    """By verifier role and number of the step with which a message comes or goes."""

    def roles(self, base: str) -> tuple[str, ...]:
        """Verifier roles that come from one role of the table; what any TPM does is done by that of any TAM."""
        also = TPM if base in TAM_NAME.values() else base
        return tuple(name for name, role in self.base.items() if role in (base, also))


class Extraction:
    """The work of one extraction."""

    def __init__(
        self,
        table: Table,
        without: frozenset[str],
        modes: tuple[Mode, ...],
        to_open: bool,
        hosted: bool,
        confirms: bool,
        chained: bool,
    ) -> None:
        self.table, self.modes, self.hosted = table, modes, hosted
        self.off = without | {n for n, c in CHECKS.items() if not c.beside_table and n not in table.checks}
        self.confirms, self.chained, self.forwarded = confirms, chained, forwarded(table)
        seen = {EVIDENCE[LETTER].further.label} if confirms else set()
        self.erased = erased(table) - seen - (chains.TOLD if chained else set())
        self.signed = {
            s.form.slot: s.check.name for row in table.rows for s in row.checks if isinstance(s.form, Verifies)
        }
        self.made = Made(table, to_open, self._giving("QUOTE_SIGNATURE_"), self._giving("PSA_SIGNATURE_"))

    def _giving(self, signature: str) -> frozenset[str]:
        """Letters of the attesters whose evidence has this signature."""
        return frozenset(slot.label[-1] for slot in self.signed if slot.label.startswith(signature))

    def run(self) -> Extracted:
        """All roles."""
        for role, mode in product(SOFTWARE, self.modes):
            for (suffix, choices), (where, virtual) in product(self._choices(role, mode), self._hosted()):
                setting = self._setting(mode, choices | virtual)
                Walk(self.made, role, f"{role} {mode}{where}{suffix}", setting).software()
        for _, virtual in self._hosted():
            if virtual:
                self._endorser(virtual[VIRTUAL])
        if self.confirms:
            reader = Reader(ROLE_NAME[LETTER], LETTER, self._setting(self.modes[0], {}), self.made.declared)
            self.made.beside(INTERFACE, interface(reader), CONFIRMED, reader)
        if self.chained:
            for labeller, reader in chains.labellers(self._labeller):
                self.made.beside(labeller.name, labeller, chains.LABELLED, reader)
        for letter in SIDES:
            if any(mode.attests(letter) for mode in self.modes):
                self._platform(letter)
                if self.forwarded:
                    self._verifiers(letter)
        if self._giving("PBA_SIGNATURE_"):
            self.made.roles += proofs.issuer(self.made.declared)
        for letter in SIDES:
            if any(mode.waives(letter) for mode in self.modes):
                self._authority(letter)
        return Extracted(self._protocol(), self.made.mode_of, self.made.base_of, self.made.snapshots, self.made.moments)

    def _platform(self, letter: str) -> None:
        """The TAM with software as it should be and with any other, or a TPM and what it does for any other."""
        tam, other = TAM_NAME[letter], self._setting(self.modes[0], {"software": "unexpected"})
        Walk(self.made, tam, tam, self._setting(self.modes[0], {"software": "expected"})).tam()
        if letter in self.made.with_psa:
            unknown = self._setting(self.modes[0], {"software": "expected", psa.IMPLEMENTATION: psa.UNKNOWN})
            Walk(self.made, tam, f"{tam} of another implementation", unknown).tam()
            self.made.roles += psa.others(letter, other, self.made.declared)
            return
        if letter in self._giving("PBA_SIGNATURE_"):
            withdrawn = self._setting(self.modes[0], {"software": proofs.WITHDRAWN})
            Walk(self.made, tam, f"{tam} of software that was withdrawn", withdrawn).tam()
        if letter not in self.made.with_tpm:
            Walk(self.made, tam, f"{tam} of other software", other).tam()
            return
        if self._giving("EAT_SIGNATURE_"):
            for by in ("rogue", "exploited"):
                asked = self._setting(self.modes[0], {"software": "unexpected" if by == "rogue" else "expected"})
                self.made.beside(tam, *token_for(letter, by, asked, self.made.declared))
        imported = self._setting(self.modes[0], {"software": "expected", "identity key made": IMPORTED})
        Walk(self.made, tam, f"{tam} with a key from outside", imported).tam()
        commands = Commands(letter, other, self.made.declared)
        self.made.beside(tam, *commands.own())
        if TPM not in self.made.base_of.values():
            for command in commands.all():
                self.made.beside(TPM, *command)

    def _hosted(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Which of the peers is a virtualized root, if hosts are looked at."""
        yield from ((f", virtual {KIND[x]}", {VIRTUAL: x}) for x in SIDES) if self.hosted else (("", {}),)

    def _endorser(self, letter: str) -> None:
        view = Reader(ROLE_NAME[letter], letter, self._setting(self.modes[0], {VIRTUAL: letter}), self.made.declared)
        self.made.beside(ENDORSER, endorser(view), ENDORSED, view)

    def _verifiers(self, letter: str) -> None:
        """Whom relying parties of the attester of this letter ask."""
        mode = next(mode for mode in self.modes if mode.attests(letter))
        readings = [choices for _, choices in self._choices(SERVICE if letter == "I" else DEVICE, mode)]
        keys = list(dict.fromkeys(choices.get("attestation key", "") for choices in readings))
        for status, policy in VERDICTS:
            for key in keys if status == AFFIRMING else ("",):
                choices = {"policy": policy} | ({"attestation key": key} if key else {})
                reading = f", {key} attestation key" if key else ""
                name = f"{VERIFIER} of {KIND[letter]}s, {status} by {policy}{reading}"
                Walk(self.made, VERIFIER, name, self._setting(mode, choices), letter).verifier(status, policy)

    def _labeller(self) -> Reader:
        return Reader(DEVICE, "I", self._setting(self.modes[0], {}), self.made.declared)

    def _setting(self, mode: Mode, choices: Mapping[str, str]) -> Setting:
        return Setting(mode, self.off, self.erased, self.signed, choices, self.forwarded, self.confirms, self.chained)

    def _choices(self, role: str, mode: Mode) -> Iterator[tuple[str, dict[str, str]]]:
        """Readings beside the plain one that switched off checks allow: a role for each."""
        peer = "R" if role == DEVICE else "I"
        attests, tpm = mode.attests(peer), peer in self.made.with_tpm
        usage = "tpm_ak_is_for_tpm" if tpm else "psa_ak_is_for_psa" if peer in self.made.with_psa else "ak_is_for_eat"
        shares = (f"g_{'y' if role == DEVICE else 'x'}_is_valid", f"key_share_{peer.lower()}_is_valid")
        with_chain = "env_ak_is_the_attested_one" in self.table.checks
        checks: list[tuple[bool, set[str], tuple[str, str]]] = [
            (True, {share for share in shares if share in self.table.checks}, ("share", ZERO_SHARE)),
            (True, {f"cred_{peer.lower()}_has_{KIND[peer]}_role"}, ("usage", OTHER)),
            (True, {f"cred_{peer.lower()}_path_verifies"}, ("identity key", ANY)),
            (self.hosted, {f"cred_{peer.lower()}_endorser_key_is_for_that_alone"}, ("endorsement key", IDENTITY)),
            (attests, {"ak_path_verifies"}, ("attestation key", ANY)),
            (attests, {usage, "ak_is_not_the_identity_key"}, ("attestation key", IDENTITY)),
            (attests and tpm, {"tpm_ak_is_restricted"}, ("attestation key", UNRESTRICTED)),
            (attests and tpm, {"tpm_ak_is_the_certified_one"}, ("attestation key", UNRESTRICTED)),
            (attests and with_chain, {"env_ak_is_the_attested_one"}, ("environment key", ANY)),
            (mode.waives(peer), {"waiver_authority_is_pinned"}, (AUTHORITY, ANY)),
            (attests and bool(self.forwarded), {"ear_verifier_is_pinned"}, (VERIFIER_KEY, ANY)),
            (True, {"frame_is_expected"}, ("data", EARLY)),
        ]
        points = list(dict.fromkeys(point for possible, off, point in checks if possible and off <= self.off))
        for taken in product((False, True), repeat=len(points)):
            chosen = [point for point, yes in zip(points, taken, strict=True) if yes]
            if len({what for what, _ in chosen}) == len(chosen):
                yield "".join(f", {how} {what}" for what, how in chosen), dict(chosen)

    def _authority(self, letter: str) -> None:
        """Who signs waivers: it names the leaf of any agent. No role of the table, because it speaks to nobody."""
        setting = self._setting(self.modes[0], {})
        view = View(ROLE_NAME[letter], letter, setting, self.made.declared)
        waiver, agent = WAIVER[letter], AGENT[letter]
        symbol, key, content = view.signature(AUTHORITY, view.need(waiver.tbs))
        steps = (Event("signed", (key, content)), Send((symbol, key, content), "waiver"))
        name = f"authority of {KIND[letter]}s"
        self.made.base_of[name] = "authority"
        self.made.roles.append(Role(name, (agent,), agent, steps))

    def _protocol(self) -> Protocol:
        for constant, sort in MEETS.values():
            self.made.declared.constant(constant, sort)
        secrets = {AUTHORITY: PRIVATE_KEY, **({VERIFIER_KEY: PRIVATE_KEY} if self.forwarded else {})}
        name = self.table.name + "".join(f" without {check}" for check in sorted(self.off))
        return Protocol(name, tuple(self.made.roles), self.made.declared.symbols, self.made.declared.constants, secrets)


def extract(
    table: Table,
    *,
    without: frozenset[str] = frozenset(),
    modes: tuple[Mode, ...] = MODES,
    to_open: bool = False,
    hosted: bool = False,
    confirms: bool = False,
    chained: bool = False,
) -> Extracted:
    """The verifier's roles for a table in which some checks are off.

    `to_open`: they end where they open. `hosted`: one of the peers is a virtualized root, either in turn.
    `confirms`: the user of the device confirms all that it sends. `chained`: all data has a processing chain behind it.

    Raises:
        LookupError: a role of the table has no way to OPEN, or a row needs what its role does not know.
    """
    return Extraction(table, without, modes, to_open, hosted, confirms, chained).run()


__all__ = ["LEAK_POWER", "NAMES", "Extracted", "Moment", "Snapshot", "extract"]
