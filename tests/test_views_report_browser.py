"""The report in a browser: brushed ranges, console, network, widths, colours and print.

Deselected unless asked for: `pytest -m browser`, after `apt-get install chromium chromium-driver`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.browser import Browser, browser
from support.studies import MLP, Recipe, build, confirm, versions

from hptune.__main__ import run
from hptune.space import Integer
from hptune.space.scales import Scale
from hptune.study import Study
from hptune.study.trial import Direction
from hptune.views.report import write_report

pytestmark = pytest.mark.browser

RECIPES = {
    "one": Recipe(trials=1, passes=1, seed=1),
    "twelve": Recipe(trials=12),
    "many": Recipe(trials=600, notes=versions()),
    "loss": Recipe(trials=40, objective="val_loss", direction=Direction.MIN),
    "infeasible": Recipe(trials=9, passes=1, infeasible=1.0),
    "confirmed": Recipe(trials=60, notes=versions()),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("studies")
    found = {}
    for name, recipe in RECIPES.items():
        with build(folder / name, recipe) as study:
            if name == "confirmed":
                confirm(study, [0.93, 0.96, 0.91])
            found[name] = write_report(study)
    return found


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def window(started: Browser) -> Browser:
    """The browser at the size of a desk, with nothing left of what was logged before."""
    started.size(1280, 900)
    started.colours("light")
    started.send("url", {"url": "about:blank"})
    started.log("browser")
    started.log("performance")
    return started


def grip(window: Browser, name: str) -> dict[str, float]:
    """Where an axis of the parallel coordinates is in the window."""
    found: dict[str, float] = window.run(
        """
        const axis = [...document.querySelectorAll('.paxis')].find((a) => a.dataset.name === arguments[0]);
        axis.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
        const box = axis.querySelector('line').getBoundingClientRect();
        return {x: box.left + box.width / 2, top: box.top, bottom: box.bottom};
        """,
        name,
    )
    return found


def brush(window: Browser, name: str, low: float, high: float) -> None:
    """Drag along an axis from `low` to `high` (0 at its bottom, 1 at its top)."""
    at = grip(window, name)
    height = at["bottom"] - at["top"]
    window.drag((at["x"], at["bottom"] - low * height), (at["x"], at["bottom"] - high * height))


def command(window: Browser) -> str:
    return str(window.run("return document.getElementById('narrow').textContent"))


def ranges(line: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What the command line makes of the brushed command: the new range of each hyperparameter."""
    capsys.readouterr()
    assert run([*shlex.split(line)[1:], "--dry-run", "--json"]) == 0
    return {m["name"]: m["new"] for m in json.loads(capsys.readouterr().out)["moves"] if m["by_user"]}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("width", [pytest.param(1280, id="desk"), pytest.param(375, id="phone")])
def test_a_page_logs_nothing_asks_for_nothing_and_fits(
    name: str, width: int, pages: dict[str, Path], window: Browser
) -> None:
    window.size(width, 800, phone=width < 600)
    window.open(pages[name])
    assert window.log("browser") == []
    assert window.requests() == [pages[name].resolve().as_uri()]
    assert window.run("return document.documentElement.scrollWidth") == width


def test_a_brush_on_a_log_axis_is_the_range_to_narrow_to(
    pages: dict[str, Path], window: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    window.open(pages["many"])
    assert command(window) == f"hptune narrow {pages['many'].parent}"
    brush(window, "learning_rate", 0.2, 0.6)
    line = command(window)
    assert line.startswith(f"hptune narrow {pages['many'].parent} --set learning_rate=")
    low, high = (float(end) for end in ranges(line, capsys)["learning_rate"].split(".."))
    # The axis spans 1e-5 to 1: a fifth of five decades is one.
    assert low == pytest.approx(1e-4, rel=0.1)
    assert high == pytest.approx(1e-2, rel=0.1)


def test_brushes_on_every_kind_of_axis_make_one_command_that_is_accepted(
    pages: dict[str, Path], window: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    window.open(pages["many"])
    for name in ("learning_rate", "momentum", "units", "layers", "dropout"):
        brush(window, name, 0.31, 0.83)
    brush(window, "optimizer", 0.4, 1.0)
    brush(window, "batch_size", 0.0, 0.55)
    found = ranges(command(window), capsys)
    assert set(found) == {
        "learning_rate", "momentum", "units", "layers", "dropout", "optimizer", "batch_size",
    }  # fmt: skip
    assert found["layers"] == "3..5"
    assert found["optimizer"] == "sgd,rmsprop"
    assert found["batch_size"] == "16,32,64"
    low, high = (float(end) for end in found["momentum"].split(".."))
    # 1 − x falls from 0.5 to 0.001 by equal factors.
    assert 1 - low == pytest.approx(0.5 * 0.002**0.31, rel=0.05)
    assert 1 - high == pytest.approx(0.5 * 0.002**0.83, rel=0.05)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        pytest.param(0.0, 1.0, "1..6", id="all"),
        pytest.param(0.3, 0.7, "3..4", id="the numbers inside"),
        pytest.param(0.3, 0.5, "3", id="one"),
        pytest.param(0.28, 0.37, "2", id="the nearest of none"),
    ],
)
def test_a_brush_on_whole_numbers_takes_those_whose_trials_it_keeps(
    low: float, high: float, text: str, pages: dict[str, Path], window: Browser
) -> None:
    window.open(pages["many"])
    brush(window, "layers", low, high)
    (told,) = [word for word in shlex.split(command(window)) if word.startswith("layers=")]
    assert told == f"layers={text}"


