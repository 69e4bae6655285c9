"""All checks of one configuration, one after the other."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

from hptune.check.gradients import check_gradients
from hptune.check.norms import check_norms
from hptune.check.overfit import check_overfit
from hptune.check.prepare import build_ready, file_of
from hptune.check.report import CheckFinding, CheckReport, CheckSection, CheckVerdict, OnSection
from hptune.check.start import check_start
from hptune.check.throughput import check_throughput
from hptune.check.units import check_units
from hptune.data import Dataset
from hptune.data.under_way import Died, under_way
from hptune.errors import HptuneError, InputError, ModelError
from hptune.models.backend import keras, set_up
from hptune.models.model import Model
from hptune.space import Values
from hptune.training.failures import in_words
from hptune.training.feeds import as_floats

__all__ = ["run_checks"]


def _ignore(title: str) -> None:
    """Listen to nothing."""


def run_checks(
    dataset: Dataset,
    model: Model,
    values: Values | None = None,
    *,
    seed: int = 0,
    on_section: OnSection = _ignore,
) -> CheckReport:
    """Check one configuration of a model on a data set: by default, the one that a search starts with.

    Raises ModelError where the model can't be built; whatever else goes wrong in it is a finding.
    """
    began = time.monotonic()
    set_up(dataset.input_shape)
    values = model.space().defaults if values is None else values
    arrays = model.arrays(dataset, values).each(as_floats)
    if not arrays.is_plain:
        raise InputError(
            f"{dataset.name}: a check needs arrays: one input of numbers, a target for each row, no weights",
            hint="hptune search trains one batch before it begins, and says what does not fit.",
        )
    x, y = arrays.x, arrays.y
    with warnings.catch_warnings():
        # Weights without a gradient are reported by name here.
        warnings.filterwarnings("ignore", message="Gradients do not exist for variables")
        warnings.filterwarnings("ignore", message="The model does not have any trainable weights")
        try:
            with under_way(f"{model.name}: building it to check it"):
                built = build_ready(model, values, seed, arrays, dataset.task)
        except Died as died:
            raise ModelError(f"{model.name}: can't be built: {died}") from died
        size = model.batch_size(values, arrays.rows)
        checks: dict[tuple[str, str], Callable[[], CheckSection]] = {
            ("gradients", "gradients against differences"): lambda: check_gradients(
                model, values, arrays, dataset.task, seed=seed
            ),
            ("start", "loss at the start"): lambda: check_start(built, x, y, seed=seed),
            ("units", "units"): lambda: check_units(built, x, seed=seed),
            ("overfit", "overfit one batch"): lambda: check_overfit(built, x, y, seed=seed),
            ("norms", "gradient norms"): lambda: check_norms(built, x, y, batch_size=size, seed=seed),
            ("throughput", "batch size"): lambda: check_throughput(built, x, y, batch_size=size),
        }
        sections = []
        for (name, title), check in checks.items():
            on_section(title)
            before = time.monotonic()
            section = _guarded(check, model, title)
            seconds = time.monotonic() - before
            sections.append(replace(section, name=name, title=title, seconds=seconds))
    return CheckReport(
        data=dataset.name,
        model=model.name,
        values=dict(values),
        parameters=int(built.count_params()),
        backend=keras.backend.backend(),
        sections=tuple(sections),
        seconds=time.monotonic() - began,
    )


def _guarded(check: Callable[[], CheckSection], model: Model, title: str) -> CheckSection:
    """Run one check; an error of the model, or that a process died of it, is a finding."""
    try:
        with under_way(f"{model.name}: {title}"):
            return check()
    except HptuneError:
        raise
    except Exception as error:
        words = str(error) if isinstance(error, Died) else in_words(error, file_of(model))
        text = f"the model fails: {words}"
        finding = CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint="hptune search would fail alike.")
        return CheckSection(findings=(finding,))
