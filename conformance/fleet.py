"""The implementations of a run: the described one, or the reference device and service, started when needed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..harness.identity.provision import provision
from ..harness.identity.tester import VERIFIER
from ..harness.iut.description import Description, load
from ..harness.iut.equipment import Equipment
from ..harness.iut.features import BINDINGS
from ..harness.iut.launch import LaunchError
from ..harness.iut.reference import reference, reference_verifier
from ..harness.peer.keylog import KeyLog
from ..harness.tester.live import IutSession
from ..harness.verdict.catalogue import requirement_records
from ..harness.verdict.records import Header, IutRecord, RequirementRecord
from ..harness.verdict.request import RunRequest
from .case import Case

if TYPE_CHECKING:
    from ..harness.tester.verifier_session import VerifierSession

REFERENCE_TIME = 1_800_000_000
"""Unix seconds at which reference runs take place: their clock is the tester's, so that a run repeats."""

PATIENCE = 3600.0
"""Seconds that a run waits for an implementation that is started by hand."""


class Fleet:
    """Use as a context manager; `roles` are those under test."""

    repeats = True
    """Whether the randomness of the reference peers follows from the seed."""

    def __init__(self, request: RunRequest, described: Mapping[str, Description] | None = None) -> None:
        """The implementations in `described`, by role, or those of the request.

        Raises DescriptionError for a description that cannot be used.
        """
        self._request = request
        self._sessions: dict[str, IutSession] = {}
        self._failed: dict[str, str] = {}
        self._verifier: VerifierSession | None = None
        self._log: KeyLog | None = None
        self._folder = TemporaryDirectory(prefix="trustconn-")
        self.descriptions = self._describe() if described is None else dict(described)

    def _describe(self) -> dict[str, Description]:
        request = self._request
        if request.iut is not None:
            described = load(request.iut)
            if request.binding:
                described = replace(described, wire=replace(described.wire, binding=request.binding))
            return {described.iut.role: described}
        roles = (request.role,) if request.role else ("device", "service")
        return {role: self._reference(role) for role in roles}

    def _reference(self, role: str) -> Description:
        folder, request = Path(self._folder.name) / role, self._request
        seed = f"reference/{request.seed}".encode()
        if role == VERIFIER:
            from ..harness.verifier.folder import provision as provision_verifier

            provision_verifier(folder, seed=seed, now=REFERENCE_TIME)
            return reference_verifier(
                folder, without=request.without, faults=request.faults, now=REFERENCE_TIME,
                version=version("trustconn"),
            )  # fmt: skip
        _equip(folder, role, seed, request.equipment)
        return reference(
            role, folder, without=request.without, faults=request.faults, seed=seed if self.repeats else None,
            now=REFERENCE_TIME, version=version("trustconn"), binding=request.binding or BINDINGS[0],
            equipment=request.equipment,
        )  # fmt: skip

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles under test."""
        return tuple(self.descriptions)

    @property
    def binding(self) -> str:
        """The secure channel of all conversations."""
        return next(iter(self.descriptions.values())).wire.binding

    @property
    def handshake_only(self) -> bool:
        """Whether what is under test implements the handshake alone."""
        return any(description.iut.scope == "handshake" for description in self.descriptions.values())

    def fits(self, case: Case) -> bool:
        """Whether a test is one for these implementations."""
        if case.role not in self.roles or not case.fits(self.binding):
            return False
        return case.handshake or not self.handshake_only

    def iut(self, role: str) -> IutSession:
        """The running implementation of a role; what failed once to start is not tried again."""
        if role in self._failed:
            # A new exception each time: one that is raised again grows by a traceback.
            raise LaunchError(self._failed[role])
        session = self._sessions.get(role)
        if session is not None and not session.is_alive():
            session.close()
            del self._sessions[role]
        if role not in self._sessions:
            try:
                patience = PATIENCE if self._request.wait else None
                self._sessions[role] = IutSession(
                    self.descriptions[role], self._request.seed, patience, slow=self._request.slow,
                    key_log=self.key_log(),
                )  # fmt: skip
            except Exception as error:  # Passed on; here it is only noted.
                self._failed[role] = f"{type(error).__name__}: {error}"
                raise
        return self._sessions[role]

    def verifier(self) -> VerifierSession:
        """The verifier under test. Raises CredentialError for the tester's folder."""
        if self._verifier is None:
            from ..harness.tester.verifier_session import VerifierSession

            now = REFERENCE_TIME if self._request.iut is None else None
            self._verifier = VerifierSession(self.descriptions[VERIFIER], self._request.seed, now)
        return self._verifier

    def key_log(self) -> KeyLog | None:
        """The one of this process: others that share the file write lines of their own."""
        if self._log is None and self._request.key_log is not None:
            self._log = KeyLog(self._request.key_log)
        return self._log

    def header(self, request: RunRequest) -> Header:
        """The circumstances of the run."""
        started = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        iuts = tuple(self._record(d) for d in self.descriptions.values())
        versions = {name: version(name) for name in ("trustconn", "cryptography", "cbor2", "hypothesis")}
        return Header(
            started, versions, iuts, request.seed, _selection(request), request.profile_set,
            tuple(sorted(request.without)), tuple(sorted(request.faults)), self.binding,
            "handshake" if self.handshake_only else "session",
        )  # fmt: skip

    def _record(self, description: Description) -> IutRecord:
        iut = description.iut
        return IutRecord(iut.name, iut.role, iut.version, iut.digest, asdict(description.features))

    def requirements(self) -> list[RequirementRecord]:
        """All requirements with their standing before any test."""
        return requirement_records(self.roles, self.binding)

    def stop(self) -> None:
        """End every implementation that this process started."""
        for session in self._sessions.values():
            session.close()
        if self._verifier is not None:
            self._verifier.close()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()


def _equip(folder: Path, role: str, seed: bytes, equipment: Equipment) -> None:
    """Issue what a reference peer with this equipment needs."""
    provision(
        folder, seed=seed, now=REFERENCE_TIME, role=role, with_waiver=True, tam=equipment.tam,
        virtual=equipment.virtual, psa="psa" in equipment.evidence, evidence=equipment.evidence,
    )  # fmt: skip
    if equipment.interface and role == "device":
        from ..harness.identity.interface_party import make_interface
        from ..harness.identity.tester import TesterPki

        make_interface(TesterPki.load(folder / "tester")).save(folder / "iut")


def _selection(request: RunRequest) -> str:
    """What the run was confined to, as the results say it; empty for all tests."""
    listed = f"{len(request.tests)} tests by name" if request.tests is not None else ""
    return " and ".join(filter(None, (request.select or request.rerun, listed)))
