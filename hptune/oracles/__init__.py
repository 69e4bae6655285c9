"""Every search is a Keras Tuner oracle; only this package knows Keras Tuner."""
