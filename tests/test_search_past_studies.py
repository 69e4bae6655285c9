from __future__ import annotations

from pathlib import Path

import pytest
from support.fakes import SPACE, FakeSearcher, FakeTrainer, identity, keep_all

from hptune.errors import StudyError, UsageError
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.search.past_studies import learned_configurations, past_studies
from hptune.study import Study


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two finished studies."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a", "b")):
        with Study.create(Path("studies") / name, identity(seed=seed)) as study:
            study.open_pass(SPACE, proposal=None, origin="given")
            Engine(
                study=study,
                searcher=FakeSearcher(seed=seed),
                executor=InlineExecutor(FakeTrainer()),
                pass_ends=(90,),
                narrow=keep_all,
            ).run()
    return tmp_path


def test_auto_stands_for_all_other_studies(studies: Path) -> None:
    assert past_studies(["auto"], Path("studies/b")) == [Path("studies/a")]
    assert past_studies(["b"], Path("studies/c")) == [Path("studies/b")]
    assert past_studies([], Path("studies/c")) == []
    with pytest.raises(UsageError, match="no such study"):
        past_studies(["x"], Path("studies/c"))


def test_starts_are_good_configurations_inside_the_space(studies: Path) -> None:
    warm_starts = learned_configurations([Path("studies/a"), Path("studies/b")], SPACE)
    assert 1 <= len(warm_starts) <= 3
    for start in warm_starts:
        assert SPACE.problems(start.values) == []
        assert start.origin in ("from a", "from b")
    scores = []
    for name in ("a", "b"):
        with Study.open(Path("studies") / name) as study:
            scores += [t.score for t in study.trials() if t.score is not None]
    first = FakeTrainer.score(warm_starts[0].values, 9)
    assert first > sorted(scores)[len(scores) // 2]


def test_auto_passes_over_what_it_cannot_read_and_keeps_what_is_named(studies: Path) -> None:
    broken = Path("studies/broken")
    broken.mkdir()
    (broken / "study.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    assert past_studies(["auto"], (studies / "studies" / "b").absolute()) == [Path("studies/a")]
    assert past_studies(["b", "auto"], Path("studies/c")) == [Path("studies/b"), Path("studies/a")]
    with pytest.raises(StudyError):
        learned_configurations(past_studies(["broken"], Path("studies/c")), SPACE)
