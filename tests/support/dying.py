"""Processes that are killed at one step of what they write: an SQL statement, or a change of a file.

`killed_at` counts these from within, by SQLite's trace and Python's audit events, and needs nothing of the
system. `killed_at_call` sees every system call that changes something, as a debugger does (Linux, x86-64 and
AArch64, where processes may be traced), and can cut a write in half.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["countdown", "killed_at", "killed_at_call", "steps"]

_MOST_STEPS = 10_000
_CHANGES = {
    "os.rename": lambda args: True,
    "os.remove": lambda args: True,
    "os.mkdir": lambda args: True,
    "os.rmdir": lambda args: True,
    "os.link": lambda args: True,
    "os.symlink": lambda args: True,
    "os.truncate": lambda args: True,
    "open": lambda args: bool(args[2] & (os.O_WRONLY | os.O_RDWR)) if isinstance(args[2], int) else False,
}
"""Python's audit events of what changes files, and which of them do."""


def _work(action: Callable[[], object]) -> None:
    """Do it and end this process, with 1 where it fails."""
    try:
        action()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def countdown(step: int) -> Callable[..., None]:
    """Return what kills this process when it is called for the step-th time."""
    left = [step]

    def tick(_: object = None) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return tick


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Fork a process that does `action` and is killed as it begins its step-th change, from 1.

    Returns whether it was killed; False says that it has fewer steps and did all. Raises AssertionError where
    `action` fails.
    """
    pid = os.fork()
    if pid == 0:
        tick = countdown(step)

        def audit(event: str, args: tuple[Any, ...]) -> None:
            if event in _CHANGES and _CHANGES[event](args):
                tick()

        real: Callable[..., sqlite3.Connection] = sqlite3.connect

        def traced(*arguments: Any, **more: Any) -> sqlite3.Connection:
            database = real(*arguments, **more)
            database.set_trace_callback(tick)
            return database

        sqlite3.connect = traced  # type: ignore[assignment]
        sys.addaudithook(audit)
        _work(action)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed before it was killed"
    return os.WIFSIGNALED(status)


def steps(*, every: int = 1) -> Iterator[int]:
    """Count from 1; whoever asks for a step beyond the last ends the loop."""
    yield from range(1, _MOST_STEPS, every)
    raise AssertionError(f"more than {_MOST_STEPS} steps")


_TRACEME, _SYSCALL, _SETOPTIONS, _GETREGSET, _SETREGSET = 0, 24, 0x4200, 0x4204, 0x4205
_GET_SYSCALL_INFO = 0x420E
_OPTIONS = 0x1 | 0x100000
"""System calls are told from signals; the process ends with the one that traces it."""
_REGISTERS = 1
_AT_CALL = signal.SIGTRAP | 0x80
_NUMBERS = {
    "x86_64": "2 open 1 write 18 pwrite64 20 writev 74 fsync 75 fdatasync 76 truncate 77 ftruncate 82 rename"
    " 83 mkdir 84 rmdir 85 creat 87 unlink 257 openat 258 mkdirat 263 unlinkat 264 renameat 285 fallocate"
    " 296 pwritev 316 renameat2",
    "aarch64": "34 mkdirat 35 unlinkat 38 renameat 45 truncate 46 ftruncate 47 fallocate 56 openat 64 write"
    " 66 writev 68 pwrite64 70 pwritev 82 fsync 83 fdatasync 276 renameat2",
}
"""System calls that change files, or make changes last."""
_FLAGS = {"open": 1, "openat": 2}
"""Which argument says whether a file is made."""
_LENGTH = {"x86_64": 12, "aarch64": 2}
"""Where the registers hold the third argument, of a write how many bytes."""
_HALVED = ("write", "pwrite64")


def killed_at_call(step: int, action: Callable[[], object], *, halved: bool = False) -> str:
    """Fork a process that does `action` and is killed at its step-th system call that changes files, from 1.

    The call itself is not done. With `halved` only writes count, and the last one writes half of its bytes.
    Returns the call's name, "" where `action` has fewer and did all. Raises AssertionError where it fails.
    """
    pid = os.fork()
    if pid == 0:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _work(action)
    os.waitpid(pid, 0)
    _ptrace(_SETOPTIONS, pid, 0, _OPTIONS)
    words = _NUMBERS[platform.machine()].split()
    known = dict(zip(map(int, words[::2]), words[1::2], strict=True))
    count, passed_on, left = 0, 0, ""
    while True:
        _ptrace(_SYSCALL, pid, 0, passed_on)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            break
        passed_on = 0
        if os.WSTOPSIG(status) != _AT_CALL:
            passed_on = os.WSTOPSIG(status) if os.WSTOPSIG(status) != signal.SIGTRAP else 0
            continue
        if left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return left
        call = _changing_call(pid, known)
        if not call or (halved and call not in _HALVED):
            continue
        count += 1
        if count < step:
            continue
        left = call
        if halved:
            # It is let through with half of its bytes, and killed as it returns.
            _halve(pid)
            continue
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return call
    assert os.WIFEXITED(status), f"it ended by signal {os.WTERMSIG(status)}"
    assert os.WEXITSTATUS(status) == 0, "it failed before it was killed"
    return ""


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, address: int, data: int) -> int:
    result = int(_libc.ptrace(request, pid, address or None, data or None))
    if result < 0:
        raise OSError(ctypes.get_errno(), "processes may not be traced here")
    return result


def _changing_call(pid: int, known: Mapping[int, str]) -> str:
    """Return the system call that the process is about to do, "" for one that changes no file."""
    info = (ctypes.c_uint64 * 11)()
    _ptrace(_GET_SYSCALL_INFO, pid, ctypes.sizeof(info), ctypes.addressof(info))
    if info[0] & 0xFF != 1:
        return ""
    name = known.get(info[3], "")
    makes = name not in _FLAGS or info[4 + _FLAGS[name]] & (os.O_CREAT | os.O_TRUNC)
    return name if makes else ""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _halve(pid: int) -> None:
    registers = (ctypes.c_uint64 * 64)()
    vector = _Vector(ctypes.addressof(registers), ctypes.sizeof(registers))
    _ptrace(_GETREGSET, pid, _REGISTERS, ctypes.addressof(vector))
    registers[_LENGTH[platform.machine()]] //= 2
    _ptrace(_SETREGSET, pid, _REGISTERS, ctypes.addressof(vector))
