"""Child processes of a measurement: started with the platform's environment, asked, stopped.

A child is a module of this package that answers each line on its standard input with one line
of JSON. It ends when its input does, so none outlives the process that measures. A program is
a command of the platform's as an operator starts it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from api.processes import lane
from cdp.kernel.errors import Unavailable

MEGABYTE = 1024 * 1024
STOP_SECONDS = 20


class ChildDied(Unavailable):
    """A process of the benchmark ended before it was asked to; its words stand above."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process of the benchmark."""

    module: str
    process: "subprocess.Popen[str]"

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a question and wait for its answer. Raises `ChildDied`."""
        self.send(**question)
        return self.answer()

    def send(self, **question: Any) -> None:
        """Send a question; others may be asked before it is answered. Raises `ChildDied`."""
        assert self.process.stdin is not None, "opened with pipes"
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise ChildDied(module=self.module) from None

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer. Raises `ChildDied`."""
        assert self.process.stdout is not None, "opened with pipes"
        line = self.process.stdout.readline()
        if not line:
            raise ChildDied(module=self.module)
        found: dict[str, Any] = json.loads(line)
        return found

    @property
    def cpu(self) -> float:
        """CPU seconds used so far, in user and kernel mode."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class Program:
    """A running command of the platform's, looked at from outside.

    A worker's lanes are counted with it, its scanning process is not. Pages that processes
    share are counted in each.
    """

    command: str
    process: "subprocess.Popen[bytes]"

    @property
    def resident(self) -> float:
        """Resident memory at this moment, in MB of 2²⁰ bytes. Raises `ChildDied`."""
        if self.process.poll() is not None:
            raise ChildDied(module=self.command)
        return resident(self.process.pid) / MEGABYTE

    @property
    def peak(self) -> float:
        """The most that was ever resident in each process, summed, in MB of 2²⁰ bytes."""
        return sum(_peak(one.pid) for one in with_lanes(self.process.pid)) / MEGABYTE

    def has_loaded(self, packages: Collection[str]) -> set[str]:
        """Those of `packages` of which a compiled part is mapped into the process."""
        files = Path(f"/proc/{self.process.pid}/maps").read_text()
        return {one for one in packages if f"/{one}/" in files}


def with_lanes(pid: int) -> list[psutil.Process]:
    """A process, and those of its children that are lanes."""
    found = [psutil.Process(pid)]
    for one in found[0].children():
        with suppress(psutil.NoSuchProcess):  # A scanning process that was started anew.
            found += [one] if one.cmdline() == list(lane.PROGRAM) else []
    return found


def resident(pid: int) -> int:
    """Resident memory of a process and its lanes, in bytes."""
    return sum(one.memory_info().rss for one in with_lanes(pid))


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024


@contextmanager
def program(command: str, environment: Mapping[str, str], folder: Path) -> Iterator[Program]:
    """Run `cdp <command>` in `folder`, where no settings of a developer's lie, until the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", command],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield Program(command, process)
    finally:
        process.terminate()
        _ended(process)


@contextmanager
def child(module: str, environment: Mapping[str, str]) -> Iterator[Child]:
    """Run `python -m benchmarks.<module>` until the block is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}"],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Child(module, process)
    finally:
        assert process.stdin is not None, "opened with pipes"
        process.stdin.close()
        _ended(process)
        assert process.stdout is not None, "opened with pipes"
        process.stdout.close()


def _ended(process: "subprocess.Popen[Any]") -> None:
    """Wait until the process has ended, and end it where it does not."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(answer: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """The child's side: answer each line until the input ends."""
    for line in sys.stdin:
        reply(**answer(json.loads(line)))


def reply(**words: Any) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()
