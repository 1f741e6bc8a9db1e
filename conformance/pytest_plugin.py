"""The suite under pytest: `pytest --pyargs trustconn.conformance --iut FILE`.

Every test of the suite that fits the implementation is an item of pytest, so that `-k`, `-x`, `--collect-only`,
`--junitxml` and whatever else reads items and reports work. They are not played one by one: the suite plays those that
are chosen as `trustconn run` does, both roles at the same time, and tells pytest each verdict as it comes. The folder
of results is the same too. pytest loads this module by its entry point; nothing else of the project knows pytest.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..harness.verdict.expected import Expectations
    from ..harness.verdict.request import RunRequest
    from .collect import SuiteTest

    TestsByModule = Mapping[str, list[SuiteTest]]

HERE = Path(__file__).resolve().parent
_TESTS = pytest.StashKey["TestsByModule"]()
_BROKEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the suite."""
    add = parser.getgroup("trustconn", "conformance of trusted connections").addoption
    add("--iut", type=_file, metavar="FILE", help="description of the implementation under test")
    add("--expected", type=_file, metavar="FILE", help="failures that are expected, and why (strict)")
    add(
        "--trustconn-select", metavar="EXPR", help="expression over test and requirement ids, as `trustconn run` has it"
    )
    add("--trustconn-profile-set", metavar="NAME", help="a frozen list of tests, such as tc1-2026.1")
    add("--trustconn-seed", type=int, default=0, metavar="N", help="seed of every decision of the tester; default: 0")
    add("--trustconn-slow", action="store_true", help="wait for real timers where no clock can be advanced (minutes)")
    add(
        "--trustconn-out",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder for results; default: results",
    )


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is no file")
    return path.resolve()


def pytest_configure(config: pytest.Config) -> None:
    """What the options name is looked at first, so that a mistake is one line. Raises `pytest.UsageError`."""
    option = config.option
    if option.iut or option.expected or option.trustconn_select or option.trustconn_profile_set:
        _tests(config)
        _expected(config)


# --- Items -----------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The suite's modules are collected here; other modules are none of our business."""
    if module_path.resolve().parent != HERE:
        return None
    return SuiteFile.from_parent(parent, path=module_path, nodeid=module_path.stem)


class SuiteFile(pytest.File):
    """A module of the suite."""

    def collect(self) -> Iterator[SuiteItem]:
        """Its tests that fit the implementation under test."""
        for test in _tests(self.config).get(self.path.stem, ()):
            yield SuiteItem.from_parent(self, name=test.id.partition("::")[2], test=test)


class SuiteItem(pytest.Item):
    """A test of the suite; its node id is the id of the test."""

    def __init__(self, test: SuiteTest, **others: Any) -> None:
        super().__init__(**others)
        self.test = test
        self.extra_keyword_matches.update(test.case.requirements)

    def runtest(self) -> None:
        """Fails: only a loop that is not this plugin's asks for it."""
        pytest.fail("the suite plays its tests itself: run it without plugins that distribute them", pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The name of the test, as the terminal shows it."""
        return self.path, None, self.nodeid


def _tests(config: pytest.Config) -> TestsByModule:
    """The tests that the options select, by module. Raises `pytest.UsageError`."""
    if hasattr(config, "workerinput"):
        raise pytest.UsageError("the suite plays its tests itself, both roles at the same time: run it without -n")
    if _TESTS not in config.stash:
        from .collect import suite_tests
        from .fleet import Fleet
        from .selection import chooses

        found: dict[str, list[SuiteTest]] = {}
        with _usage_errors():
            request = _request(config)
            with Fleet(request) as fleet:
                for test in suite_tests():
                    if fleet.fits(test.case) and chooses(request, test.id, test.case.requirements):
                        found.setdefault(test.id.partition("::")[0], []).append(test)
        config.stash[_TESTS] = found
    return config.stash[_TESTS]


def _request(config: pytest.Config) -> RunRequest:
    from ..harness.verdict.request import RunRequest

    option = config.option
    return RunRequest(
        out=option.trustconn_out, iut=option.iut, select=option.trustconn_select, seed=option.trustconn_seed,
        slow=option.trustconn_slow, profile_set=option.trustconn_profile_set,
    )  # fmt: skip


def _expected(config: pytest.Config) -> Expectations:
    from ..harness.verdict.expected import NOTHING, load
    from .collect import suite_tests

    if config.option.expected is None:
        return NOTHING
    with _usage_errors():
        return load(config.option.expected, {test.id for test in suite_tests()})


@contextmanager
def _usage_errors() -> Iterator[None]:
    from ..harness.iut.keys import DescriptionError
    from ..harness.verdict.request import RequestError

    try:
        yield
    except (DescriptionError, RequestError) as error:
        raise pytest.UsageError(str(error)) from error


# --- The run ---------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[None]:
    """Other tests have their turn as ever; then the suite plays its own."""
    everything = session.items
    mine = {item.test.id: item for item in everything if isinstance(item, SuiteItem)}
    session.items = [item for item in everything if not isinstance(item, SuiteItem)]
    try:
        done = yield
    finally:
        session.items = everything
    if mine and not session.config.option.collectonly:
        _play(session, mine)
    return done


def _play(session: pytest.Session, items: Mapping[str, SuiteItem]) -> None:
    """Play the suite's items and write the files of a run. Raises `pytest.UsageError` and what ends a session early."""
    from ..harness.verdict.reports import write_reports
    from ..harness.verdict.results import rebuild
    from .main import run
    from .pytest_reports import Teller

    config = session.config
    expected, request = _expected(config), _request(config)
    if len(items) < sum(map(len, _tests(config).values())):
        request = replace(request, tests=frozenset(items))
    request.out.mkdir(parents=True, exist_ok=True)
    (request.out / "events.jsonl").unlink(missing_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="tlslite")
            results = run(request, lambda suite: Teller(session, suite, items, expected))
    except KeyboardInterrupt:
        write_reports(rebuild(request.out), request.out, expected)
        if session.shouldfail:
            raise session.Failed(session.shouldfail) from None
        raise
    write_reports(results, request.out, expected)
    broken = list(replace(expected, tests={}).broken(results.tests))  # Those of tests were told with the tests.
    config.stash[_BROKEN] = broken
    session.testsfailed += len(broken)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was expected to fail and passed, and where the results are."""
    if _BROKEN in config.stash:
        for sentence in config.stash[_BROKEN]:
            terminalreporter.write_line(sentence, red=True)
        terminalreporter.write_line(f"results: {config.option.trustconn_out}")
