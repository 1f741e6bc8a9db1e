"""A described implementation, running: its processes, its control plane, and the two ways to a TCP connection.

A service is reached at `address`; a device is made to dial by `dial`, whichever way its description names.
"""

from types import TracebackType

from ..deadline import Deadline
from ..peer.tcp import NotReachable, TcpConnection, TcpError, TcpListener
from .address import Address
from .channel import LineChannel
from .control import ControlClient, ControlListener
from .description import Description
from .process import Process, ProcessError

_NEXT_TRY = 0.02


class LaunchError(Exception):
    """The implementation under test did not come up, or did not dial: a fault of the set-up, not a verdict."""


class LaunchedIut:
    """Starts what the description names; `control` is None without a control plane, `process` without a command."""

    def __init__(self, description: Description) -> None:
        """Raises LaunchError, ProcessError or ControlError."""
        self.description = description
        self.process: Process | None = None
        self.control: ControlClient | None = None
        self._listener: TcpListener | None = None
        self._dials: list[Process] = []
        self._address: Address | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

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
        elif isinstance(wire.connect, tuple):
            command = self._run_dial(wire.connect, here)
            command.wait_end_or(self._listener.fileno(), deadline)
            ended = command.poll()
            if ended and (ended.crashed or ended.code):
                deadline = Deadline.after(0)
        try:
            return self._listener.accept(deadline)
        except TcpError as error:
            ends = [process.describe() for process in self._dials[-1:] if process.poll()]
            raise LaunchError(": ".join([str(error), *ends])) from error

    def close(self) -> None:
        """Ends everything that was started; a second call does nothing."""
        deadline = self._deadline("stop")
        if self.control is not None:
            self.control.close()
        for process in (*self._dials, *([self.process] if self.process else [])):
            process.stop(deadline)
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> "LaunchedIut":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _deadline(self, name: str) -> Deadline:
        return Deadline.after(getattr(self.description.timeouts, name))

    def _start(self) -> None:
        description, deadline = self.description, self._deadline("start")
        if description.control.mode != "none":
            self._start_control(deadline)
        elif description.wire.command:
            self.process = Process(description.wire.command, description.folder)
        if description.iut.role == "device":
            self._listener = TcpListener(*Address.parse(description.wire.listen))
        elif description.wire.address:
            self._address = Address.parse(description.wire.address)
            if self.process and self.control is None:
                self._await_listening(self.process, self._address, deadline)
        elif self.control is not None:
            self._address = self.control.start()

    def _start_control(self, deadline: Deadline) -> None:
        control, timeout = self.description.control, self.description.timeouts.reply
        if control.mode == "stdio":
            assert control.command, "the description was checked"
            self.process = Process(control.command, self.description.folder, talks=True)
            channel = LineChannel(*self.process.pipes())
        else:
            listener = ControlListener(Address.parse(control.listen))
            try:
                if control.command:
                    command = [part.replace("{control}", str(listener.address)) for part in control.command]
                    self.process = Process(command, self.description.folder)
                channel = listener.accept(deadline)
            finally:
                listener.close()
        self.control = ControlClient(channel, timeout, self.process.describe if self.process else str)
        hello = self.control.call("hello", deadline)
        if hello["role"] != self.description.iut.role:
            raise LaunchError(f"the adapter is a {hello['role']}, the description says {self.description.iut.role}")

    def _run_dial(self, command: tuple[str, ...], here: Address) -> Process:
        arguments = [part.replace("{host}", here.host).replace("{port}", str(here.port)) for part in command]
        self._dials = [process for process in self._dials if process.poll() is None]
        self._dials.append(Process(arguments, self.description.folder))
        return self._dials[-1]

    def _await_listening(self, process: Process, address: Address, deadline: Deadline) -> None:
        """A foreign service does not say when it listens: dialling it is the only way to know."""
        while True:
            try:
                TcpConnection.connect(*address, deadline).close()
                return
            except NotReachable as error:
                if deadline.passed:
                    raise LaunchError(f"{error} within the time to start") from error
            try:
                process.wait(Deadline.after(_NEXT_TRY))
            except ProcessError:
                continue
            raise LaunchError(f"the service ended before it listened: {process.describe()}")
