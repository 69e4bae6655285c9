"""Every search is a Keras Tuner oracle; only this package knows Keras Tuner."""

ORACLES = ("coarse-to-fine", "random", "bayesian", "hyperband", "grid")
"""Names that --oracle takes."""

GROUP = "hptune.oracles"
"""Entry points of other packages: each is a class of `keras_tuner.Oracle`, whose name --oracle takes too."""

__all__ = ["GROUP", "ORACLES"]
