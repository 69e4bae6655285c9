"""Trains configurations: the only room that fits a model."""

from hptune.training.folds_and_seeds import RepeatedTrainer
from hptune.training.objective import resolve_objective
from hptune.training.trainer import ClassWeight, Trainer, TrainerSettings

__all__ = ["ClassWeight", "RepeatedTrainer", "Trainer", "TrainerSettings", "resolve_objective"]
