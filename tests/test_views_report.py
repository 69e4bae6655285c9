"""The report's text and structure; what needs a browser is in test_views_report_browser.py."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.startup import heavy_modules
from support.studies import MLP, Recipe, build, versions

from hptune.errors import InputError, StudyError
from hptune.space import Choice, Float, Space
from hptune.study import Study
from hptune.study.trial import Direction, Objective
from hptune.views.plots.axis import score_axis
from hptune.views.report import render, write_report
from hptune.views.report.data import PLACES, page_data
from hptune.views.report.trials import MOST_ROWS
from hptune.views.report.verdict import verdict
from hptune.views.snapshot import Snapshot, read_snapshot

SECTIONS = [
    "verdict",
    "best",
    "ranges",
    "axes",
    "isolation",
    "importance",
    "parallel",
    "curves",
    "cost",
    "trials",
    "reproduce",
]


class Outline(HTMLParser):
    """The elements of a page, and whether they nest."""

    ALONE = ("meta", "link", "input", "br", "wbr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


RECIPES = {
    "one trial": Recipe(trials=1, passes=1, seed=1),
    "twelve trials": Recipe(trials=12),
    "sixty trials": Recipe(trials=60, notes=versions()),
    "a loss": Recipe(trials=40, objective="val_loss", direction=Direction.MIN),
    "nothing but infeasible": Recipe(trials=9, passes=1, infeasible=1.0),
    "no trial yet": Recipe(trials=0, passes=1),
    "trials under way": Recipe(trials=12, running=2),
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    found = {}
    for name, recipe in RECIPES.items():
        with build(tmp_path_factory.mktemp("study") / "digits-mlp", recipe) as study:
            found[name] = read_snapshot(study)
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_every_study_gives_all_sections_in_order_and_elements_that_nest(
    name: str, studies: dict[str, Snapshot]
) -> None:
    outline = Outline(render(studies[name]))
    assert [section["id"] for section in outline.all("section")] == SECTIONS
    assert outline.wrong == []
    assert outline.open == []


@pytest.mark.parametrize("name", RECIPES)
def test_no_number_on_the_page_is_missing(name: str, studies: dict[str, Snapshot]) -> None:
    page = render(studies[name])
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.S))
    assert not re.search(r"\b(nan|inf|None)\b", drawings)


def test_every_drawing_says_what_it_shows_and_every_id_is_unique(studies: dict[str, Snapshot]) -> None:
    outline = Outline(render(studies["sixty trials"]))
    drawings = [svg for svg in outline.all("svg") if "role" in svg]
    assert len(drawings) > 20
    assert all(svg["aria-label"] for svg in drawings)
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in outline.all("a")]
    assert all(link is not None and link[1:] in ids for link in links)


def test_the_page_names_no_other_place(studies: dict[str, Snapshot]) -> None:
    page = unescape(render(studies["sixty trials"]))
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_the_verdict_names_the_best_trial_and_the_study_in_its_commands(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    assert snapshot.best is not None
    page = render(snapshot)
    assert f"is trial {snapshot.best.id}: val_accuracy {snapshot.best.score:.5g}" in page
    commands = re.findall(r"<code[^>]*>(hptune narrow [^<]*)</code>", page)
    assert commands
    assert all(snapshot.folder in command for command in commands)


def test_what_luck_may_have_made_is_not_said_to_matter(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    first = next(i for i in snapshot.importances if i.rank == 1)
    assert first.share >= 0.05
    for chance, words in (
        (0.01, f"{first.name} most: "),
        (0.4, f"Not sure yet. {first.name} seems to matter most"),
    ):
        told = tuple(replace(i, p_value=chance) for i in snapshot.importances)
        again = replace(snapshot)
        again.__dict__["importances"] = told
        page = render(again)
        assert words in page
        assert ("a ? marks what is not significant" in page) == (chance > 0.1)


def test_what_the_rules_see_is_told_with_its_action_and_source(studies: dict[str, Snapshot]) -> None:
    page = render(studies["nothing but infeasible"])
    assert "could not be trained" in page
    assert "google-research/tuning_playbook" in page


def test_the_reasons_of_ranges_that_moved_are_told(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    moved = [m for p in snapshot.passes if p.proposal for m in p.proposal.changes] + list(
        snapshot.proposal.changes
    )
    assert moved
    page = render(snapshot)
    for move in moved:
        assert move.reason.replace("<", "&lt;") in page
    assert page.count("is a soft bound: half") == 1, "told once, above the plots"


def test_going_on_asks_for_more_trials_than_there_were(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    command = "hptune search 'my data.csv' --trials 6 --target y --trials=7"
    asked = replace(
        snapshot, notes=replace(snapshot.notes, command=command, budget=10 * snapshot.identity.epochs)
    )
    assert "hptune search 'my data.csv' --target y --trials 15" in unescape(verdict(asked).body)


def test_versions_data_and_command_stand_in_the_last_section(studies: dict[str, Snapshot]) -> None:
    last = render(studies["sixty trials"]).partition('id="reproduce"')[2]
    for words in ("3f1c9a7e52d04b18", "hptune search digits", "tensorflow", "2.21.0"):
        assert words in last


def test_examples_per_second_come_from_the_time_in_the_training_loop(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    timed = [s for s in snapshot.progress if s.epochs and s.fit_seconds]
    rate = 1437 * sum(s.epochs for s in timed) / sum(s.fit_seconds for s in timed)
    assert f"{rate:,.0f}" in render(snapshot)


def test_examples_are_not_counted_where_an_epoch_is_that_of_several_trainings(
    studies: dict[str, Snapshot],
) -> None:
    snapshot = studies["sixty trials"]
    assert "examples per second" in render(snapshot)
    folds = replace(snapshot, identity=replace(snapshot.identity, settings={"cv": 5}))
    assert "examples per second" not in render(folds)


def test_names_and_reasons_can_hold_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    space = Space(
        hyperparameters=(
            *MLP.hyperparameters,
            Float(name=f"a'b {evil}", low=0.0, high=1.0),
            Choice(name="mode", options=("</script>", 'q"uote', "comma,d")),
        )
    )
    with build(tmp_path, Recipe(trials=12, space=space, data=evil)) as study:
        page = render(read_snapshot(study))
    assert evil not in page
    assert Outline(page).wrong == []
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    assert data["axes"][-1]["options"] == ["</script>", '"q""uote"', '"comma,d"']


def test_the_pages_data_has_each_trial_once_best_first(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    data = json.loads(page_data(snapshot))
    assert sorted(data["trial"]) == [t.id for t in snapshot.trials]
    scores = [s for s in data["score"] if s is not None]
    assert scores == sorted(scores, reverse=True)
    assert data["score"][len(scores) :] == [None] * (len(snapshot.trials) - len(scores))
    for places in data["places"]:
        assert all(place is None or 0 <= place <= PLACES for place in places)


def test_many_trials_stay_a_small_page_with_a_short_table(tmp_path: Path) -> None:
    with build(tmp_path, Recipe(trials=400)) as study:
        page = write_report(study).read_text(encoding="utf-8")
    rows = page.partition('id="trial-table"')[2].partition("</table>")[0].count("<tr>")
    assert rows == MOST_ROWS + 1
    assert len(page) < 600_000


def test_a_report_appears_whole_in_the_studys_folder_or_where_it_is_asked(tmp_path: Path) -> None:
    with build(tmp_path / "s") as study:
        assert write_report(study) == tmp_path / "s" / "report.html"
        assert write_report(study, tmp_path / "other.html") == tmp_path / "other.html"
    assert (tmp_path / "other.html").read_text(encoding="utf-8").endswith("</html>\n")
    assert not list(tmp_path.rglob("*.tmp*"))


def test_a_report_that_cant_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with build(tmp_path / "s") as study:
        with pytest.raises(InputError, match="can't be written"):
            write_report(study, tmp_path / "file" / "report.html")
        assert write_report(study, tmp_path / "new folder" / "report.html").is_file()


def test_a_study_without_a_pass_has_no_report(tmp_path: Path) -> None:
    from support.studies import identity

    with (
        Study.create(tmp_path / "s", identity(Recipe())) as study,
        pytest.raises(StudyError, match="no pass has started"),
    ):
        write_report(study)


def test_writing_a_report_loads_nothing_heavy(tmp_path: Path) -> None:
    build(tmp_path / "s").close()
    code = (
        "from pathlib import Path\n"
        "from hptune.study import Study\n"
        "from hptune.views.report import write_report\n"
        f"with Study.open(Path({str(tmp_path / 's')!r})) as study: write_report(study)"
    )
    assert not {"tensorflow", "keras", "keras_tuner", "pandas", "plotly"} & set(heavy_modules(code))


def test_the_score_axis_reaches_down_to_three_times_the_best_halfs_spread() -> None:
    goal = Objective(name="val_accuracy", direction=Direction.MAX)
    scores = [0.9, 0.89, 0.88, 0.87, 0.86, 0.85, 0.84, 0.1]
    axis = score_axis("val_accuracy", scores, goal)
    assert axis.low == pytest.approx(0.9 - 3 * 0.04, abs=0.01)
    assert axis.high == pytest.approx(0.9, abs=0.01)


def test_the_score_axis_of_a_loss_is_cut_at_its_top() -> None:
    goal = Objective(name="val_loss", direction=Direction.MIN)
    scores = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 1e6]
    axis = score_axis("val_loss", scores, goal)
    assert axis.low < 0.1
    assert axis.high < 0.3


def test_a_hyperparameter_frozen_later_keeps_its_plots(tmp_path: Path) -> None:
    from hptune.space import Fixed

    with build(tmp_path, Recipe(trials=12, passes=1)) as study:
        frozen = Fixed(name="dropout", value=0.2)
        study.open_pass(MLP.with_changes([frozen]), proposal=None, origin="given")
        snapshot = read_snapshot(study)
    assert "dropout" in [hp.name for hp in snapshot.hyperparameters]
    assert snapshot.axes["dropout"].span(frozen) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert Outline(render(snapshot)).wrong == []


def test_another_folders_name_is_quoted_for_the_shell(studies: dict[str, Snapshot]) -> None:
    snapshot = replace(studies["twelve trials"], folder="my studies/a b")
    assert "hptune narrow 'my studies/a b'" in render(snapshot)


def test_the_verdict_says_whether_the_lead_may_be_luck(studies: dict[str, Snapshot]) -> None:
    snapshot = studies["sixty trials"]
    assert snapshot.best_margin is not None
    close = replace(
        snapshot.best_margin, rivals=tuple(replace(r, p_value=0.4) for r in snapshot.best_margin.rivals)
    )
    safe = replace(
        snapshot.best_margin, rivals=tuple(replace(r, p_value=0.0) for r in snapshot.best_margin.rivals)
    )
    for best_margin, words in (
        (close, "small enough to be luck"),
        (safe, "larger than the noise between epochs"),
    ):
        again = replace(snapshot)
        again.__dict__["best_margin"] = best_margin
        assert words in render(again)
