"""Which loggers a search has, by its options."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from hptune.bridges.loggers import Logging, TrialLogger
from hptune.errors import UsageError, did_you_mean
from hptune.search.events import Listener, Listeners

__all__ = ["GROUP", "Loggers", "with_loggers"]

GROUP = "hptune.loggers"
"""Entry points of other packages: each makes a `TrialLogger` without arguments."""


@dataclass(frozen=True, kw_only=True)
class Loggers:
    """Where trials are shown beside the study; "" for the tool's own default place, None for nowhere."""

    tensorboard: Path | None = None
    mlflow: str | None = None
    wandb: str | None = None
    named: tuple[str, ...] = ()
    """Loggers of other packages, by the names of their entry points."""


@contextmanager
def with_loggers(listener: Listener, wanted: Loggers) -> Iterator[Listener]:
    """Give a listener that logs as well; at the end everything is logged, or it is said what is not.

    Raises UsageError for a logger that no package has.
    """
    makers = _makers(wanted)
    if not makers:
        yield listener
        return
    with ExitStack() as stack:
        loggings = [Logging(make, name, listener.on_warning) for name, make in makers.items()]
        for one in loggings:
            stack.callback(one.close)
        yield Listeners(listener, *loggings)


def _makers(wanted: Loggers) -> dict[str, Callable[[], TrialLogger]]:
    makers: dict[str, Callable[[], TrialLogger]] = {}
    if wanted.tensorboard is not None:
        from hptune.bridges.to_tensorboard import TensorBoardLogger

        makers["TensorBoard"] = partial(TensorBoardLogger, wanted.tensorboard)
    if wanted.mlflow is not None:
        from hptune.bridges.to_mlflow import MLflowLogger

        makers["MLflow"] = partial(MLflowLogger, wanted.mlflow)
    if wanted.wandb is not None:
        from hptune.bridges.to_wandb import WandbLogger

        makers["W&B"] = partial(WandbLogger, wanted.wandb)
    if wanted.named:
        found = {point.name: point for point in entry_points(group=GROUP)}
        for name in wanted.named:
            if name not in found:
                raise UsageError(f"--logger {name}: no package has it", hint=did_you_mean(name, found))
            makers[name] = _loading(found[name].load)
    return makers


def _loading(load: Callable[[], Callable[[], TrialLogger]]) -> Callable[[], TrialLogger]:
    # Imported in the logger's own thread, where a failure ends nothing.
    return lambda: load()()
