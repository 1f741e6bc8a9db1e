"""The reference verifier: what it remembers, where it listens, and that it affirms nothing by mistake."""

import asyncio
import http.client
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from trustconn.cli.main import main
from trustconn.harness.codec import cbor
from trustconn.harness.identity.policy import PolicyError
from trustconn.harness.tester.result import AFFIRMING, read_reply
from trustconn.harness.tester.verifier_session import REQUEST_TYPE, LocalVerifier
from trustconn.harness.transport.frames import write_frame
from trustconn.harness.verifier import folder, streams
from trustconn.harness.verifier.http import HttpServer
from trustconn.harness.verifier.ledger import Ledger, LedgerError
from trustconn.harness.verifier.policy import AppraisalPolicy, load_policies, save_policies
from trustconn.model.refusals import VerifierError
from trustconn.spec import cddl

RUN = "import sys; from trustconn.cli.main import main; sys.exit(main())"
INTERNAL = cbor.encode({2: VerifierError.INTERNAL})
MALFORMED = cbor.encode({2: VerifierError.MALFORMED})


@pytest.fixture
def verifier() -> LocalVerifier:
    return LocalVerifier(seed=b"tests")


def request(verifier: LocalVerifier, role: str = "device") -> bytes:
    return verifier.question(role).encoded()


# --- what it says and remembers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["device", "service"])
def test_request_and_reply_match_the_grammar(verifier: LocalVerifier, role: str) -> None:
    question = verifier.question(role)
    cddl.check("verifier_request", question.encoded())
    exchange = verifier.ask(question)
    assert exchange.reply is not None and exchange.action == AFFIRMING
    cddl.check("verifier_reply", exchange.reply)
    cddl.check("verifier_reply", verifier.ask(question).reply or b"")


def test_a_ledger_outlives_its_verifier_and_is_shared(tmp_path: Path) -> None:
    first, second = (Ledger(tmp_path / "ledger") for _ in range(2))
    assert first.use(bytes(32))
    assert not second.use(bytes(32))
    first.raise_floor(7)
    first.raise_floor(5)
    first.close()
    later = Ledger(tmp_path / "ledger")
    assert not later.use(bytes(32)) and later.use(b"\x01" * 32) and later.floor == 7


def test_a_ledger_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"no database" * 100)
    with pytest.raises(LedgerError, match=r"ledger: expected a verifier's ledger"):
        Ledger(tmp_path / "ledger")


def test_the_clock_does_not_go_back_below_a_proof(verifier: LocalVerifier) -> None:
    assert verifier.ask(verifier.question()).action == AFFIRMING
    assert verifier.verifier.ledger.floor == verifier.pki.now


@pytest.mark.parametrize("error", [RuntimeError("bug"), sqlite3.OperationalError("disk full"), RecursionError()])
def test_what_goes_wrong_inside_is_never_an_affirming_result(
    verifier: LocalVerifier, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise error

    for place in ("use", "raise_floor"):
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, place, fail)
            assert verifier.send(request(verifier)) == (INTERNAL, "")
            verifier.forget()
    assert caplog.records and verifier.ask(verifier.question()).action == AFFIRMING


def test_a_policy_without_reference_values_is_held_and_affirms_nothing(tmp_path: Path) -> None:
    save_policies(tmp_path / "policies", folder.policies())
    held = load_policies(tmp_path / "policies")
    assert held == {policy.id: policy for policy in folder.policies()}
    assert not held[folder.EMPTY_POLICY].usable


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("max_age = 1", "id: expected the text"),
        ('id = "p"\nmax_age = "1"', "max_age: expected an integer"),
        ('id = "p"\nother = 1', "other: expected one of"),
        ('id = "p"\n[components]\nfirmware = "00"', "firmware: expected 64 hexadecimal digits"),
        (
            'id = "p"\n[properties]\nboot = ["firmware"]',
            "boot: expected components with reference values",
        ),
    ],
)
def test_a_bad_policy_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "one.toml").write_text(text)
    with pytest.raises(PolicyError, match=complaint):
        AppraisalPolicy.load(tmp_path / "one.toml")


# --- on streams ------------------------------------------------------------------------------------------------------


def on_streams(verifier: LocalVerifier, sent: bytes) -> bytes:
    """What it answers to a whole stream."""
    here, source = os.pipe()
    there, sink = os.pipe()
    os.write(source, sent)
    os.close(source)
    streams.serve(verifier.verifier, here, sink)
    os.close(sink)
    with open(there, "rb") as answers:
        os.close(here)
        return answers.read()


def test_requests_on_a_stream_are_answered_in_turn(verifier: LocalVerifier) -> None:
    first, second = request(verifier), b"\x00"
    sent = b"".join(len(one).to_bytes(3, "big") + one for one in (first, second, first))
    answers, replies = on_streams(verifier, sent), []
    while answers:
        length = int.from_bytes(answers[:3], "big")
        replies.append(read_reply(answers[3 : 3 + length]))
        answers = answers[3 + length :]
    assert replies == [AFFIRMING, "verifier-error:4", "verifier-error:1"]


def test_a_length_above_the_limit_ends_a_stream(verifier: LocalVerifier) -> None:
    assert on_streams(verifier, b"\x01\x00\x01\x00") == len(MALFORMED).to_bytes(3, "big") + MALFORMED


