"""The scanner: asks the scanning process, and never takes silence for clean (F7).

One process, started when first asked, killed when it is late, has died or has grown, and
then started anew. Whoever gets no answer gets `NotScanned` for each text, with the reason.
Imports neither Presidio nor spaCy. Safe to use from several threads.
"""

import os
import re
import selectors
import struct
import subprocess
import threading
from collections.abc import Sequence
from time import monotonic
from typing import IO

import msgspec

from cdp.kernel import programs
from cdp.kernel.errors import Unavailable
from cdp.kernel.logs import log
from cdp.vocabulary import Find
from governance.detection.config import Config
from governance.detection.frames import LARGEST, LENGTH, Answer, Question, write

START_SECONDS = 60.0
_SURROGATE = re.compile("[\ud800-\udfff]")
_MODULE = "governance.detection.child"
_OURS = ("CDP_", "PG")  # settings of the platform, and of libpq


class DetectorUnavailable(Unavailable, http=False):
    """The detector cannot be started; texts stay unscanned, withheld. `cdp doctor` says what is missing."""


class UnknownLanguage(ValueError):
    """The detector has no layers for this language."""


class Late(Exception):
    """The scanning process did not answer in time."""


class Died(Exception):
    """The scanning process ended, or answered nonsense."""


class Scanner:
    """A scanning process that is restarted when it fails; each failure is somebody's quarantine."""

    def __init__(self, config: Config, *, program: Sequence[str] = programs.program(_MODULE)) -> None:
        self._config = config
        self._program = list(program)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def __repr__(self) -> str:
        return f"Scanner({self._config.version})"

    def __enter__(self) -> "Scanner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """Of the detector: its configuration and what it runs on."""
        return self._config.version

    @property
    def pid(self) -> int | None:
        """Of the scanning process, if there is one."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the scanning process."""
        with self._lock:
            self._kill()

    def scan(
        self,
        texts: Sequence[str],
        language: str = "en",
        regions: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> list[list[Find] | str]:
        """The finds of each text; a word instead (`too_long`, `timeout`, `crash`): it was not scanned.

        Numbers without a country are at home in `regions`, besides the configured ones. `names` are
        what the field of each text is called, an empty one if it has no name.
        Texts that make the process late or kill it are found by asking for each alone.
        Raises `DetectorUnavailable` when the process cannot be started at all.
        """
        if language not in self._config.languages:
            raise UnknownLanguage(language)
        results: list[list[Find] | str] = ["too_long"] * len(texts)
        question: list[int] = []
        size = 0
        limits = self._config.limits
        at_home = list(dict.fromkeys((*regions, *self._config.home_regions)))
        asked = Question(language, at_home, list(texts), list(names))
        for number, text in enumerate(texts):
            if len(text) > limits.characters:
                continue
            if question and (size + len(text) > limits.question or len(question) == limits.texts):
                self._into(results, question, asked)
                question, size = [], 0
            question.append(number)
            size += len(text)
        if question:
            self._into(results, question, asked)
        return results

    def _into(self, results: list[list[Find] | str], numbers: Sequence[int], asked: Question) -> None:
        """Ask for some texts together; if that fails, for each alone."""
        try:
            answers: Sequence[list[Find] | str] = self._ask(numbers, asked)
        except (Late, Died) as failure:
            if len(numbers) > 1:
                for number in numbers:
                    self._into(results, [number], asked)
                return
            reason = "timeout" if isinstance(failure, Late) else "crash"
            log().warning("scan_failed", reason=reason, size=len(asked.texts[numbers[0]]))
            answers = [reason]
        for number, answer in zip(numbers, answers, strict=True):
            results[number] = answer

    def _ask(self, numbers: Sequence[int], asked: Question) -> list[list[Find]]:
        """One question, one answer. Raises `Late` or `Died`; the process is gone then."""
        # Half a surrogate pair is no character; the answer's places stay those of the text as given.
        texts = [_SURROGATE.sub("\ufffd", asked.texts[n]) for n in numbers]
        names = [_SURROGATE.sub("\ufffd", asked.names[n]) for n in numbers] if asked.names else []
        question = Question(asked.language, asked.regions, texts, names)
        patience = self._config.limits.patience(sum(map(len, texts)))
        with self._lock:
            process = self._running()
            try:
                answer = self._exchange(process, question, monotonic() + patience)
                if len(answer.finds) != len(texts):
                    raise Died
            except BaseException:
                self._kill()
                raise
            self._asked += 1
            limits = self._config.limits
            if self._asked >= limits.questions or answer.resident > limits.mebibytes << 20:
                self._kill()
        return [[Find(*one) for one in finds] for finds in answer.finds]

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        # It reads texts and nothing else: no address of the database, no password of the platform.
        environment = {name: word for name, word in os.environ.items() if not name.startswith(_OURS)}
        environment |= {"PYTHONPATH": programs.import_path()}
        try:
            process = subprocess.Popen(
                self._program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError:
            raise DetectorUnavailable from None
        self._process, self._asked = process, 0
        try:
            self._read(process, monotonic() + START_SECONDS)
        except (Late, Died):
            self._kill()
            raise DetectorUnavailable from None
        return process

    def _exchange(self, process: "subprocess.Popen[bytes]", question: Question, end: float) -> Answer:
        assert process.stdin is not None, "made with a pipe"
        # A process that hangs does not read either, and a pipe holds little.
        sender = threading.Thread(target=_send, args=(process.stdin, question), daemon=True)
        sender.start()
        return self._read(process, end)

    def _read(self, process: "subprocess.Popen[bytes]", end: float) -> Answer:
        assert process.stdout is not None, "made with a pipe"
        (length,) = LENGTH.unpack(_exactly(process.stdout, LENGTH.size, end))
        if length > LARGEST:
            raise Died
        try:
            return msgspec.msgpack.decode(_exactly(process.stdout, length, end), type=Answer)
        except msgspec.DecodeError:
            raise Died from None

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _shut(stream)


def _send(stream: IO[bytes], question: Question) -> None:
    try:
        write(stream, question)
    except (OSError, ValueError, struct.error):
        # The process is gone; whoever waits for its answer will notice.
        return


def _shut(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        # What was still to be sent to a dead process is lost with it.
        return


def _exactly(stream: IO[bytes], size: int, end: float) -> bytes:
    """Read `size` bytes until `end`. Raises `Late` or `Died`."""
    parts: list[bytes] = []
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while size:
            if not selector.select(max(0.0, end - monotonic())):
                raise Late
            part = os.read(stream.fileno(), size)
            if not part:
                raise Died
            parts.append(part)
            size -= len(part)
    return b"".join(parts)
