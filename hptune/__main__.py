"""The command's entry: the one place where errors become words and exit codes."""

from __future__ import annotations

import atexit
import contextlib
import errno
import faulthandler
import io
import os
import sqlite3
import sys
import threading
from collections.abc import Sequence

import click

from hptune._text import printable
from hptune.errors import HptuneError, InputError, SearchInterruptedError, StudyError, UsageError

__all__ = ["main"]

INTERRUPTED = 130
_SHOWN = 40
"""Characters of a name that is too long that are shown."""
WATCHED = "_HPTUNE_WATCHED"
"""Set for a process that another one watches (`executors.watched`)."""
_MOST_THREADS = 4
"""How many threads are named."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `hptune` and exit with its code."""
    watched = WATCHED in os.environ
    if watched:
        from hptune.executors.watched import begin_watched

        begin_watched()
    else:
        # Where user code ends this process by a signal, that is all it can say.
        faulthandler.enable(all_threads=False)
    code = run(arguments)
    if watched:
        _tell_of_end(code)
    _leave_threads(code)
    sys.exit(code)


def _tell_of_end(code: int) -> None:
    """Tell the process that watches this one that it ends by itself."""
    from hptune.data.under_way import watch

    seen = watch()
    if seen is not None:
        seen.tell("over", str(code))


def _leave_threads(code: int) -> None:
    """End the process with its code where threads that user code began would keep it for ever.

    All is written by now. Those of a ThreadPoolExecutor end by themselves.
    """
    ours = threading.main_thread()
    left = [one for one in threading.enumerate() if not one.daemon and one is not ours and one.is_alive()]
    left = [one for one in left if not one.name.startswith("ThreadPoolExecutor-")]
    if not left:
        return
    names = [*(one.name for one in left[:_MOST_THREADS]), *(["…"] if len(left) > _MOST_THREADS else [])]
    _say(f"Your code left threads running, which end here: {', '.join(names)}.")
    _say("Begin them with daemon=True, or join them.")
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run `hptune` with `arguments` (those of the process by default); returns its exit code."""
    from hptune.cli.app import app

    try:
        _require_text(sys.argv[1:] if arguments is None else arguments)
        result = app.main(
            args=None if arguments is None else list(arguments),
            prog_name="hptune",
            standalone_mode=False,
            obj=None if arguments is None else list(arguments),
        )
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message())
        return 0
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        _say(usage.getvalue().rstrip("\n"))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output closed it early, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _tell(error)
    return result if isinstance(result, int) else 0


def _require_text(arguments: Sequence[str]) -> None:
    """Raise UsageError for bytes that are no UTF-8: no file that is written could name them."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{os.fsencode(argument)[:60]!r} is not UTF-8 text", hint="Rename the file."
            ) from None


def _tell(error: Exception) -> int:
    """Say what went wrong; returns the exit code."""
    if isinstance(error, HptuneError):
        if isinstance(error, SearchInterruptedError):
            _say(f"Interrupted: {error.message}.")
        else:
            _say_error(error.message)
        if error.hint:
            _say(error.hint)
        return error.exit_code
    if isinstance(error, sqlite3.DatabaseError):
        _say_of_database(error)
        return StudyError.exit_code
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        _say_error(f"{str(error.filename)[:_SHOWN]}…: the name is longer than file systems take")
        return InputError.exit_code
    import traceback

    _say("".join(traceback.format_exception(error)).rstrip())
    _say("This is a bug in hptune, not in what you gave it.")
    return 1


def _say_of_database(error: sqlite3.DatabaseError) -> None:
    from hptune.study.schema import is_damage

    _say_error(f"the study can't be read or written: {error}")
    if is_damage(error):
        _say("Archive it and start over with --fresh; nothing of it is deleted.")
    else:
        # Another holds it, or there is no room: nothing is wrong with the study itself.
        _say("Nothing that was trained is lost: the same command resumes it once that is mended.")


def _say(text: str) -> None:
    click.echo(printable(text), err=True)


def _say_error(text: str) -> None:
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {printable(text)}", err=True)


if __name__ == "__main__":
    main()
