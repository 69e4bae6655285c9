"""Debian's Chromium, driven over the WebDriver protocol (W3C) with nothing but the standard library."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers run as root; the only page it sees is our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
INSTALL = "apt-get update && apt-get install -y chromium chromium-driver"


class Browser:
    """One page in one browser."""

    def __init__(self, address: str, session: str) -> None:
        self._address = f"{address}/session/{session}"

    def send(self, path: str, content: dict[str, Any] | None = None, method: str = "POST") -> Any:
        return _send(f"{self._address}/{path}", content, method)

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.send("goog/cdp/execute", {"cmd": name, "params": parameters})

    def open(self, page: Path) -> None:
        self.send("url", {"url": page.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.send("execute/sync", {"script": script, "args": list(arguments)})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since the last call: browser (the console) or performance (the network)."""
        found: list[dict[str, Any]] = self.send("se/log", {"type": kind})
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.log("performance"))
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def colours(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one place of the window, move to another and let go."""
        steps = [
            {"type": "pointerMove", "duration": 0, "x": round(start[0]), "y": round(start[1])},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerMove", "duration": 30, "x": round(end[0]), "y": round(end[1])},
            {"type": "pointerUp", "button": 0},
        ]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        self.send("actions", {"actions": [mouse]})

    def picture(self, path: Path, *, clip: dict[str, float] | None = None) -> None:
        """Write a PNG of the whole page, or of a part of it."""
        if clip is None:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"]}
        taken = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip | {"scale": 1})
        path.write_bytes(base64.b64decode(taken["data"]))

    def print_to(self, path: Path) -> None:
        """Write a PDF."""
        made = self.command("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(made["data"]))


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a fresh profile; fails with the way to install it where there is none."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, found in programs.items() if found is None]
    if missing:
        raise RuntimeError(f"{' and '.join(missing)} not found; install them with: {INSTALL}")
    with tempfile.TemporaryDirectory() as profile:
        driver = subprocess.Popen(
            [str(programs["chromedriver"]), "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            address = f"http://127.0.0.1:{_port(driver)}"
            session = _send(f"{address}/session", {"capabilities": {"alwaysMatch": _wanted(profile)}}, "POST")
            opened = Browser(address, session["sessionId"])
            try:
                yield opened
            finally:
                _send(f"{address}/session/{session['sessionId']}", None, "DELETE")
        finally:
            driver.terminate()
            driver.wait(timeout=10)
            assert driver.stdout is not None
            driver.stdout.close()


def _wanted(profile: str) -> dict[str, Any]:
    return {
        "browserName": "chrome",
        "goog:chromeOptions": {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={profile}"],
        },
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }


def _port(driver: subprocess.Popen[str]) -> int:
    assert driver.stdout is not None
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
    raise RuntimeError("chromedriver ended before it listened")


def _send(url: str, content: dict[str, Any] | None, method: str) -> Any:
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    # No proxy: it talks to itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{url}: {error.read().decode()[:600]}") from error
