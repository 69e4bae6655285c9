"""One search of a made-up space over a study, from wherever that stands, without Keras."""

from __future__ import annotations

from pathlib import Path

from hptune.executors import Executor
from hptune.narrowing.propose import propose
from hptune.oracles.names import make_searcher
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.study import Study
from support.fakes import OBJECTIVE, SPACE, identity

__all__ = ["search_on"]


def search_on(
    folder: Path,
    executor: Executor,
    ends: tuple[int, ...],
    *,
    listener: Listener | None = None,
    stop: Stop | None = None,
) -> None:
    """Search until passes end at `ends` epochs, or until it is asked to stop."""
    study = Study.open(folder, read_only=False) if Study.exists(folder) else Study.create(folder, identity())
    with study:
        if not study.passes():
            study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=make_searcher(
                "coarse-to-fine", objective=OBJECTIVE, root=SPACE, epochs=9, budget=ends[-1], seed=0
            ),
            executor=executor,
            pass_ends=ends,
            narrow=lambda space, trials: propose(space, trials, OBJECTIVE, root=SPACE, epochs=9),
            listener=listener or Listener(),
            stop=stop or Stop(),
        ).run()
