"""A platform with a real module, its registers extended by a short log."""

from dataclasses import dataclass
from pathlib import Path

from trustconn.harness.tpm.event_log import IPL, POST_CODE, LogEvent
from trustconn.harness.tpm.keys import TpmKey
from trustconn.harness.tpm.structures import SHA256
from trustconn.harness.tpm.swtpm import Swtpm
from trustconn.harness.tpm.verification import Banks

LOG = (LogEvent(0, POST_CODE, b"f" * 32, b"firmware"), LogEvent(11, IPL, b"a" * 32), LogEvent(11, IPL, b"b" * 32))
TYPES = {0: POST_CODE, 11: IPL}
BINDER = bytes(range(32))


@dataclass(frozen=True)
class Platform:
    """A module with its keys; `state` is its folder, `manufacturer` that of the CA of its endorsement key."""

    tpm: Swtpm
    ak: TpmKey
    idk: TpmKey
    state: Path
    manufacturer: Path

    @property
    def banks(self) -> Banks:
        return {SHA256: self.tpm.read_pcrs(TYPES)}

    def quote(self) -> tuple[bytes, bytes]:
        return self.tpm.quote(self.ak.handle, BINDER, TYPES)

    def certify(self) -> tuple[bytes, bytes]:
        return self.tpm.certify(self.idk.handle, self.ak.handle, BINDER)