def test_a_request_that_stands_still_ends_the_stream(verifier: LocalVerifier) -> None:
    whole = write_frame(request(verifier))
    here, theirs = os.pipe()
    replies, sink = os.pipe()
    os.write(theirs, whole + whole[: len(whole) // 2])
    streams.serve(verifier.verifier, here, sink, 0.01)  # It returns, although the other end stays open.
    os.close(sink)
    with closing(os.fdopen(replies, "rb")) as answered:
        reply = answered.read()
    assert int.from_bytes(reply[:3], "big") == len(reply) - 3 > 0
    os.close(theirs)
    os.close(here)


# --- over HTTP -------------------------------------------------------------------------------------------------------


@contextmanager
def listening(tmp_path: Path, *options: str) -> Iterator[tuple[str, int]]:
    """A verifier process that listens, and where."""
    assert main(["provision", "verifier", "--out", str(tmp_path / "v"), "--seed", "http"]) == 0
    words = ["verifier", "--credentials", str(tmp_path / "v"), "--listen", "127.0.0.1:0", *options]
    process = subprocess.Popen([sys.executable, "-c", RUN, *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        yield where["host"], where["port"]
    finally:
        process.terminate()
        assert process.wait(60) == 0


def post(where: tuple[str, int], body: bytes, kind: str = REQUEST_TYPE, method: str = "POST") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(*where, timeout=60)) as connection:
        connection.request(method, "/", body, {"Content-Type": kind})
        response = connection.getresponse()
        return response.status, response.read()


def test_over_http(tmp_path: Path) -> None:
    with listening(tmp_path) as where:
        assert post(where, b"\x00") == (200, MALFORMED)
        assert post(where, b"\x00", "application/cbor")[0] == 415
        assert post(where, b"", method="GET")[0] == 405
        assert post(where, bytes((1 << 16) + 1))[0] == 413
        with closing(http.client.HTTPConnection(*where, timeout=60)) as kept:
            for _ in range(2):
                kept.request("POST", "/verify", b"\x00", {"Content-Type": REQUEST_TYPE})
                assert kept.getresponse().read() == MALFORMED


def test_the_suite_over_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(tmp_path) as (host, port):
        description = tmp_path / "verifier.toml"
        description.write_text(
            f'[iut]\nname = "v"\nrole = "verifier"\nversion = "1"\n[wire]\nurl = "http://{host}:{port}/"\n'
            f'[credentials]\nfolder = "v"\n'
        )
        assert main(["iut", "check", str(description)]) == 0
        chosen = ["--select", "VER-07 or test_result or VER-01 or test_binder_is_taken"]
        for _ in range(2):  # It remembers the first run.
            code = main(["run", "--iut", str(description), "--out", str(tmp_path / "results"), *chosen])
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    assert code == 0, capsys.readouterr().out
    reasons = {test["reason"] for test in results["tests"] if test["status"] == "not exercised"}
    assert reasons == {"a verifier that was started elsewhere cannot be restarted from here"}


def test_a_slow_request_is_dropped_and_keeps_nobody_waiting(verifier: LocalVerifier) -> None:
    asked = request(verifier)
    head = f"POST / HTTP/1.1\r\nHost: here\r\nContent-Type: {REQUEST_TYPE}\r\nContent-Length: {len(asked)}\r\n\r\n"

    async def play() -> tuple[bytes, bytes]:
        server = await HttpServer(verifier.verifier, 2.0).listen("127.0.0.1", 0)
        where = server.sockets[0].getsockname()[:2]
        async with server:
            slow, to_slow = await asyncio.open_connection(*where)
            to_slow.write(head.encode() + asked[:100])
            quick, to_quick = await asyncio.open_connection(*where)
            to_quick.write(head.encode() + asked)
            status = await quick.readline()
            rest = await slow.read()
            for writer in (to_slow, to_quick):
                writer.close()
            return status, rest

    status, rest = asyncio.run(play())
    assert status.startswith(b"HTTP/1.1 200") and rest == b""


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--credentials", "nowhere"], "--credentials nowhere: expected credentials of a verifier, found none"),
        (["--credentials", "{v}", "--without", "sense"], "--without: no check sense"),
        (["--credentials", "{v}", "--fault", "sense"], "--fault: no fault sense"),
        (["--credentials", "{v}", "--listen", "here"], "--listen: expected host:port, found here"),
        (["--credentials", "{v}", "--listen", "192.0.2.1:0"], "--listen: refused off this machine"),
        (["--credentials", "{v}", "--now", "1"], "notBefore: expected a certificate that is valid at 1"),
    ],
)
def test_bad_usage_is_one_line(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.provision(tmp_path / "v", seed=b"usage", now=1_800_000_000)
    assert main(["verifier", *(word.replace("{v}", str(tmp_path / "v")) for word in words)]) == 2
    said = capsys.readouterr().err
    assert complaint in said and said.count("\n") == 1


def test_a_run_against_a_faulty_verifier_fails(tmp_path: Path) -> None:
    words = ["run", "--role", "verifier", "--fault", "binders_lost_at_restart", "--select", "after-restart"]
    assert main([*words, "--out", str(tmp_path)]) == 1
    (test,) = json.loads((tmp_path / "results.json").read_text())["tests"]
    assert (test["status"], test["grade"], test["requirements"]) == ("fail", "accepted", ["VER-01"])


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    asked: list[list[Any]] = []
    for out in (tmp_path / "a", tmp_path / "b"):
        assert main(["run", "--role", "verifier", "--select", "VER-02", "--out", str(out)]) == 0
        asked.append([test["transcript"] for test in json.loads((out / "results.json").read_text())["tests"]])
    assert asked[0] == asked[1] and all(asked[0])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What a refused request is logged with is no output of a test."""
    logging.getLogger("trustconn.harness.verifier").setLevel(logging.ERROR)
    yield
    logging.getLogger("trustconn.harness.verifier").setLevel(logging.NOTSET)
