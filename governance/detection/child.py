"""The scanning process: reads questions, answers with finds, until its input ends.

`python -m governance.detection.child`. It has no database and no keys, leaves no core file,
prints nothing, and gives way to the others on the machine.
"""

import ctypes
import os
import resource
import signal
import sys

import msgspec

from governance.detection import config
from governance.detection.analysis import Analyser
from governance.detection.frames import LENGTH, Answer, Question, write

PR_SET_PDEATHSIG = 1  # prctl(2), Linux


def main() -> None:
    """Answer until the other side closes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _die_with_parent()
    os.nice(10)
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever a library prints goes nowhere, and never into an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    analyser = Analyser(config.load())
    write(answers, Answer([], _resident()))
    while head := questions.read(LENGTH.size):
        (length,) = LENGTH.unpack(head)
        question = msgspec.msgpack.decode(questions.read(length), type=Question)
        found = analyser.analyse(question.texts, question.language, question.regions, question.names)
        plain = [[(one.start, one.end, one.entity, one.score, one.layer) for one in finds] for finds in found]
        write(answers, Answer(plain, _resident()))


def _die_with_parent() -> None:
    """Ask the kernel to kill this process with the one that started it, in the middle of a text too."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _resident() -> int:
    """Resident memory in bytes."""
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123
        return int(statm.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
