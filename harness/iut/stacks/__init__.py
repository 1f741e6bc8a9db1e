"""TLS stacks of others as implementations of the handshake alone: how each is found, built, started and described."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from ..description import PATIENT_START

HERE = Path(__file__).parent
SOURCES = HERE / "sources"
INSTALL = f"{HERE / 'install'}"
PROBE = "GET / HTTP/1.0\r\n\r\n"


class NotAvailable(Exception):
    """A stack that is not installed; the message names what is missing and the command that installs it."""


@dataclass(frozen=True, slots=True)
class Files:
    """What an endpoint is given, and where it may build."""

    leaf: str
    key: str
    roots: str
    scratch: Path

    @property
    def three(self) -> tuple[str, str, str]:
        """Leaf with its chain, key, roots of the peers."""
        return self.leaf, self.key, self.roots


Server = Callable[[Files, int], tuple[str, ...]]
Client = Callable[[Files], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack.

    `tools` must be installed, `version` prints what it is, `everywhere` says that its server binds every address.
    """

    name: str
    tools: tuple[str, ...]
    version: tuple[str, ...]
    server: Server
    client: Client | None = None
    build: Callable[[Path], None] | None = None
    everywhere: bool = False
    plain: tuple[str, ...] = ("device",)
    """Roles in which it cannot do with the profile's certificates, for the names or usages in them."""

    def ready(self, scratch: Path) -> str:
        """Build it where that is needed; the version it prints.

        Raises:
            NotAvailable: a tool is missing, or it cannot be built.
        """
        if missing := [tool for tool in self.tools if shutil.which(tool) is None]:
            raise NotAvailable(f"{', '.join(missing)} not installed: run {INSTALL}")
        try:
            if self.build:
                self.build(scratch)
            done = subprocess.run(self.version, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotAvailable(f"cannot be built ({error}): run {INSTALL}") from error
        return ((done.stdout or done.stderr).strip().splitlines() or ["unknown"])[0]


# --- how each is started ---------------------------------------------------------------------------------------------

_DIAL = ("{host}", "{port}")


def _openssl_server(files: Files, port: int) -> tuple[str, ...]:
    chain = ("-cert", files.leaf, "-cert_chain", files.leaf, "-key", files.key, "-CAfile", files.roots)
    verify = ("-Verify", "4", "-verify_return_error", "-alpn", "tc/1", "-num_tickets", "0", "-www", "-quiet")
    return ("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3", *chain, *verify)


def _openssl_client(files: Files) -> tuple[str, ...]:
    chain = ("-cert", files.leaf, "-cert_chain", files.leaf, "-key", files.key, "-CAfile", files.roots)
    verify = ("-verify", "4", "-verify_return_error", "-alpn", "tc/1", "-quiet", "-ign_eof")
    return ("openssl", "s_client", "-connect", "{host}:{port}", "-tls1_3", *chain, *verify)


_GNUTLS = "NORMAL:-VERS-ALL:+VERS-TLS1.3"


def _gnutls_server(files: Files, port: int) -> tuple[str, ...]:
    given = (f"--x509certfile={files.leaf}", f"--x509keyfile={files.key}", f"--x509cafile={files.roots}")
    rest = ("--require-client-cert", "--verify-client-cert", "--alpn=tc/1", "--alpn-fatal", "--echo", "--quiet")
    return ("gnutls-serv", f"--port={port}", f"--priority={_GNUTLS}:%NO_TICKETS", *given, *rest)


def _gnutls_client(files: Files) -> tuple[str, ...]:
    given = (f"--x509certfile={files.leaf}", f"--x509keyfile={files.key}", f"--x509cafile={files.roots}")
    dial = ("bash", str(SOURCES / "gnutls-cli.sh"), *_DIAL)
    return (*dial, f"--priority={_GNUTLS}", *given, "--alpn=tc/1")


def _nss_server(files: Files, port: int) -> tuple[str, ...]:
    return ("bash", str(SOURCES / "selfserv.sh"), str(files.scratch), str(port), *files.three)


def _nss_client(files: Files) -> tuple[str, ...]:
    return ("bash", str(SOURCES / "tstclnt.sh"), str(files.scratch), *_DIAL, *files.three)


def _go_build(scratch: Path) -> None:
    command = ["go", "build", "-o", str(scratch / "go-endpoint"), str(SOURCES / "endpoint.go")]
    environment = {"GOCACHE": str(scratch / "go-cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    subprocess.run(command, check=True, capture_output=True, timeout=300, env={**os.environ, **environment})


def _wolfssl_build(scratch: Path) -> None:
    command = ["gcc", "-O1", "-o", str(scratch / "wolfssl-endpoint"), str(SOURCES / "endpoint.c"), "-lwolfssl"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _built(name: str) -> tuple[Server, Client]:
    def server(files: Files, port: int) -> tuple[str, ...]:
        return (str(files.scratch / name), "server", str(port), *files.three)

    def client(files: Files) -> tuple[str, ...]:
        return (str(files.scratch / name), "client", *_DIAL, *files.three)

    return server, client


def _script(program: str, suffix: str) -> tuple[Server, Client]:
    def server(files: Files, port: int) -> tuple[str, ...]:
        return (program, str(SOURCES / f"server.{suffix}"), str(port), *files.three)

    def client(files: Files) -> tuple[str, ...]:
        return (program, str(SOURCES / f"client.{suffix}"), *_DIAL, *files.three)

    return server, client


_NODE_VERSION = "`Node.js ${process.version}, OpenSSL ${process.versions.openssl}`"
_PYTHON_VERSION = "import ssl, sys; print(f'Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}')"
_NSS = ("selfserv", "tstclnt", "certutil", "pk12util", "openssl")
STACKS: tuple[Stack, ...] = (
    Stack("OpenSSL", ("openssl",), ("openssl", "version"), _openssl_server, _openssl_client),
    Stack(
        "GnuTLS", ("gnutls-serv", "gnutls-cli"), ("gnutls-cli", "--version"), _gnutls_server, _gnutls_client,
        everywhere=True,
    ),
    Stack("NSS", _NSS, ("dpkg-query", "-W", "libnss3-tools"), _nss_server, _nss_client, everywhere=True),
    Stack("Go crypto/tls", ("go",), ("go", "version"), *_built("go-endpoint"), _go_build, plain=("device", "service")),
    Stack("wolfSSL", ("gcc",), ("dpkg-query", "-W", "libwolfssl-dev"), *_built("wolfssl-endpoint"), _wolfssl_build),
    Stack("Node.js", ("node",), ("node", "-p", _NODE_VERSION), *_script("node", "js")),
    Stack("Python ssl", (), (sys.executable, "-c", _PYTHON_VERSION), *_script(sys.executable, "py")),
)  # fmt: skip


def describe(stack: Stack, role: str, version: str, credentials: Path, scratch: Path) -> Path:
    """Writes the description of the stack's endpoint with the folder that `provision` wrote for this role; its file.

    Raises:
        NotAvailable: it has no endpoint of this role.
    """
    leaf, key, roots = (str(credentials / "iut" / name) for name in ("leaf.pem", "leaf.key.pem", "peer-roots.pem"))
    files = Files(leaf, key, roots, scratch)
    if role == "service":
        port = _free_port()
        wire = {"address": f"127.0.0.1:{port}", "command": list(stack.server(files, port)), "probe": PROBE}
    elif stack.client is None:
        raise NotAvailable("it has no client")
    else:
        wire = {"connect": list(stack.client(files)), "probe": PROBE}
    kind = "server" if role == "service" else "client"
    described = {
        "iut": {"name": f"{stack.name} {kind}", "role": role, "version": version, "scope": "handshake"},
        "wire": {"binding": "tls", **wire},
        "credentials": {"folder": str(credentials)},
        "features": {"bindings": ["tls"]},
        "timeouts": {"start": PATIENT_START, "reply": 3.0},
    }
    file = scratch / f"{kind}.toml"
    file.write_text(tomli_w.dumps(described), encoding="utf-8")
    return file


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
