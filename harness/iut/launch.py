"""A described implementation, running: its processes, its control plane, and the two ways to a TCP connection.

A service is reached at `address`; a device is made to dial by `dial`, whichever way its description names.
"""

import select
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ..deadline import Deadline
from ..peer.tcp import TcpConnection, TcpError, TcpListener
from .address import Address
from .channel import LineChannel
from .control import ControlClient, ControlListener
from .description import Description
from .features import KEY_LOG_VARIABLE
from .messages import Message
from .process import Exit, Process, ProcessError

_NEXT_TRY = 0.02


class LaunchError(Exception):
    """The implementation under test did not come up, or did not dial: a fault of the set-up, not a verdict."""


class LaunchedIut:
    """Making one starts what the description names, entering it waits until it is ready: make several, then enter them.

    `control` is None without a control plane, `hello` is what it said of itself; `process` is None without a command,
    `dials` are the commands that made a device dial, the latest last. With `patience`, in seconds, no command is
    started: someone starts the implementation by hand, perhaps under a debugger, and has that long. An implementation
    whose statement has `key_log` finds the file `key_log` in its environment.
    """

    def __init__(self, description: Description, patience: float | None = None, key_log: Path | None = None) -> None:
        """Raises ProcessError for a command that cannot be started, OSError for an address that is taken."""
        self.description = description
        logs = key_log is not None and description.features.key_log
        self._variables = {KEY_LOG_VARIABLE: str(key_log)} if logs else None
        self._patience = patience
        self.process: Process | None = None
        self.control: ControlClient | None = None
        self.hello: Message = {}
        self._listener: TcpListener | None = None
        self._control_listener: ControlListener | None = None
        self.dials: list[Process] = []
        self._address: Address | None = None
        self._started = self._deadline("start")
        try:
            self._start()
        except BaseException:  # Whatever it was, nothing is left running.
            self.close()
            raise

    def ready(self) -> None:
        """Waits for the control plane and for a service to listen. Raises LaunchError or ControlError."""
        wire = self.description.wire
        if self.description.control.mode != "none":
            self._greet()
        if self.description.iut.role == "service" and wire.address is None and self.control:
            self._address = self.control.start()
        elif wire.address and not self.control and (self.process or self._patience is not None):
            self._await_listening(self.address)

    @property
    def address(self) -> Address:
        """Where a service listens."""
        if self._address is None:
            raise LaunchError(f"{self.description.iut.name} is no service")
        return self._address

    def connect(self) -> TcpConnection:
        """A connection to a service. Raises TcpError."""
        return TcpConnection.connect(*self.address, self._deadline("reply"))

    def dial(self) -> TcpConnection:
        """A connection that the device dialled.

        Raises:
            LaunchError: it did not dial in time, or its command ended before.
            ControlError: it was asked on the control plane and could not.
        """
        wire = self.description.wire
        if self._listener is None:
            raise LaunchError(f"{self.description.iut.name} is no device")
        here, deadline = Address(self._listener.host, self._listener.port), self._deadline("dial")
        if self.control is not None and wire.connect == "control":
            self.control.connect(here)
        elif isinstance(wire.connect, tuple) and self._patience is None:
            command = self._run_dial(wire.connect, here)
            command.wait_end_or(self._listener.fileno(), deadline)
            ended = command.poll()
            if ended and (ended.crashed or ended.code):
                deadline = Deadline.after(0)
        try:
            return self._listener.accept(deadline)
        except TcpError as error:
            ends = [process.describe() for process in self.dials[-1:] if process.poll()]
            raise LaunchError(": ".join([str(error), *ends])) from error

    def dialled(self, deadline: Deadline) -> TcpConnection | None:
        """A connection that the device dialled unasked; None if none comes."""
        if self._listener is None:
            raise LaunchError(f"{self.description.iut.name} is no device")
        try:
            return self._listener.accept(deadline)
        except TcpError:
            return None

    def crash(self) -> Exit | None:
        """How a process of it crashed; None while none has."""
        ends = (process.poll() for process in (*self.dials, *([self.process] if self.process else [])))
        return next((end for end in ends if end and end.crashed), None)

    def restart(self) -> None:
        """Makes it forget all but its persistent state; a service listens again, perhaps elsewhere.

        Raises:
            LaunchError: it has no control plane.
            ControlError: it has, and could not.
        """
        if self.control is None:
            raise LaunchError(f"{self.description.iut.name} has no control plane")
        self.control.restart()
        if self._address is not None and self.description.wire.address is None:
            self._address = self.control.start()

    def close(self) -> None:
        """Ends everything that was started; a second call does nothing."""
        deadline = self._deadline("stop")
        if self.control is not None:
            self.control.close()
        for process in (*self.dials, *([self.process] if self.process else [])):
            process.stop(deadline)
        for listener in (self._listener, self._control_listener):
            if listener is not None:
                listener.close()

    def __enter__(self) -> "LaunchedIut":
        try:
            self.ready()
        except BaseException:  # Whatever it was, nothing is left running.
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _deadline(self, name: str) -> Deadline:
        seconds: float = getattr(self.description.timeouts, name)
        if self._patience is not None and name in ("start", "dial"):
            seconds = self._patience
        return Deadline.after(seconds)

    def _start(self) -> None:
        description, wire, control = self.description, self.description.wire, self.description.control
        if control.mode == "socket":
            self._control_listener = ControlListener(Address.parse(control.listen))
        if description.iut.role == "device":
            self._listener = TcpListener(*Address.parse(wire.listen))
        elif wire.address:
            self._address = Address.parse(wire.address)
        if self._patience is not None:
            if control.mode == "stdio":
                raise LaunchError("an adapter on standard input and output cannot be started by hand: use a socket")
        elif control.command:
            place = str(self._control_listener.address) if self._control_listener else ""
            command = [part.replace("{control}", place) for part in control.command]
            talks = control.mode == "stdio"
            self.process = Process(command, description.folder, talks=talks, variables=self._variables)
        elif wire.command:
            self.process = Process(wire.command, description.folder, variables=self._variables)

    def _greet(self) -> None:
        if self._control_listener:
            channel = self._control_listener.accept(self._started)
        else:
            assert self.process, "the description was checked"
            channel = LineChannel(*self.process.pipes())
        end = self.process.describe if self.process else str
        self.control = ControlClient(channel, self.description.timeouts.reply, end)
        self.hello = self.control.call("hello", self._started)
        role = self.hello["role"]
        if role != self.description.iut.role:
            raise LaunchError(f"the adapter is a {role}, the description says {self.description.iut.role}")

    def _run_dial(self, command: tuple[str, ...], here: Address) -> Process:
        arguments = [part.replace("{host}", here.host).replace("{port}", str(here.port)) for part in command]
        self.dials = [process for process in self.dials if (end := process.poll()) is None or end.crashed]
        self.dials.append(Process(arguments, self.description.folder, variables=self._variables))
        return self.dials[-1]

    def _await_listening(self, address: Address) -> None:
        """A foreign service does not say when it listens: dialling it is the only way to know."""
        while True:
            try:
                TcpConnection.connect(*address, self._started).close()
                return
            except TcpError as error:
                if self._started.passed:
                    raise LaunchError(f"{error} within the time to start") from error
            if self.process is None:
                select.poll().poll(_NEXT_TRY * 1000)
                continue
            with suppress(ProcessError):
                self.process.wait(Deadline.after(_NEXT_TRY))
                raise LaunchError(f"the service ended before it listened: {self.process.describe()}")
