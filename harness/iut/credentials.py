"""Whether the credentials that a description names can be used now: they load, fit the role and are in force.

The folder is the one that `trustconn provision` wrote: `tester/` for the suite and, where it was kept, `iut/`.
"""

from pathlib import Path

from ..identity.credentials import Credentials
from ..identity.provision import load_world
from ..identity.settings import SettingError
from ..identity.tester import TesterPki, opposite
from .description import Description
from .keys import DescriptionError, Source


def check_credentials(description: Description, source: Source, now: int) -> None:
    """Judges the credentials at `now`, in seconds since 1970. Raises DescriptionError."""
    folders = description.credentials
    if not folders.tester.is_dir():
        expected = "the folder that `trustconn provision` wrote, with `tester` in it"
        raise _error(source, expected, f"no folder {folders.tester}")
    try:
        TesterPki.load(folders.tester)
        if description.iut.role != "verifier":
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
