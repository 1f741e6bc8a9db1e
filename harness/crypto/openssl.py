"""OpenSSL as the Python packages bring it along, configured before its first use.

It reads its configuration once, when `cryptography` is imported, and no binding offers the number of session tickets:
a service would send two after every handshake.
"""

import os
from importlib.resources import as_file, files

_VARIABLE = "OPENSSL_CONF"


def configure() -> None:
    """Load `cryptography` under this package's configuration; a configuration of the user's own stays in force."""
    if _VARIABLE in os.environ:
        return
    with as_file(files(__package__) / "openssl.cnf") as path:
        os.environ[_VARIABLE] = str(path)
        try:
            import cryptography.hazmat.bindings._rust  # noqa: F401
        finally:
            del os.environ[_VARIABLE]  # Not for the programs that this one starts.
