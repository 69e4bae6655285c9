"""Keras, imported once, quietly, and its backend set up before it does anything.

Whatever needs Keras here imports it from this module, and before it Keras Tuner or the user's file:

    from hptune.models.backend import keras
"""

from __future__ import annotations

import gc
import importlib.util
import logging
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from hptune._text import listed
from hptune.errors import InputError

__all__ = [
    "SMALL_ROW",
    "has_accelerator",
    "interactive_logging_kept",
    "keras",
    "set_random_seed",
    "set_up",
    "set_up_tensorflow",
    "set_up_torch",
    "uses_tensorflow",
]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what TensorFlow's C++ says off standard error, unless what is done fails.

    It says some of it before any of its own settings can hold it back.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except (Exception, SystemExit):
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _require_backend() -> None:
    """Raise InputError where the environment names a backend that Keras can't train on here."""
    wanted = os.environ.get("KERAS_BACKEND", "")
    installed = [name for name in _BACKENDS if importlib.util.find_spec(name) is not None]
    if wanted and wanted not in installed:
        what = "is not installed" if wanted in _BACKENDS else "is no backend that Keras trains on"
        raise InputError(
            f"KERAS_BACKEND={wanted}: {what}",
            hint=f"Installed here: {listed(installed) or 'none of ' + listed(_BACKENDS)}.",
        )


_BACKENDS = ("tensorflow", "jax", "torch")
_require_backend()
# Errors of TensorFlow are shown, its information and warnings are not.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
with _quiet():
    import keras
for _name in ("absl", "tensorflow"):
    logging.getLogger(_name).setLevel(logging.ERROR)

SMALL_ROW = 1024
"""Values per row up to which one thread per operation is fastest."""
_set_up = False


def uses_tensorflow() -> bool:
    """Return whether Keras runs on TensorFlow, whose fast path may be taken."""
    return bool(keras.backend.backend() == "tensorflow")


@cache
def has_accelerator() -> bool:
    """Return whether Keras computes on something else than the CPU."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with _quiet():
            return any(device.device_type != "CPU" for device in tf.config.get_visible_devices())
    if backend == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    from keras.src.backend.torch.core import get_device

    return bool(get_device() != "cpu")


def set_up(input_shape: tuple[int, ...]) -> None:
    """Decide on threads and determinism; only the first call in a process does.

    An operation has one thread where rows, of shape `input_shape`, are small, and as many as the
    backend likes otherwise. The same seed gives the same bits on one machine, where the backend can. Each
    call turns Keras's progress bars off, which come back whenever a session is cleared.
    """
    global _set_up
    # Those of a user's own fit belong on no one's standard output.
    keras.utils.disable_interactive_logging()
    if _set_up:
        return
    _set_up = True
    threads = 1 if math.prod(input_shape) <= SMALL_ROW else None
    backend = keras.backend.backend()
    if backend == "tensorflow":
        with _quiet():
            set_up_tensorflow(threads)
    elif backend == "jax":
        # Several workers share a device; XLA's own operations are deterministic on a CPU.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    elif backend == "torch":
        set_up_torch(threads)
    # What was imported stays: looking through it for garbage takes a fifth of a second each time.
    gc.freeze()


def set_up_tensorflow(threads: int | None) -> None:
    """Let operations have so many threads, and the same seed give the same bits on a CPU."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    try:
        # Graphs of small operations lose more by handing them between threads than they gain.
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        for gpu in gpus:
            # Several workers share a device.
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        # User code has used TensorFlow already: its settings stand.
        pass
    if not gpus:
        # On a GPU some operations have no deterministic form and would fail instead.
        tf.config.experimental.enable_op_determinism()
        # Without a seed, random operations refuse to run deterministically; each job sets its own.
        tf.random.set_seed(0)


def set_up_torch(threads: int | None) -> None:
    """Let operations have so many threads, and the same seed give the same bits on a CPU."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Keras writes what it makes before it reads it.
        torch.utils.deterministic.fill_uninitialized_memory = False


def set_random_seed(seed: int) -> None:
    """Seed everything as keras.utils.set_random_seed does, without loading TensorFlow for it.

    Keras would seed TensorFlow on every backend, and takes seconds to load it where nobody else has.
    """
    lazy = getattr(sys.modules.get("keras.src.utils.module_utils"), "tensorflow", None)
    unknown = getattr(lazy, "_available", False) is None
    if uses_tensorflow() or "tensorflow" in sys.modules or not unknown:
        keras.utils.set_random_seed(seed)
        return
    assert lazy is not None
    lazy._available = False
    try:
        keras.utils.set_random_seed(seed)
    finally:
        # What does need it asks again.
        lazy._available = None


@contextmanager
def interactive_logging_kept() -> Iterator[None]:
    """Set Keras's progress bars as they were: a program that searches may want its own."""
    before = keras.utils.is_interactive_logging_enabled()
    try:
        yield
    finally:
        if before:
            keras.utils.enable_interactive_logging()
        else:
            keras.utils.disable_interactive_logging()
