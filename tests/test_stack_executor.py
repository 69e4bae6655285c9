"""Which jobs are trained together, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_stack import LOSS, Pair, results

from hptune.executors.stacked import StackedExecutor
from hptune.models import load_model
from hptune.recipes.calls import Call
from hptune.space import Space, Value
from hptune.stack.begin import first_weights
from hptune.stack.layout import Layout
from hptune.stack.structure import read
from hptune.trial import Job, Outcome, OutcomeState


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


class Noting:
    """Notes what it is asked to train alone."""

    def __init__(self) -> None:
        self.jobs: list[int] = []

    def run(self, job: Job, on_epoch: Any) -> Outcome:
        self.jobs.append(job.id)
        on_epoch(1, {})
        return Outcome(job_id=job.id, state=OutcomeState.DONE)


def group(pair: Pair, **values: Value) -> Any:
    found = read(pair.model.recipe({"units": 6, **values}))  # type: ignore[attr-defined]
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    "values",
    [
        {"learning_rate": 0.5},
        {"units": 64},
        {"dropout": 0.5},
        {"l2": 0.1},
        {"clipping": "clipnorm"},
        {"ema": True},
        {"kernel_initializer": "zeros"},
        {"beta_1": 0.1},
        {"schedule": "cosine"},
    ],
)
def test_what_is_a_number_of_each_does_not_part_configurations(pair: Pair, values: Any) -> None:
    assert group(pair, **values) == group(pair)


@pytest.mark.parametrize(
    "values",
    [
        {"layers": 3},
        {"units": 65},
        {"activation": "tanh"},
        {"optimizer": "sgd"},
        {"batch_size": 8},
        {"batch_normalization": True},
        {"input_normalization": "min-max"},
    ],
)
def test_what_is_part_of_the_graph_parts_configurations(pair: Pair, values: Any) -> None:
    assert group(pair, **values) != group(pair)


def test_what_is_not_known_is_not_stacked(pair: Pair) -> None:
    recipe = pair.model.recipe({})  # type: ignore[attr-defined]
    dense, *rest = recipe.layers[2:]
    strange = Call(name=dense.name, arguments={**dense.arguments, "kernel_constraint": "non_neg"})
    assert read(replace(recipe, layers=(*recipe.layers[:2], strange, *rest))) is None
    noise = Call(name="layers.GaussianNoise", arguments={"stddev": 0.1})
    assert read(replace(recipe, layers=(*recipe.layers[:3], noise, *recipe.layers[3:]))) is None
    decayed = Call(name=recipe.optimizer.name, arguments={**recipe.optimizer.arguments, "weight_decay": 0.1})
    assert read(replace(recipe, optimizer=decayed)) is None
    assert read(replace(recipe, optimizer=Call(name="optimizers.Lion"))) is None
    assert read(replace(recipe, name="cnn")) is None


@pytest.mark.parametrize(
    "values",
    [
        {"layers": 0},
        {"layers": 3, "units": 7, "dropout": 0.2},
        {"dropout": 0.2, "batch_normalization": True},
        {"batch_normalization": True, "batch_normalization_position": "after", "layers": 2},
        {"kernel_initializer": "he_uniform", "l2": 0.1},
        {"activation": "selu"},
    ],
)
def test_first_weights_are_those_of_the_model_itself(pair: Pair, values: Mapping[str, Value]) -> None:
    recipe = pair.model.recipe(values)  # type: ignore[attr-defined]
    found = read(recipe)
    assert found is not None
    layout = Layout(found[0].structure, 5, found[1].units)
    built = pair.model.build(values, seed=7).get_weights()
    ours = first_weights(recipe, layout, 7)
    assert len(ours) == len(built)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(ours, built, strict=True))


def test_a_model_of_another_kind_is_trained_one_job_at_a_time(pair: Pair) -> None:
    data = pair.parts[1]
    images = replace(
        data,
        train=replace(data.train, x=np.tile(data.train.x[:, :4], 4).reshape(-1, 4, 4, 1)),
        validation=replace(data.validation, x=np.tile(data.validation.x[:, :4], 4).reshape(-1, 4, 4, 1)),
    )
    model = load_model("cnn", images, space=Space(hyperparameters=()))
    noting = Noting()
    executor = StackedExecutor(noting, images, model, LOSS, most=2)
    jobs = [replace(pair.job(n, {}), values={}) for n in (1, 2)]
    outcomes = results(executor, [executor.submit(job, lambda *_: False) for job in jobs])
    assert noting.jobs == [1, 2]
    assert [outcome.job_id for outcome in outcomes] == [1, 2]


def test_jobs_of_several_structures_are_all_trained(pair: Pair) -> None:
    jobs = [pair.job(n, {"layers": 1 + n % 2}, epochs=1) for n in range(1, 6)]
    assert [o.state for o in pair.stacked(*jobs)] == [OutcomeState.DONE] * 5


def test_memory_bounds_how_many_are_trained_together(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hptune.executors.stacked._STACK_BYTES", 1)
    heard: list[int] = []

    def on_epoch(job: Job, epoch: int, report: Mapping[str, float]) -> bool:
        heard.append(job.id)
        return False

    pair.stacked(pair.job(1, {}, epochs=2), pair.job(2, {}, epochs=2), on_epoch=on_epoch)
    assert heard == [1, 1, 2, 2]


def test_where_memory_runs_out_each_is_trained_alone(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    from hptune.stack.stack import Stack

    def epoch(self: Stack) -> None:
        raise MemoryError

    monkeypatch.setattr(Stack, "epoch", epoch)
    noting = Noting()
    executor = StackedExecutor(noting, *pair.parts[1:], most=2)
    futures = [executor.submit(pair.job(n, {}), lambda *_: False) for n in (1, 2)]
    assert [o.state for o in results(executor, futures)] == [OutcomeState.DONE] * 2
    assert noting.jobs == [1, 2]


def test_a_bug_of_ours_is_raised(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    from hptune.stack.stack import Stack

    def epoch(self: Stack) -> None:
        raise AssertionError("a bug of ours")

    monkeypatch.setattr(Stack, "epoch", epoch)
    with pytest.raises(AssertionError, match="a bug of ours"):
        pair.stacked(pair.job(1, {}))


def test_all_end_after_the_epoch_when_asked_to_stop(pair: Pair) -> None:
    jobs = [
        pair.job(1, {}, epochs=3),
        pair.job(2, {}, epochs=3),
        pair.job(3, {"layers": 2}, epochs=3),
    ]
    outcomes = pair.stacked(*jobs, on_epoch=lambda job, epoch, report: epoch == 2)
    assert [o.state for o in outcomes] == [OutcomeState.INTERRUPTED] * 3
    assert [len(o.curve) for o in outcomes] == [2, 2, 0]
    assert [bool(o.checkpoint) for o in outcomes] == [True, True, False]
    on = pair.job(1, {}, "on", initial_epoch=2, epochs=3, checkpoint=outcomes[0].checkpoint)
    whole = pair.trainer.run(pair.job(1, {}, "whole", epochs=3))
    assert pair.stacked(on)[0].curve[0]["val_loss"] == pytest.approx(whole.curve[2]["val_loss"], rel=1e-4)


def test_a_job_that_had_not_begun_keeps_the_checkpoint_it_came_with(pair: Pair) -> None:
    (kept,) = pair.stacked(pair.job(2, {"layers": 2}, epochs=1))
    later = pair.job(2, {"layers": 2}, "later", initial_epoch=1, epochs=3, checkpoint=kept.checkpoint)
    _, outcome = pair.stacked(pair.job(1, {}), later, on_epoch=lambda *_: True)
    assert outcome.state is OutcomeState.INTERRUPTED
    assert outcome.checkpoint == kept.checkpoint


def test_the_next_stack_of_a_structure_needs_no_new_graph(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hptune.stack.tensorflow_graph import TensorFlowGraph

    traced: list[str] = []
    trace = TensorFlowGraph.trace

    def noting(self: TensorFlowGraph) -> None:
        traced.append(self.structure.optimizer)
        trace(self)

    monkeypatch.setattr(TensorFlowGraph, "trace", noting)
    executor = StackedExecutor(Noting(), *pair.parts[1:], most=3)
    for batch, units in enumerate(([5, 6, 7], [90, 70, 100], [5], [12, 3])):
        jobs = [pair.job(10 * batch + n, {"units": u}, epochs=1) for n, u in enumerate(units)]
        results(executor, [executor.submit(job, lambda *_: False) for job in jobs])
    assert traced == ["Adam"]