def test_a_brush_on_steps_takes_the_steps_inside(
    window: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubled = Integer(name="units", low=16, high=512, scale=Scale.LOG, step=2)
    with build(tmp_path / "s", Recipe(trials=12, passes=1, space=MLP.with_changes([doubled]))) as study:
        page = write_report(study)
    window.open(page)
    brush(window, "units", 0.3, 0.8)
    assert ranges(command(window), capsys) == {"units": "64..256"}


def test_a_phone_reads_each_hyperparameter_without_scrolling_sideways(
    pages: dict[str, Path], window: Browser
) -> None:
    window.size(390, 800, phone=True)
    window.open(pages["many"])
    widest = window.run(
        """
        const cells = [...document.querySelectorAll('.glance td, .glance th')];
        return Math.max(...cells.map((cell) => cell.getBoundingClientRect().right));
        """
    )
    assert widest <= 390
    shown = window.run(
        "return getComputedStyle(document.querySelector('.glance td[data-label=best]'), '::before').content"
    )
    assert "best" in shown


def test_a_confirmed_page_names_its_winner_first(pages: dict[str, Path], window: Browser) -> None:
    window.open(pages["confirmed"])
    lead = window.run("return document.querySelector('#verdict .lead').textContent")
    winner = lead.removeprefix("With fresh seeds trial ").split()[0]
    columns = window.run("return [...document.querySelectorAll('#best thead')].at(-1).textContent")
    assert columns.startswith(f"trial {winner}")
    steps = window.run(
        "return [...document.querySelectorAll('#verdict .command code')].map((c) => c.textContent)"
    )
    assert f"hptune export {pages['confirmed'].parent} --format keras" in steps
    assert not any(step.startswith("hptune confirm") for step in steps)


def test_a_brush_keeps_the_lines_inside_it_and_tells_the_best_of_them(
    pages: dict[str, Path], window: Browser
) -> None:
    window.open(pages["twelve"])
    brush(window, "learning_rate", 0.4, 0.9)
    with Study.open(pages["twelve"].parent) as study:
        trials = [t for t in study.trials(curves=False) if t.score is not None]
    low, high = 10 ** (-5 + 5 * 0.4), 10 ** (-5 + 5 * 0.9)
    inside = [t for t in trials if low <= float(t.values["learning_rate"]) <= high]
    best = max(inside, key=lambda t: t.score or 0.0)
    shown = window.run("return document.querySelectorAll('.parallel .lines path:not(.out)').length")
    assert shown == len(inside)
    told = window.run("return document.getElementById('brushed').textContent")
    assert told.startswith(f"{len(inside)} of the trials")
    assert f"trial {best.id})" in told


def test_a_press_on_an_axis_lets_its_brush_go(pages: dict[str, Path], window: Browser) -> None:
    window.open(pages["twelve"])
    brush(window, "units", 0.2, 0.8)
    assert "--set units=" in command(window)
    at = grip(window, "units")
    spot = (at["x"], (at["top"] + at["bottom"]) / 2)
    window.drag(spot, spot)
    assert "--set" not in command(window)


def test_a_brush_on_the_objective_filters_and_sets_nothing(pages: dict[str, Path], window: Browser) -> None:
    window.open(pages["twelve"])
    brush(window, "val_accuracy", 0.8, 1.0)
    assert "--set" not in command(window)
    assert window.run("return document.querySelectorAll('.parallel .lines path.out').length") > 0


def test_ranges_can_be_typed_instead(
    pages: dict[str, Path], window: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    window.open(pages["twelve"])
    window.run(
        """
        document.getElementById('ranges-form').closest('details').open = true;
        const inputs = [...document.querySelectorAll('#ranges-form fieldset')]
            .find((f) => f.querySelector('legend').textContent === 'learning_rate').querySelectorAll('input');
        [['0.001', 0], ['0.1', 1]].forEach(([value, i]) => {
            inputs[i].value = value;
            inputs[i].dispatchEvent(new Event('input', {bubbles: true}));
        });
        const box = [...document.querySelectorAll('#ranges-form label')]
            .find((label) => label.textContent.trim() === 'sgd').querySelector('input');
        box.click();
        """
    )
    found = ranges(command(window), capsys)
    assert found == {"learning_rate": "0.001..0.1", "optimizer": "adam,rmsprop"}


def test_the_table_sorts_and_shows_all_trials(pages: dict[str, Path], window: Browser) -> None:
    window.open(pages["many"])
    rows = "return document.querySelectorAll('#trial-table tbody tr').length"
    assert window.run(rows) == 50
    window.run("document.getElementById('show-all').click()")
    assert window.run(rows) == 600
    window.run("document.querySelector('#trial-table th button').click()")
    ids = window.run(
        "return [...document.querySelectorAll('#trial-table tbody th')].map((c) => c.textContent)"
    )
    assert ids == [str(n) for n in range(1, 601)]


def test_the_point_under_the_pointer_is_told(pages: dict[str, Path], window: Browser) -> None:
    window.open(pages["twelve"])
    at = window.run(
        """
        const best = document.querySelector('svg[data-hp="learning_rate"] circle.best');
        best.scrollIntoView({block: 'center', behavior: 'instant'});
        const box = best.getBoundingClientRect();
        return [box.left + box.width / 2, box.top + box.height / 2];
        """
    )
    window.drag((at[0] + 30, at[1]), (at[0], at[1]))
    told = window.run(
        "const hint = document.getElementById('hint'); return hint.hidden ? '' : hint.textContent"
    )
    with Study.open(pages["twelve"].parent) as study:
        assert told.startswith(f"trial {study.best(1)[0].id}, ")


def test_dark_and_light_pages_have_readable_text(pages: dict[str, Path], window: Browser) -> None:
    light = {}
    for scheme in ("light", "dark"):
        window.colours(scheme)
        window.open(pages["twelve"])
        for place in ("body", ".note", ".tick"):
            ratio = contrast(window, place)
            assert ratio >= 4.5, (scheme, place, ratio)
        light[scheme] = window.run("return getComputedStyle(document.body).backgroundColor")
    assert light["light"] != light["dark"]


def contrast(window: Browser, place: str) -> float:
    """WCAG 2's contrast ratio of a text against the page, 1 to 21."""
    colours = window.run(
        """
        const style = getComputedStyle(document.querySelector(arguments[0]));
        const ink = arguments[0] === '.tick' ? style.fill : style.color;
        return [ink, getComputedStyle(document.body).backgroundColor];
        """,
        place,
    )

    def luminance(colour: str) -> float:
        parts = [float(p) / 255 for p in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted(map(luminance, colours), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_no_text_of_an_axis_lies_on_another_or_outside_its_drawing(
    pages: dict[str, Path], window: Browser
) -> None:
    for name in RECIPES:
        window.open(pages[name])
        assert window.run(COLLISIONS) == [], name


COLLISIONS = """
const found = [];
for (const svg of document.querySelectorAll('svg.plot[role=img]')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((t) => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([a, box], i) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1) {
            found.push([svg.getAttribute('aria-label'), a, 'outside']);
        }
        for (const [b, other] of texts.slice(i + 1)) {
            const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
            const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
            if (across > 1 && down > 4) found.push([svg.getAttribute('aria-label'), a, b]);
        }
    });
}
return found;
"""


def test_it_prints_as_a_pdf_of_several_pages(pages: dict[str, Path], window: Browser, tmp_path: Path) -> None:
    window.open(pages["twelve"])
    window.print_to(tmp_path / "report.pdf")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") >= 4


def test_a_comparison_logs_nothing_and_asks_for_nothing(
    pages: dict[str, Path], window: Browser, tmp_path: Path
) -> None:
    folders = [str(pages[name].parent) for name in ("twelve", "many")]
    assert run(["compare", *folders, "-o", str(tmp_path / "both.html")]) == 0
    window.open(tmp_path / "both.html")
    assert window.log("browser") == []
    assert window.requests() == [(tmp_path / "both.html").as_uri()]
    assert window.run(COLLISIONS) == []
