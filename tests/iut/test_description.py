"""A description of an implementation under test: what loads, and the one clear line for what does not."""

import shutil
import sys
from pathlib import Path

import pytest

from trustconn.harness.iut.description import (
    ROLES,
    Address,
    Description,
    DescriptionError,
    find_command,
    load,
    template,
)

SERVICE = """\
[iut]
name = "acme"
role = "service"
version = "1.2"

[wire]
address = "127.0.0.1:4433"

[credentials]
folder = "credentials"
"""
DEVICE = SERVICE.replace('"service"', '"device"').replace('address = "127.0.0.1:4433"', "reconnects = false")


def written(folder: Path, text: str) -> Path:
    file = folder / "iut.toml"
    file.write_text(text)
    return file


def complaint(folder: Path, text: str) -> DescriptionError:
    with pytest.raises(DescriptionError) as caught:
        load(written(folder, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(folder / "iut.toml"))
    return caught.value


@pytest.mark.parametrize("role", ROLES)
def test_template_loads_as_it_stands(role: str, tmp_path: Path) -> None:
    description = load(written(tmp_path, template(role)))
    assert description.iut.role == role


@pytest.mark.parametrize("role", ROLES)
def test_template_with_every_feature_line_uncommented_means_the_same(role: str, tmp_path: Path) -> None:
    text = template(role)
    before, rest = text.split("[features]")
    features, after = rest.split("[control]")
    named = features.replace("\n#", "\n").replace("\n ", "\n# ")
    assert "\nkey_log = false" in named
    assert load(written(tmp_path, before + "[features]" + named + "[control]" + after)) == load(written(tmp_path, text))


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    assert load(written(tmp_path, SERVICE)).credentials.folder == tmp_path / "credentials"


def test_declared_features_replace_the_defaults(tmp_path: Path) -> None:
    features = load(written(tmp_path, SERVICE + "[features]\nsuites = [2]\nrequires_labels = false\n")).features
    assert features.suites == (2,)
    assert not features.requires_labels
    assert features.requires_evidence


@pytest.mark.parametrize(
    ("text", "key", "line", "words"),
    [
        pytest.param(
            SERVICE.replace("address", "adress"), "wire.adress", 7, 'did you mean "address"', id="unknown-key"
        ),
        pytest.param(SERVICE + "[feature]\n", "feature", 11, 'did you mean "features"', id="unknown-section"),
        pytest.param(SERVICE.replace('"acme"', "7"), "iut.name", 2, "a string, found integer 7", id="integer"),
        pytest.param(
            SERVICE + "[timeouts]\nreply = true\n", "timeouts.reply", 12, "a number, found boolean", id="boolean"
        ),
        pytest.param(SERVICE + "[features]\nsuites = ['2']\n", "features.suites", 12, "array of integers", id="array"),
        pytest.param(SERVICE + "[features]\nsuites = [7]\n", "features.suites", 12, "0, 2, 3, 5, 24", id="choice"),
        pytest.param(SERVICE + "[features]\nsuites = []\n", "features.suites", 12, "not empty", id="empty"),
        pytest.param(SERVICE + "[features]\nsuites = [2, 2]\n", "features.suites", 12, "once", id="twice"),
        pytest.param(SERVICE + "[timeouts]\nreply = -1\n", "timeouts.reply", 12, "not below 0.01", id="negative"),
        pytest.param(SERVICE.replace(":4433", ""), "wire.address", 7, '"host:port"', id="address"),
        pytest.param(SERVICE.replace('role = "service"\n', ""), "iut.role", None, "which party it plays", id="missing"),
        pytest.param("wire = 3\n" + SERVICE.replace("[wire]", "[x]"), "x", 7, "unknown section", id="misnamed-section"),
        pytest.param(SERVICE.replace('"acme"', '"acme'), "file", 2, "TOML", id="syntax"),
        pytest.param(
            SERVICE.replace("address", "listen"), "wire.listen", 7, "address and command", id="key-of-a-device"
        ),
        pytest.param(SERVICE.replace("[wire]\naddress", "[wire]\n#"), "wire.address", None, "nothing", id="no-address"),
        pytest.param(DEVICE, "wire.connect", None, "reconnects = true, found nothing", id="no-way-to-dial"),
        pytest.param(
            DEVICE.replace("reconnects = false", 'connect = ["dial", "{host}"]'),
            "wire.connect",
            7,
            "{port}",
            id="no-port",
        ),
        pytest.param(DEVICE.replace("reconnects = false", 'connect = "x"'), "wire.connect", 7, '"control"', id="word"),
        pytest.param(
            DEVICE.replace("reconnects = false", 'connect = "control"'), "control.mode", None, "stdio", id="no-plane"
        ),
        pytest.param(DEVICE.replace("= false", "= true"), "wire.listen", None, "the port", id="reconnects-where"),
        pytest.param(SERVICE + '[control]\nmode = "stdio"\n', "control.command", None, "the adapter", id="no-adapter"),
    ],
)
def test_wrong_description_is_one_line_with_key_and_place(
    text: str, key: str, line: int | None, words: str, tmp_path: Path
) -> None:
    error = complaint(tmp_path, text)
    assert (error.key, error.line) == (key, line)
    assert words in str(error)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"absent\.toml: file: expected a readable file, found No such file"):
        load(tmp_path / "absent.toml")


def test_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "iut.toml").write_bytes(b"[iut]\nname = \xff")
    with pytest.raises(DescriptionError, match="UTF-8 text, found the byte 0xff"):
        load(tmp_path / "iut.toml")


def test_command_is_found_by_path_or_name_only_if_it_can_run(tmp_path: Path) -> None:
    program = tmp_path / "adapter"
    program.write_text("#!/bin/sh\n")
    assert find_command(("./adapter",), tmp_path) is None
    program.chmod(0o755)
    assert find_command(("./adapter", "--x"), tmp_path) == program
    assert find_command((sys.executable,), tmp_path) == Path(sys.executable)
    assert find_command(("sh",), tmp_path) == Path(str(shutil.which("sh")))
    assert find_command(("no-such-command-anywhere",), tmp_path) is None


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:4433", "service.example:1"])
def test_address_prints_as_it_was_read(text: str) -> None:
    assert str(Address.parse(text)) == text


def test_description_is_frozen(tmp_path: Path) -> None:
    description: Description = load(written(tmp_path, SERVICE))
    with pytest.raises(AttributeError):
        description.iut.name = "other"  # type: ignore[misc]  # Frozen: nobody changes it.
