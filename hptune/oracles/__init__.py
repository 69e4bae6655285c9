"""Every search is a Keras Tuner oracle; only this package knows Keras Tuner."""

ORACLES = ("coarse-to-fine", "random", "bayesian", "hyperband", "grid")
"""Names that --oracle takes."""

__all__ = ["ORACLES"]
