"""Whether what a description names can be used now: programs start, credentials load, fit the role and are in force.

The folder of credentials is the one that `trustconn provision` wrote: `tester/` for the suite and, where it was kept,
`iut/`.
"""

from pathlib import Path

from ..identity.credentials import Credentials
from ..identity.provision import load_world
from ..identity.settings import SettingError
from ..identity.tester import TesterPki, opposite
from .description import Description, find_command, load, parse
from .keys import DescriptionError, Source, shown


def check(path: Path, now: int) -> Description:
    """`load`, then everything that the file points to; `now` is in seconds since 1970 and judges the credentials.

    Raises:
        DescriptionError: as `load`, a command that cannot be started, or credentials that cannot be used.
    """
    description = load(path)
    source, _ = parse(Path(path))
    commands = {("wire", "command"): description.wire.command, ("control", "command"): description.control.command}
    if isinstance(description.wire.connect, tuple):
        commands["wire", "connect"] = description.wire.connect
    for (section, name), command in commands.items():
        if command is not None and find_command(command, description.folder) is None:
            raise source.error(section, name, "a command that exists and can be executed", shown(command[0]))
    _check_credentials(description, source, now)
    return description


def _check_credentials(description: Description, source: Source, now: int) -> None:
    """Judges the credentials at `now`, in seconds since 1970. Raises DescriptionError."""
    folders = description.credentials
    if not folders.tester.is_dir():
        expected = "the folder that `trustconn provision` wrote, with `tester` in it"
        raise _error(source, expected, f"no folder {folders.tester}")
    try:
        TesterPki.load(folders.tester)
        if description.iut.role == "verifier":
            return
        _check_peer(folders.tester / "peer", description.iut.role, source, now)
        if folders.iut.is_dir():
            Credentials.load(folders.iut, now, keys_required=False)
    except SettingError as error:
        raise _error(source, "credentials that can be used", str(error)) from error
    except (OSError, ValueError, KeyError) as error:
        raise _error(source, "credentials that can be used", f"{folders.tester}: {error!r}") from error


def _check_peer(folder: Path, role: str, source: Source, now: int) -> None:
    found = load_world(folder, lambda: now).role
    if found != opposite(role):
        raise _error(source, f"credentials of a {opposite(role)} in {folder}, to face a {role}", f"those of a {found}")


def _error(source: Source, expected: str, found: str) -> DescriptionError:
    return source.error("credentials", "folder", expected, found)
