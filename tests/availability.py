"""What the tests look at beside Python may be missing, but not where all of it has been installed for them."""

import os
from typing import NoReturn

import pytest


def not_available(what: str) -> NoReturn:
    """End the test: it is skipped, and where `CI` is set it fails. `what` says how it is installed."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (`-k` leaves tests out by name)")
    pytest.skip(what)
