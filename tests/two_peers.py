"""Two reference peers joined in memory: what one has to say the other hears at once."""

from typing import Any

from trustconn.harness.codec import cbor, cmw
from trustconn.harness.identity.policy import PBA_FORMAT, PSA_TOKEN, TPM_FORMAT
from trustconn.harness.identity.world import World
from trustconn.harness.peer.endpoint import Endpoint
from trustconn.spec import cddl

GRAMMAR: dict[int | str, str] = {TPM_FORMAT: "tpm_bundle", PSA_TOKEN: "psa_token", PBA_FORMAT: "pba_evidence"}
"""Of evidence, by its type; what is not here its own tests look at."""


def exchange(device: Endpoint, service: Endpoint) -> None:
    """Hand octets to and fro until nobody has any."""
    while (sent := device.data_to_send()) or (answered := service.data_to_send()):
        if sent:
            service.receive_data(sent)
        else:
            device.receive_data(answered)


def talk(device: Endpoint, service: Endpoint) -> None:
    """Start both and hand octets to and fro until everything has been said."""
    device.start()
    service.start()
    exchange(device, service)


class Watched(Endpoint):
    """Keeps every frame that its peer sends; all that comes matches the grammar."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.frames: dict[str, list[bytes]] = {}
        self.evidence: cmw.Cmw | None = None
        """The latest of the peer."""

    def observe(self, name: str, data: bytes) -> None:
        kind = name.rpartition("_")[0]
        if not name.startswith(("message_", "ClientHello", "ServerHello")) and kind:
            cddl.check(f"frame_{kind.lower()}", data)
        self.frames.setdefault(kind, []).append(data)
        if kind == "ATT":
            self.evidence = cmw.parse(cbor.decode(data)[1][2])
            if isinstance(self.evidence, cmw.Record) and self.evidence.type in GRAMMAR:
                cddl.check(GRAMMAR[self.evidence.type], self.evidence.value)

    @property
    def shown(self) -> int | str | None:
        """Type of the peer's latest evidence."""
        return self.evidence.type if self.evidence else None

    def checks(self) -> set[object]:
        """Those that have refused."""
        return {event.fields.get("check") for event in self.events if event.name == "refused"}


def watched(device: World, service: World, binding: str = "edhoc") -> tuple[Watched, Watched]:
    """Both, after everything has been said."""
    ends = Watched("device", device, binding=binding), Watched("service", service, binding=binding)
    talk(*ends)
    return ends
