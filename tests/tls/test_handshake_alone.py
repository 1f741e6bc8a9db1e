"""An implementation of the handshake alone, and the stacks of others: what is asked of them and how it is told."""

from pathlib import Path
from sys import executable

import pytest

from trustconn.conformance.stacks import Endpoint, markdown, play
from trustconn.harness.iut.description import DescriptionError, load
from trustconn.harness.iut.stacks import INSTALL, SOURCES, STACKS, NotAvailable, Stack, describe
from trustconn.harness.verdict.verdict import Grade, Judgement

PYTHON = next(stack for stack in STACKS if stack.name == "Python ssl")


def missing(stack: Stack) -> Stack:
    return Stack(stack.name, ("no-such-program",), stack.version, stack.server, stack.client)


def test_a_stack_that_is_not_installed_is_not_available_and_says_what_installs_it(tmp_path: Path) -> None:
    (end,) = play([missing(PYTHON)], ["service"], tmp_path, isolated=True)
    assert end.results is None and "no-such-program" in end.missing and INSTALL in end.missing
    assert "NOT AVAILABLE" in markdown([end], lambda endpoint, test: "")


def test_a_server_for_every_address_is_not_started_where_others_could_reach_it(tmp_path: Path) -> None:
    everywhere = next(stack for stack in STACKS if stack.everywhere)
    (end,) = play([everywhere], ["service"], tmp_path, isolated=False)
    assert end.results is None and "namespace" in end.missing


def test_a_stack_without_a_client_has_none(tmp_path: Path) -> None:
    stack = Stack("server only", (), ("true",), PYTHON.server)
    with pytest.raises(NotAvailable):
        describe(stack, "device", "1", tmp_path, tmp_path)


@pytest.mark.parametrize("role", ["service", "device"])
def test_descriptions_of_stacks_can_be_read(role: str, tmp_path: Path) -> None:
    described = load(describe(PYTHON, role, "1", tmp_path, tmp_path))
    assert (described.iut.role, described.iut.scope, described.wire.binding) == (role, "handshake", "tls")


def test_the_handshake_alone_is_one_over_tls(tmp_path: Path) -> None:
    file = describe(PYTHON, "service", "1", tmp_path, tmp_path)
    file.write_text(file.read_text(encoding="utf-8").replace('binding = "tls"', 'binding = "edhoc"'), encoding="utf-8")
    with pytest.raises(DescriptionError, match="binding"):
        load(file)


def test_a_server_that_can_do_without_a_certificate_fails(tmp_path: Path) -> None:
    """TLS-03 decides, whatever else such a server does right."""
    script = tmp_path / "optional.py"
    source = (SOURCES / "server.py").read_text(encoding="utf-8")
    script.write_text(source.replace("CERT_REQUIRED", "CERT_OPTIONAL"), encoding="utf-8")
    stack = Stack(
        "optional", (), PYTHON.version, lambda files, port: (executable, str(script), str(port), *files.three)
    )
    (end,) = play([stack], ["service"], tmp_path / "out", isolated=True)
    assert end.results is not None
    (empty,) = [test for test in end.results.tests if "answer-empty-certificate" in test.case.id]
    assert isinstance(empty.judgement, Judgement) and empty.judgement.grade is Grade.ACCEPTED


def test_a_server_is_tested_and_what_it_leaves_to_its_application_is_seen(tmp_path: Path) -> None:
    (end,) = play([PYTHON], ["service"], tmp_path, isolated=True)
    assert isinstance(end, Endpoint) and end.results is not None
    status = {test.case.id: test.status.name for test in end.results.tests if hasattr(test.status, "name")}
    assert status["test_tls_handshake::test_complete[service-complete-handshake]"] == "PASS"
    assert status["test_tls_handshake::test_empty_certificate[service-answer-empty-certificate]"] == "PASS"
    assert status["test_tls_handshake::test_certificate_verify[service-sign-other-key]"] == "PASS"
    assert status["test_credentials::test_certificate[service-issue-other-identity]"] == "FAIL"
