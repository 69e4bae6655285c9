"""Make the pictures in docs/screenshots from a real search on the bundled digits.

    python docs/screenshots.py [FOLDER]

FOLDER is a working directory that holds studies/digits-mlp; without it a search is run first, and its best
are confirmed, which takes some minutes. Needs Debian's chromium and chromium-driver, and pexpect.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import pexpect  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402
from support.browser import Browser, browser  # noqa: E402 - shared with the tests

from hptune.study import Study  # noqa: E402
from hptune.views.report import write_report  # noqa: E402

SEARCH = ["search", "digits", "--passes", "3", "--trials", "24", "--epochs", "18"]
CONFIRM = ["confirm", "--top", "3", "--seeds", "5"]
ANSWERS = {"edit": r"quit \?: $", "1e-3..1e-2": r"back\): $", "done": r"quit \?: $"}
"""What is typed in the picture of the dialogue, each with the end of its question."""
PICTURES = ROOT / "docs" / "screenshots"
WIDTH = 1280


def main() -> None:
    """Search if need be, write the report and take the pictures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        os.chdir(folder)
        if not Study.exists(Path("studies/digits-mlp")):
            subprocess.run([sys.executable, "-m", "hptune", *SEARCH], check=True)
            subprocess.run([sys.executable, "-m", "hptune", *CONFIRM], check=True)
        with Study.open(Path("studies/digits-mlp")) as study:
            report = write_report(study, Path(temporary) / "report.html")
        PICTURES.mkdir(exist_ok=True)
        terminal = Path(temporary) / "terminal.html"
        terminal.write_text(as_page(dialogue()), encoding="utf-8")
        with browser() as window:
            take(window, report)
            picture_of(window, terminal, PICTURES / "narrow.png")


def dialogue() -> str:
    """Return what a terminal shows while the next pass is steered; what that writes is undone."""
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    env |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    command = ["-m", "hptune", "narrow"]
    child = pexpect.spawn(
        sys.executable, command, env=env, dimensions=(24, 80), encoding="utf-8", timeout=120
    )
    shown = "$ hptune narrow\r\n"
    for answer, question in ANSWERS.items():
        child.expect(question)
        shown += child.before + child.after
        child.sendline(answer)
    child.expect(pexpect.EOF)
    Path("studies/digits-mlp/next-pass.yaml").unlink()
    return shown + str(child.before)


def as_page(shown: str) -> str:
    """Return what a terminal showed as a page, with its colours."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown.replace("\r\n", "\n")))
    style = "margin:0;padding:14px 18px;font:15px/1.25 'DejaVu Sans Mono',monospace;display:inline-block"
    form = f"<body style='margin:0;background:#fff'><pre style=\"{style}\">{{code}}</pre></body>"
    return "<!DOCTYPE html><meta charset='utf-8'>" + console.export_html(inline_styles=True, code_format=form)


def picture_of(window: Browser, page: Path, path: Path) -> None:
    """Take a picture of a page as large as what stands on it."""
    window.size(WIDTH, 800)
    window.open(page)
    width, height = window.run(
        "const box = document.querySelector('pre').getBoundingClientRect(); return [box.width, box.height]"
    )
    window.picture(path, clip={"x": 0, "y": 0, "width": width, "height": height})


def take(window: Browser, report: Path) -> None:
    """Take each picture in the window that shows it best."""
    window.size(WIDTH, 800)
    window.open(report)
    window.picture(PICTURES / "report-verdict.png", clip=section(window, "verdict", header=True))
    window.picture(PICTURES / "report-ranges.png", clip=section(window, "ranges", most=760))
    window.picture(PICTURES / "report-axes.png", clip=section(window, "axes", most=760))
    brush(window, "learning_rate_sgd", 0.5, 0.85)
    window.picture(PICTURES / "report-parallel.png", clip=section(window, "parallel"))
    window.colours("dark")
    window.open(report)
    window.picture(PICTURES / "report-dark.png", clip=section(window, "curves", most=760))
    window.colours("light")
    window.size(375, 800, phone=True)
    window.open(report)
    window.picture(PICTURES / "report-phone.png", clip=section(window, "axes", most=800))


def section(window: Browser, name: str, *, most: float = 1400, header: bool = False) -> dict[str, float]:
    """Return where a section of the page is, cut to `most` of its height."""
    top, bottom, width = window.run(
        """
        const box = document.getElementById(arguments[0]).getBoundingClientRect();
        return [box.top + scrollY, box.bottom + scrollY, document.documentElement.clientWidth];
        """,
        name,
    )
    top = 0 if header else top
    return {"x": 0, "y": top, "width": width, "height": min(bottom - top, most)}


def brush(window: Browser, name: str, low: float, high: float) -> None:
    """Choose a part of an axis of the parallel coordinates."""
    x, top, bottom = window.run(
        """
        const axis = [...document.querySelectorAll('.paxis')].find((a) => a.dataset.name === arguments[0]);
        axis.scrollIntoView({block: 'center', behavior: 'instant'});
        const box = axis.querySelector('line').getBoundingClientRect();
        return [box.left + box.width / 2, box.top, box.bottom];
        """,
        name,
    )
    height = bottom - top
    window.drag((x, bottom - low * height), (x, bottom - high * height))


if __name__ == "__main__":
    main()
