"""Three processes: a device and a service that have each other's evidence judged by a verifier."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from trustconn.cli.main import main
from trustconn.harness.identity.errors import Unanswered
from trustconn.harness.identity.policy import EAR_FORMAT, EAT_CWT
from trustconn.harness.peer.asking import HttpVerifier
from trustconn.harness.tester.background import honest_verifier
from trustconn.harness.tester.local import LocalIut
from trustconn.harness.verifier.folder import PROPERTIES, PROPERTY_POLICIES

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"


class Running:
    """A command that prints JSON lines."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", RUN, *words], stdout=subprocess.PIPE, text=True)
        self.first = self.line()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def until(self, *names: str) -> dict[str, Any]:
        """The next event of one of these names."""
        while (event := self.line())["event"] not in names:
            pass
        return event


@contextmanager
def running(*words: str) -> Iterator[Running]:
    command = Running(*words)
    try:
        yield command
    finally:
        command.process.terminate()
        command.process.wait(60)
        assert command.process.stdout is not None
        command.process.stdout.close()


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_a_verifier_process_opens_a_session(binding: str, tmp_path: Path) -> None:
    made = str(tmp_path / "made")
    assert main(["provision", "both", "--out", made, "--seed", "three"]) == 0
    with ExitStack() as stack:
        verifier = stack.enter_context(
            running("verifier", "--credentials", f"{made}/verifier", "--listen", "127.0.0.1:0")
        )
        asking = ["--verifier", verifier.first["url"], "--binding", binding, "--events"]
        service = stack.enter_context(running("peer", "service", "--credentials", f"{made}/service", *asking))
        where = f"{service.first['host']}:{service.first['port']}"
        dial = ["peer", "device", "--credentials", f"{made}/device", "--connect", where, *asking]
        device = stack.enter_context(running(*dial))
        assert device.until("open", "error", "closed")["event"] == "open"
        verifier.process.terminate()
        verifier.process.wait(60)
        refused = stack.enter_context(running(*dial))
        assert refused.until("open", "error")["check"] == "result_is_given"


def with_policy(folder: Path, **changes: Any) -> None:
    file = folder / "policy.toml"
    file.write_text(tomli_w.dumps({**tomllib.loads(file.read_text()), **changes}))


def test_a_device_fetches_a_result_about_its_properties(tmp_path: Path) -> None:
    """Passport form: the device asks, the service learns no more than what the verifier says."""
    made, name = tmp_path / "made", PROPERTY_POLICIES["device"]
    assert main(["provision", "both", "--out", str(made), "--seed", "three"]) == 0
    with_policy(made / "device" / "iut", offered=[EAT_CWT, EAR_FORMAT], own_policy=name)
    with_policy(
        made / "service" / "iut", accepted=[EAR_FORMAT], verifier_policy=name, verifier_properties=list(PROPERTIES)
    )
    with ExitStack() as stack:
        listen = ["--credentials", str(made / "verifier"), "--listen", "127.0.0.1:0"]
        verifier = stack.enter_context(running("verifier", *listen))
        service = stack.enter_context(running("peer", "service", "--credentials", str(made / "service")))
        where = f"{service.first['host']}:{service.first['port']}"
        dial = ["peer", "device", "--credentials", str(made / "device"), "--connect", where, "--events", "--results"]
        device = stack.enter_context(running(*dial, verifier.first["url"]))
        assert device.until("open", "error", "closed")["event"] == "open"
        verifier.process.terminate()
        verifier.process.wait(60)
        alone = stack.enter_context(running(*dial, verifier.first["url"]))
        assert alone.until("open", "error", "closed")["event"] == "closed"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nowhere.invalid/"])
def test_a_verifier_that_cannot_be_reached_gives_no_result(url: str) -> None:
    with pytest.raises(Unanswered, match="the verifier does not answer"):
        HttpVerifier(url, 1.0)(b"")


@pytest.mark.parametrize("binding", ["edhoc", "tls"])
def test_evidence_of_each_epoch_is_asked_about(binding: str) -> None:
    iut, asked = LocalIut("service", binding=binding), list[bytes]()
    verifier = honest_verifier(iut.pki, iut.clock.now)

    def answer(request: bytes) -> bytes:
        asked.append(request)
        return verifier.answer(request)

    with iut.judged_by(answer):
        conversation = iut.converse()
        assert conversation.until_open() and iut.latest is not None
        iut.latest.reattest()
        conversation.until(lambda: len(asked) > 1)
        assert iut.latest.state == "OPEN" and not any(event.name == "refused" for event in iut.latest.events)
        iut.sends(conversation, b"after the second epoch")
        conversation.flush()
        assert conversation.finish()
    assert len(set(asked)) == 2
