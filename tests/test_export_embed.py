"""What a script copies of us is whole, in an order that runs, and ours no longer."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from hptune.data.normalisation import statistics, variance_of
from hptune.export.embed import Copies, copied
from hptune.models.recipes import averaging
from hptune.training.epoch_rules import EpochRules
from hptune.training.random_numbers import reseed, shuffled


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Copies], Any]:
    """Run the imports and the copies as a module of their own."""

    def run(copies: Copies) -> Any:
        module = ModuleType("copies")
        # Dataclasses look their module up.
        monkeypatch.setitem(sys.modules, "copies", module)
        code = "\n".join(["from __future__ import annotations", *copies.imports, *copies.texts])
        exec(compile(code, "copies.py", "exec", dont_inherit=True), vars(module))
        return module

    return run


def test_a_copy_runs_by_itself_and_gives_the_same(run: Any) -> None:
    copies = copied(shuffled)
    assert len(copies.texts) == 1
    assert set(copies.imports) == {"import numpy as np", "from numpy.typing import NDArray"}
    assert run(copies).shuffled(3, 1, 9).tolist() == shuffled(3, 1, 9).tolist()


def test_what_a_function_needs_is_copied_before_it_and_once() -> None:
    copies = copied(variance_of, statistics, statistics)
    heads = [text.splitlines()[0].partition("(")[0] for text in copies.texts]
    assert heads[0] == "def variance_of"
    assert heads[-1] == "def statistics"
    assert set(heads[1:-1]) == {"class Normalisation", "_CHUNK_VALUES = 1 << 22", "def _chunks"}


def test_a_constant_keeps_what_is_said_of_it() -> None:
    (constant,) = [text for text in copied(statistics).texts if text.startswith("_CHUNK_VALUES")]
    assert constant.splitlines()[1].startswith('"""Values that are looked at')


def test_decorators_and_bases_come_along_and_remarks_for_our_tools_do_not() -> None:
    base, own = copied(averaging.RMSprop).texts
    assert base.startswith("class BiasCorrected:")
    assert own.startswith("@keras.saving.register_keras_serializable")
    assert "type: ignore" not in base + own


def test_what_comes_from_other_modules_of_ours_is_copied_too(run: Any) -> None:
    copies = copied(EpochRules)
    assert not any("hptune" in statement for statement in copies.imports)
    module = run(copies)
    rules = module.EpochRules(seed=0, training=module.Training(batch_size=8), objective=None)
    assert math.isnan(rules.rate)
    assert rules.note(1, {"loss": 2.0}) is False
    assert rules.curve == [{"loss": 2.0}]


def test_two_things_of_one_name_are_refused() -> None:
    copies = copied(reseed)
    copies.take("hptune.training.feeds", "__all__")
    with pytest.raises(AssertionError, match="__all__ is in"):
        copies.take("hptune.training.session", "__all__")
