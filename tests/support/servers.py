"""Servers of other tools on a port of this machine, asked as a browser would ask them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE = 120.0
"""Seconds in which a server must answer."""


@contextmanager
def serving(command: Sequence[str], log: Path) -> Iterator[str]:
    """Start a server and give its address; PORT in the command is a free one. It alone is ended."""
    port = _free_port()
    with log.open("wb") as file:
        server = subprocess.Popen(
            [part.replace("PORT", str(port)) for part in command],
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(server, address, log)
            yield address
        finally:
            # What it started itself is in its session, and nothing else.
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(timeout=20)


def asked(url: str, content: dict[str, Any] | None = None) -> Any:
    """The JSON that a server answers."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with _opener().open(request, timeout=60) as answer:
        return json.load(answer)


def _opener() -> urllib.request.OpenerDirector:
    # No proxy: it talks to this machine.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}:\n{log.read_text()}")
        try:
            _opener().open(address, timeout=5).close()
        except urllib.error.HTTPError as answered:
            answered.close()
            return
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"the server did not answer:\n{log.read_text()}")
