"""What was raised, in a line that a person can act on."""

from __future__ import annotations

import pytest
from keras_tuner.errors import FailedTrialError, FatalTypeError

from hptune.training.failures import in_words, infeasible_reason, is_fatal


class TooSlowError(FailedTrialError):
    """A user's own kind of it."""


GRAPH = """Graph execution error:

Detected at node compile_loss/GatherV2 defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "/lib/keras/src/backend/tensorflow/trainer.py", line 77, in train_step

indices[1] = 8 is not in [0, 4)
\t [[{{node compile_loss/GatherV2}}]] [Op:__inference_one_step_on_data_123]
"""
EAGER = (
    "{{function_node __wrapped__GatherV2_device_/job:localhost/device:CPU:0}} "
    "indices[1] = 8 is not in [0, 4) [Op:GatherV2] name: "
)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        pytest.param(GRAPH, "ValueError: indices[1] = 8 is not in [0, 4)", id="in a graph"),
        pytest.param(EAGER, "ValueError: indices[1] = 8 is not in [0, 4)", id="outside a graph"),
        pytest.param(
            "units must be positive\nReceived: -3", "ValueError: units must be positive", id="plain"
        ),
        pytest.param("", "ValueError", id="nothing"),
        pytest.param("Graph execution error:", "ValueError: Graph execution error:", id="a heading alone"),
    ],
)
def test_an_error_is_told_by_the_line_that_says_what_went_wrong(message: str, said: str) -> None:
    assert in_words(ValueError(message), None) == said


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(FailedTrialError("Model is too slow."), "Model is too slow.", id="message"),
        pytest.param(FailedTrialError(), "FailedTrialError", id="no message"),
        pytest.param(TooSlowError("12 s a step"), "TooSlowError: 12 s a step", id="a class of one's own"),
        pytest.param(MemoryError("x"), "out of memory", id="memory"),
        pytest.param(ValueError("FailedTrialError"), "", id="a bug"),
        pytest.param(FatalTypeError("no model"), "", id="fatal"),
    ],
)
def test_what_keras_tuner_calls_a_failed_trial_is_infeasible(error: Exception, reason: str) -> None:
    assert infeasible_reason(error) == reason


def test_fatal_errors_are_those_of_keras_tuner() -> None:
    assert is_fatal(FatalTypeError("no model"))
    assert not is_fatal(TypeError("no model"))
    assert not is_fatal(FailedTrialError("too slow"))
