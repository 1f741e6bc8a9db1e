"""The suite's tests: every case of every function `test_...` of every module `test_...`, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files

from .bench import Bench
from .case import CASES, Case


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """One test of the suite, played by `play(case, bench)`; its id is `module::function[case]`."""

    id: str
    case: Case
    play: Callable[[Case, Bench], None]


@cache
def suite_tests() -> tuple[SuiteTest, ...]:
    """All tests.

    Raises:
        ValueError: two tests have one id, or an id has a slash, which a test id uses for folders.
    """
    found = tuple(test for module in _modules() for test in _tests(module))
    for test_id, times in Counter(test.id for test in found).items():
        if "/" in test_id or times > 1:
            raise ValueError(f"{test_id} is no usable test id")
    return found


def _modules() -> list[str]:
    names = (entry.name for entry in files(__package__).iterdir())
    return sorted(name[:-3] for name in names if name.startswith("test_") and name.endswith(".py"))


def _tests(module_name: str) -> Iterator[SuiteTest]:
    module = import_module(f".{module_name}", __package__)
    for name, function in vars(module).items():
        if name.startswith("test_") and callable(function) and function.__module__ == module.__name__:
            for case in CASES[function]:
                yield SuiteTest(f"{module_name}::{name}[{case.id}]", case, function)
