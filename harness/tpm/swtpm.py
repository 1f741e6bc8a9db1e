"""A TPM made of software as a process of its own: swtpm, manufactured with an endorsement key and its certificate.

Its state is a folder. A running instance serves one connection, a socket pair made for it, and ends when that ends:
with whoever holds the other end, however that ends. Nothing listens anywhere.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import weakref
from contextlib import suppress
from pathlib import Path

from .commands import Tpm, TpmError

PROGRAMS = ("swtpm", "swtpm_setup", "swtpm_localca")
INSTALL = "harness/iut/stacks/install swtpm=swtpm swtpm_setup=swtpm-tools"
"""Installs them on Debian, as root; `./check` does so before it runs the tests."""
SETUP_TIME = 60.0
"""Seconds for manufacture: it makes RSA keys."""
EK_CERTIFICATE = 0x01C00002
"""NV index of the certificate of an RSA 2048 endorsement key (TCG EK Credential Profile, section 2.2.1.4)."""
EK = 0x81010001
"""Persistent handle of that endorsement key (TCG TPM v2.0 Provisioning Guidance, section 7.8)."""


class SwtpmMissing(TpmError):
    """The programs are not installed."""


def require_swtpm() -> None:
    """Raises SwtpmMissing, which says what to install."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise SwtpmMissing(f"{', '.join(missing)} not found; as root on Debian, `{INSTALL}` installs them")


def manufacture(state: Path, authority: Path) -> None:
    """A new module in the folder `state`, its endorsement key certified by the manufacturer's CA in `authority`.

    The CA is made where there is none yet. Raises TpmError.
    """
    require_swtpm()
    state.mkdir(parents=True)
    authority.mkdir(parents=True, exist_ok=True)
    setup = _configure(authority)
    command = ["swtpm_setup", "--tpm2", "--tpmstate", str(state), "--config", str(setup), "--create-ek-cert"]
    done = subprocess.run(
        [*command, "--pcr-banks", "sha256", "--overwrite"],
        capture_output=True, text=True, timeout=SETUP_TIME, check=False,
    )  # fmt: skip
    if done.returncode:
        raise TpmError(f"swtpm_setup ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}")


def _configure(authority: Path) -> Path:
    """Configuration files of the manufacturer, all state in one folder; the one of swtpm_setup."""
    options = authority / "localca.options"
    options.write_text(
        "--platform-manufacturer trustconn\n--platform-version 1\n--platform-model reference\n", encoding="utf-8"
    )
    keys = ("statedir", ""), ("signingkey", "signkey.pem"), ("issuercert", "issuercert.pem"), ("certserial", "serial")
    lines = (f"{key} = {authority / name if name else authority}\n" for key, name in keys)
    localca = authority / "localca.conf"
    localca.write_text("".join(lines), encoding="utf-8")
    setup = authority / "setup.conf"
    tool = shutil.which("swtpm_localca")
    setup.write_text(
        f"create_certs_tool = {tool}\ncreate_certs_tool_config = {localca}\ncreate_certs_tool_options = {options}\n",
        encoding="utf-8",
    )
    return setup


class Swtpm(Tpm):
    """A running instance on the state in a folder, switched on: its registers are clear and its reset count rises."""

    def __init__(self, state: Path) -> None:
        """Raises TpmError."""
        require_swtpm()
        ours, theirs = socket.socketpair()
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--fd", str(theirs.fileno())]
        command += ["--flags", "not-need-init", "--terminate"]
        with theirs:
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        super().__init__(ours)
        self._ended = weakref.finalize(self, _end, self._process, ours)
        try:
            self.startup()
        except TpmError:
            self.close()
            raise

    def close(self) -> None:
        """Switch it off in order; it is safe to do so twice."""
        if self._ended.alive:
            with suppress(TpmError):
                self.shutdown()
        self._ended()


def _end(process: subprocess.Popen[bytes], connection: socket.socket) -> None:
    connection.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
