"""What was raised, in a line that a person can act on."""

from __future__ import annotations

import pytest

from hptune.training.failures import in_words

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
