"""What fits a model where it is not Keras's own fit with what a search gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hptune.tuner.fit_arguments import FitArguments

__all__ = ["bound_fit"]


def bound_fit(given: FitArguments, own_fit: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """Return what fits a model where it is not Keras's fit with what a search gives it."""
    if given.whole is not None and own_fit is not None:
        args, keywords = given.whole

        def whole(hp: Any, model: Any, *_: Any, **of_search: Any) -> Any:
            # The rows that stand for the data are none that it knows.
            of_search = {n: v for n, v in of_search.items() if n not in ("validation_data", "sample_weight")}
            return own_fit(hp, model, *args, **{**of_search, **keywords})

        return whole
    if own_fit is not None and given.more:

        def with_more(hp: Any, model: Any, *args: Any, **keywords: Any) -> Any:
            return own_fit(hp, model, *args, **{**keywords, **given.more})

        return with_more
    if own_fit is not None or not given.more:
        return own_fit

    def fit(hp: Any, model: Any, *args: Any, **keywords: Any) -> Any:
        return model.fit(*args, **{**keywords, **given.more})

    return fit
