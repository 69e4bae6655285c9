"""Optuna's own client, which is an extra."""

from __future__ import annotations

from typing import Any

from hptune.errors import InputError

__all__ = ["optuna_client"]


def optuna_client() -> Any:
    """Return the module optuna, which logs warnings alone; raises InputError where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError("optuna is not installed", hint="pip install 'hptune[optuna]' brings it.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
