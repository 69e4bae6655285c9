"""Trains configurations: the only room that fits a model."""

from hptune.train.objective import resolve_objective
from hptune.train.repeated import RepeatedTrainer
from hptune.train.trainer import ClassWeight, Trainer, TrainerSettings

__all__ = ["ClassWeight", "RepeatedTrainer", "Trainer", "TrainerSettings", "resolve_objective"]
