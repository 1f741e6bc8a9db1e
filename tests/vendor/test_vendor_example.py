"""A vendor's way from an empty folder to a first verdict, and his workflow, as the example says them."""

import json
import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "examples" / "vendor"
ARGUMENTS = "--profile-set tc1-2026.1 --select IDN-14"
ENTRY = """#!{python}
import runpy, sys
sys.argv[0] = "{name}"
runpy.run_module("{name}", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def walking() -> ModuleType:
    spec = spec_from_file_location("walk", VENDOR / "walk.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vendor's machine, where this checkout is what was installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("trustconn", "pytest"):
        (programs / name).write_text(ENTRY.format(python=sys.executable, name=name))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p trustconn.conformance.pytest_plugin -p no:cacheprovider")
    folder = tmp_path / "vendor"
    folder.mkdir()
    return folder


def test_the_walk_comes_to_what_it_says(walking: ModuleType, installed: Path) -> None:
    steps = {
        step.command.split(" ")[0] + str(number): step for number, step in enumerate(walking.walk(installed, None))
    }
    init, run, explain, expected, under = steps.values()
    assert init.code == 0 and "credentials/iut: for the service under test" in init.output
    assert run.code == 1 and re.search(r"verdict fail: \d+ pass, \d+ fail", run.output), run.output
    assert explain.code == 0 and "IDN-14" in explain.output
    verdict = re.search(r"verdict fail: (\d+) pass, (\d+) fail", expected.output)
    assert verdict, expected.output
    assert expected.code == 0 and f"{verdict[2]} failed as expected" in expected.output, expected.output
    assert under.code == 0 and f"{verdict[1]} passed, {verdict[2]} xfailed" in under.output, under.output
    assert (installed / "results" / "results.json").is_file()


# --- The action ------------------------------------------------------------------------------------------------------


def action() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return read


def played(folder: Path, step: dict[str, Any], inputs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A step as a runner plays it: inputs reach its script in the environment alone."""

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)

    assert "${{" not in step["run"], "an input would be pasted into a script"
    environment = {name: filled(value) for name, value in step.get("env", {}).items()}
    files = {"GITHUB_STEP_SUMMARY": str(folder / "summary"), "RUNNER_TEMP": str(folder)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **files, **environment}, capture_output=True, text=True, check=False
    )


def test_the_action_tests_a_server_and_makes_reports(walking: ModuleType, installed: Path) -> None:
    next(walking.walk(installed, None))
    (installed / "credentials").rename(installed / "other")
    given = {"iut": "iut.toml", "provision": "service", "expected": "expected.toml", "arguments": ARGUMENTS}
    inputs = {name: str(entry.get("default", "")) for name, entry in action()["inputs"].items()} | given
    steps = {step["name"]: step for step in action()["runs"]["steps"]}
    for name in ("Credentials", "Run", "Reports"):
        done = played(installed, steps[name], inputs)
        assert done.returncode == 0, done.stdout + done.stderr
    for output in action()["outputs"].values():
        path = re.sub(r"\$\{\{ inputs\.out \}\}", inputs["out"], output["value"])
        assert (installed / path).is_file(), path
    assert "Conformance run" in (installed / "summary").read_text()
    assert (
        "<dt>expected</dt><dd>Python&#39;s ssl does not show key usages"
        in (installed / "results" / "report.html").read_text()
    )
    shown = json.loads((installed / "results" / "report.sarif").read_text())["runs"][0]["results"]
    assert shown and all(one["suppressions"][0]["justification"] for one in shown)
    (installed / "expected.toml").write_text("")
    assert played(installed, steps["Run"], inputs).returncode == 1


def test_the_action_installs_this_project() -> None:
    steps = {step["name"]: step for step in action()["runs"]["steps"]}
    assert '"$GITHUB_ACTION_PATH"' in steps["Install"]["run"]
    assert {step.get("shell") for step in steps.values() if "run" in step} == {"bash"}


def test_the_workflow_uses_what_the_action_has() -> None:
    workflow = yaml.safe_load((VENDOR / "conformance.yml").read_text())
    (job,) = workflow["jobs"].values()
    (mine,) = (step for step in job["steps"] if step.get("id") == "trustconn")
    assert set(mine["with"]) <= set(action()["inputs"])
    used = re.findall(r"steps\.trustconn\.outputs\.(\w+)", (VENDOR / "conformance.yml").read_text())
    assert set(used) == {"junit", "sarif"} <= set(action()["outputs"])
