"""Runs a command in a process that may die, hang or be killed, and again without what it died of.

The process that watches calls no user code and loads nothing heavy. What the other one is about it hears
through a pipe (`data.under_way`).
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import FrameType

from hptune.data.under_way import Death, Watch, be_watched
from hptune.errors import ModelError, SearchInterruptedError, StudyError
from hptune.executors.deaths import die_with, how_it_died
from hptune.executors.time_limit import too_long

__all__ = ["WATCHED", "Watched", "begin_watched"]

WATCHED = "_HPTUNE_WATCHED"
"""The variable by which a process knows that it is watched, and where to read of what."""
MOST_DEATHS = 10
"""Deaths outside jobs after which a model is given up."""
GRACE_SECONDS = 2.0
"""How long a process has to end after Ctrl-C, or a job to end by itself after its time."""
SAY_AFTER_SECONDS = 60.0
"""After which it is said that a call has not returned."""
_LOOK_SECONDS = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class _Seen:
    """What was heard of one process."""

    under_way: str | None = None
    trains: bool = False
    """That is a job."""
    loads: bool = False
    """That may take any time."""
    since: float = 0.0
    took_too_long: str | None = None
    """What it was killed for."""
    said: bool = False
    """That it takes long."""
    code: int | None = None
    """What it exits with; None until it says so."""
    rest: bytes = b""


@dataclass(kw_only=True)
class Watched:
    """One command, run in as many processes as it takes."""

    arguments: Sequence[str]
    """Of `hptune`."""
    say: Callable[[str], None]
    limit: float | None = None
    """Seconds that a call of user code may take; None for no limit."""
    deaths: dict[str, Death] = field(default_factory=dict)
    """What earlier processes died of."""
    _has_study: bool = False
    _began: float = field(default_factory=time.monotonic)
    _runs: int = 0
    _calls_died: int = 0
    _arrived: list[int] = field(default_factory=list)
    """Signals that have come and were not looked at yet."""
    _asked: list[float] = field(default_factory=list)
    """When the person asked to stop."""

    def run(self) -> int:
        """Run the command to its end; returns its exit code.

        Raises SearchInterruptedError where its process had to be ended after Ctrl-C, ModelError where user
        code ends one process after the other, StudyError where one is killed that calls none.
        """
        handlers = {number: signal.signal(number, self._note_signal) for number in _SIGNALS}
        try:
            while True:
                seen, code = self._run_once()
                if seen.code is not None:
                    return seen.code
                self._note_death(seen, code)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _run_once(self) -> tuple[_Seen, int]:
        reading, writing = os.pipe()
        with tempfile.TemporaryFile() as letter:
            letter.write(json.dumps(self._letter(writing)).encode())
            letter.seek(0)
            # As this process found its modules, and nothing of the working directory.
            path = f"import sys; sys.path[:] = {sys.path!r}"
            code = f"{path}; from hptune.__main__ import main; main(sys.argv[1:])"
            process = subprocess.Popen(
                [sys.executable, "-c", code, *self.arguments],
                pass_fds=(letter.fileno(), writing),
                env={**os.environ, WATCHED: str(letter.fileno())},
            )
        os.close(writing)
        self._runs += 1
        seen = _Seen(since=time.monotonic())
        try:
            while process.poll() is None:
                self._hear(reading, seen, _LOOK_SECONDS)
                self._pass_on_signals(process)
                self._end_what_hangs(process, seen)
            self._hear(reading, seen, 0.0)
        finally:
            os.close(reading)
            if process.poll() is None:
                process.kill()
                process.wait()
        return seen, process.returncode

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)

    def _letter(self, writing: int) -> Mapping[str, object]:
        return {
            "told": writing,
            "parent": os.getpid(),
            "began": self._began,
            "again": self._runs > 0,
            "has_study": self._has_study,
            "deaths": {what: asdict(death) for what, death in self.deaths.items()},
        }

    def _hear(self, reading: int, seen: _Seen, seconds: float) -> None:
        """Take in what the process has told, waiting for it up to so many seconds."""
        while select.select([reading], [], [], seconds)[0]:
            data = os.read(reading, 65536)
            if not data:
                time.sleep(seconds)
                return
            *lines, seen.rest = (seen.rest + data).split(b"\n")
            for line in lines:
                kind, text = json.loads(line)
                self._take(kind, text, seen)
            seconds = 0.0

    def _take(self, kind: str, text: str, seen: _Seen) -> None:
        seen.since, seen.said = time.monotonic(), False
        if kind in ("load", "call", "job"):
            seen.under_way, seen.trains, seen.loads = text, kind == "job", kind == "load"
        elif kind == "end":
            seen.under_way = None
        elif kind == "study":
            self._has_study = True
        elif kind == "over":
            seen.code = int(text)

    def _pass_on_signals(self, process: subprocess.Popen[bytes]) -> None:
        """Hand on what was sent to this process alone; Ctrl-C on a terminal reaches both."""
        while self._arrived:
            number = self._arrived.pop(0)
            self._asked.append(time.monotonic())
            if number != signal.SIGINT or not _has_terminal():
                process.send_signal(number)

    def _end_what_hangs(self, process: subprocess.Popen[bytes], seen: _Seen) -> None:
        """Kill the process where it does not end when asked, or where user code does not return in time."""
        now, what = time.monotonic(), seen.under_way
        if what is None and seen.code is None and not self._asked:
            return
        # A job under way is given its epoch, until it is asked twice.
        asked = self._asked[what is not None and seen.trains :]
        if asked and now > asked[0] + GRACE_SECONDS:
            raise self._interrupted()
        if what is None:
            return
        taken = now - seen.since
        if self.limit is not None and not seen.loads and taken > self.limit + GRACE_SECONDS * seen.trains:
            self.deaths[what] = Death(times=1, reason=too_long(self.limit), final=True)
            seen.took_too_long = what
            process.kill()
        elif taken > SAY_AFTER_SECONDS and not seen.trains and not seen.said:
            seen.said = True
            more = "" if seen.loads else "; --trial-time limits it"
            self.say(f"{what}: no answer for {SAY_AFTER_SECONDS:.0f} s. Ctrl-C ends it{more}.")

    def _interrupted(self) -> SearchInterruptedError:
        return SearchInterruptedError(
            "what was trained is kept" if self._has_study else "nothing was trained yet"
        )

    def _note_death(self, seen: _Seen, code: int) -> None:
        if self._asked:
            raise self._interrupted()
        what, how = seen.took_too_long or seen.under_way, how_it_died(code)
        if what is None:
            raise StudyError(
                f"{how.replace('its', 'the', 1)} while it called no code of yours",
                hint="Nothing that was trained is lost: the same command resumes it.",
            )
        death = self.deaths.get(what)
        if death is None or not death.final:
            death = Death(times=1 if death is None else death.times + 1, reason=how)
            self.deaths[what] = death
        if seen.trains:
            if death.times == 1 and not death.final:
                self.say(f"{what}: {how}; it is tried once more")
            return
        self.say(f"{what}: {death.reason}")
        self._calls_died += 1
        if self._calls_died >= MOST_DEATHS:
            raise ModelError(
                f"{what}: {death.reason}, as {MOST_DEATHS} processes did so far",
                hint="Mend the code, or leave the values out that it can't take.",
            )


def begin_watched() -> None:
    """Be the watched process, where this one was started as such."""
    letter = os.environ.pop(WATCHED, None)
    if letter is None:
        return
    with os.fdopen(int(letter), "rb") as file:
        given = json.load(file)
    os.set_inheritable(given["told"], False)
    die_with(given.pop("parent"))
    deaths = {what: Death(**death) for what, death in given.pop("deaths").items()}
    be_watched(Watch(**given, deaths=deaths))


def _has_terminal() -> bool:
    """Return whether Ctrl-C on a terminal is sent to this process and those that it starts."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
