import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import spaces, spaces_with_zeros

from hptune.errors import SpaceError
from hptune.models.recipes.options import check_space
from hptune.space import Boolean, Choice, Fixed, Float, Integer, Space, Tier
from hptune.space.as_dict import hyperparameter_from_dict
from hptune.space.condition import Condition
from hptune.space.files import (
    dump_space,
    load_space,
    parse_space,
    ready_space,
    ready_spaces,
    schema,
    space_from_dict,
    space_to_dict,
)
from hptune.space.names import meaning
from hptune.space.scales import Scale
from hptune.space.yaml_writer import short_number

WHOLE = """\
name: mlp
description: A small network
hyperparameters:
  learning_rate: {tier: 1, range: [1e-4, 1e-1], scale: log, default: 1e-3, limits: [1e-7, 10]}
  momentum: {range: [0.5, 0.99], scale: log_complement, default: 0.9, when: {optimizer: sgd}}
  units: {tier: 2, type: int, range: [16, 512], scale: log, step: 2}
  batch_size: {type: int, range: [16, 256], scale: log, step: 2}   # powers of two
  optimizer: {choices: [sgd, adam]}
  batch_normalization: {type: boolean, default: true}
  patience: 5
  activation: {value: relu, description: as in the notes}
  layers: {range: [1, 3]}
  units_1: {range: [16, 512], hard: true, when: {layers: ">= 2", optimizer: [sgd, adam]}}
  dropout: {range: [0, 1]}
  width: {choices: [64, 128, 256], ordered: true, default: 128, tier: unranked}
"""


def spec(line: str) -> str:
    return f"hyperparameters:\n  {line}\n"


def test_a_file_says_what_a_space_holds() -> None:
    space = parse_space(WHOLE)
    assert (space.name, space.description) == ("mlp", "A small network")
    assert space["learning_rate"] == Float(
        name="learning_rate",
        tier=Tier.FIRST,
        low=1e-4,
        high=1e-1,
        scale=Scale.LOG,
        default=1e-3,
        limits=(1e-7, 10.0),
    )
    assert space["momentum"] == Float(
        name="momentum",
        tier=Tier.SECOND,
        low=0.5,
        high=0.99,
        scale=Scale.LOG_COMPLEMENT,
        default=0.9,
        limits=(0.0, 0.9999),
        when=(Condition(parent="optimizer", values=("sgd",)),),
    )
    assert space["units"] == Integer(
        name="units", tier=Tier.SECOND, low=16, high=512, scale=Scale.LOG, step=2, limits=(1, 8192)
    )
    assert space["optimizer"] == Choice(name="optimizer", options=("sgd", "adam"))
    assert space["batch_normalization"] == Boolean(name="batch_normalization", default=True)
    assert space["patience"] == Fixed(name="patience", value=5)
    assert space["activation"] == Fixed(name="activation", value="relu", description="as in the notes")
    assert space["units_1"].hard
    assert space["units_1"].when == (
        Condition(parent="layers", values=tuple(range(2, 13))),
        Condition(parent="optimizer", values=("sgd", "adam")),
    )
    assert space["width"] == Choice(
        name="width", options=(64, 128, 256), ordered=True, default=128, tier=Tier.UNRANKED
    )


def test_tier_and_limits_come_from_the_name_where_the_file_is_silent() -> None:
    space = parse_space(spec("lr_0: {range: [1e-3, 1e-1], scale: log}\n  heat: {range: [1.0, 2.0]}"))
    assert (space["lr_0"].tier, space["lr_0"].limits) == (Tier.FIRST, (1e-8, 100.0))  # type: ignore[attr-defined]
    assert (space["heat"].tier, space["heat"].limits) == (Tier.UNRANKED, (1.0, 2.0))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        pytest.param("n: {range: [1, 10]}", Integer, id="both ends whole"),
        pytest.param("n: {range: [1, 10], default: 3, step: 2}", Integer, id="default and step whole"),
        pytest.param("n: {range: [1.0, 10]}", Float, id="one end with a point"),
        pytest.param("n: {range: [1, 10], default: 2.5}", Float, id="a default between"),
        pytest.param("n: {range: [1, 10], step: 0.5}", Float, id="half steps"),
        pytest.param("n: {range: [1, 100], scale: log, step: 1.5}", Float, id="a factor between"),
        pytest.param("n: {range: [-9, 0], scale: log_complement}", Float, id="1 − x"),
        pytest.param("dropout: {range: [0, 1]}", Float, id="a name known for fractions"),
        pytest.param("learning_rate: {range: [1, 10], scale: log}", Float, id="a learning rate"),
        pytest.param("n: {range: [1e1, 1e2]}", Float, id="scientific"),
        pytest.param("n: {range: [1, 10], type: float}", Float, id="type: float"),
        pytest.param("n: {range: [1e1, 1e2], type: int}", Integer, id="type: int"),
    ],
)
def test_a_range_is_of_whole_numbers_where_it_is_written_so(line: str, kind: type) -> None:
    assert type(next(iter(parse_space(spec(line))))) is kind


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(
            ("1e-5", 1e-5),
            ("1E5", 1e5),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1_000", 1000),
            ("0x1F", 31),
            ("012", 12),
        ),
        *(
            ("on", "on"),
            ("no", "no"),
            ("none", "none"),
            ("true", True),
            ('"1"', "1"),
            ("2020-01-01", "2020-01-01"),
        ),
    ],
)
def test_values_are_read_as_yaml_1_2_has_them(written: str, value: object) -> None:
    found = parse_space(spec(f"x: {written}"))["x"].initial
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ('">= 3"', (3, 4)),
        ('"> 3"', (4,)),
        ('"<= 2"', (1, 2)),
        ('"<2"', (1,)),
        ('["< 2", 4]', (1, 4)),
        ('[">= 3", "<= 3"]', (3, 4, 1, 2)),
        ("2", (2,)),
        ("[3, 2]", (3, 2)),
    ],
)
def test_a_comparison_stands_for_the_values_within_the_limits(said: str, values: tuple[int, ...]) -> None:
    space = parse_space(spec(f"n: {{range: [2, 3], limits: [1, 4]}}\n  x: {{value: 1, when: {{n: {said}}}}}"))
    assert space["x"].when[0].values == values


def test_a_comparison_holds_for_choices_and_fixed_numbers_too() -> None:
    choice = parse_space(spec('n: {choices: [16, 32, 64.5]}\n  x: {value: 1, when: {n: ">= 20"}}'))
    assert choice["x"].when[0].values == (32, 64.5)
    fixed = parse_space(spec('n: 1\n  x: {value: 1, when: {n: ">= 2"}}'))
    assert fixed.defaults == {"n": 1}
    assert parse_space(spec('n: 5\n  x: {value: 1, when: {n: ">= 2"}}')).defaults == {"n": 5, "x": 1}


def test_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    path.write_text('{\n\t"hyperparameters": {\n\t\t"lr": {"range": [1e-4, 1e-1], "scale": "log"}\n\t}\n}\n')
    assert load_space(path)["lr"].contains(1e-3)


def test_anchors_are_read_as_what_they_stand_for() -> None:
    space = parse_space(spec("units_0: &units {range: [16, 64]}\n  units_1: *units"))
    assert space["units_1"].contains(64)


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        pytest.param("", "f.yaml:1: the file is empty", "It needs `hyperparameters:`", id="empty"),
        pytest.param("# nothing\n", "f.yaml:1: the file is empty", "It needs", id="only a comment"),
        pytest.param("- 1\n", "f.yaml:1: a space must be a mapping, not [1]", "Begin with", id="a list"),
        pytest.param("hello\n", "f.yaml:1: a space must be a mapping, not 'hello'", "Begin", id="text"),
        pytest.param("name: x\n", "f.yaml:1: there is no `hyperparameters:`", "Begin with", id="no section"),
        pytest.param(
            "name: x\nhyperparameters: [a]\n",
            'f.yaml:2: hyperparameters: must be a mapping from names, got ["a"]',
            "Begin with",
            id="a list of hyperparameters",
        ),
        pytest.param(
            "hyperparameters:\n",
            "hyperparameters: must be a mapping from names, got nothing",
            "Begin",
            id="none",
        ),
        pytest.param(
            "hyperparameter:\n  lr: 1\nhyperparameters:\n  lr: 1\n",
            "f.yaml:1: hyperparameter: unknown key",
            "Did you mean 'hyperparameters'?",
            id="unknown key at the top",
        ),
        pytest.param(
            "lr: {range: [1, 2]}\n",
            "f.yaml:1: lr: unknown key",
            "Begin with `hyperparameters:`",
            id="no section",
        ),
        pytest.param(
            "name: 5\nhyperparameters: {x: 1}", "f.yaml:1: name: must be text, got 5", "quotes", id="name"
        ),
        pytest.param(
            "a: [1,\nb: 2\n",
            "f.yaml:3: not valid YAML: while parsing a flow sequence",
            "",
            id="an open bracket",
        ),
        pytest.param(
            "a: b: c\n", "f.yaml:1: not valid YAML: mapping values are not allowed", "", id="two colons"
        ),
        pytest.param("a:\n\tb: 1\n", "f.yaml:2: not valid YAML:", "Indent with spaces.", id="a tab"),
        pytest.param(
            "a: 1\n---\nb: 2\n", "not valid YAML: expected a single document", "", id="two documents"
        ),
        pytest.param("a: 1\nb: '\a'\n", "f.yaml:2: not valid YAML: the character #x0007", "", id="a bell"),
        pytest.param("a: *b\n", "not valid YAML: found undefined alias", "", id="an unknown alias"),
        pytest.param("a: &b [*b]\n", "f.yaml:1: a.0: a value can't hold itself", "", id="a value in itself"),
        pytest.param(
            spec("x: 1\n  y: 2\n  x: 3"),
            "f.yaml:4: x: the key is used twice: line 2 has it first",
            "",
            id="a name twice",
        ),
        pytest.param(
            spec("x:\n    range: [1, 2]\n    range: [1, 3]"),
            "f.yaml:4: x.range: the key is used twice: line 3 has it first",
            "",
            id="a key twice",
        ),
        pytest.param(
            spec("1: 5"), "f.yaml:2: hyperparameters: a key must be text, got 1", "quotes", id="1: 5"
        ),
        pytest.param(spec("<<: {a: 1}"), "a key must be text, got <<", "", id="merge"),
        pytest.param(spec("x: !lr 1"), "f.yaml:2: x: YAML tags such as !lr have no meaning", "", id="a tag"),
        pytest.param(
            spec("x:"), "f.yaml:2: x: nothing is written after the colon", "for example", id="nothing"
        ),
        pytest.param(
            spec("x: [1, 2]"), "f.yaml:2: x: must be a mapping or a value, got [1, 2]", "Write", id="list"
        ),
        pytest.param(
            spec("x: {tier: 1}"),
            "x: says neither range, choices, value nor type: boolean",
            "Write",
            id="no kind",
        ),
        pytest.param(
            spec("x: {range: [1, 2], value: 1}"), "x: has both range and value", "Keep one", id="two kinds"
        ),
        pytest.param(
            spec("learning_rate:\n    range: [1e-4, 0.1]\n    scale: logg"),
            "f.yaml:4: learning_rate.scale: unknown scale 'logg'",
            "Did you mean 'log'?",
            id="unknown scale",
        ),
        pytest.param(
            spec("x: {rnage: [1, 2]}"),
            "f.yaml:2: x.rnage: unknown key",
            "Did you mean 'range'?",
            id="unknown key",
        ),
        pytest.param(
            spec("x: {range: [1, 2], type: integer}"),
            "x.type: unknown type 'integer'",
            "'int'",
            id="unknown type",
        ),
        pytest.param(spec("x: {type: bool}"), "x.type: unknown type 'bool'", "'boolean'", id="type: bool"),
        pytest.param(
            spec("x: {range: [1, 2], tier: 7}"),
            "x.tier: unknown tier 7",
            "Known: 1, 2, 3, unranked.",
            id="tier",
        ),
        pytest.param(
            spec("x: {choices: [a, b], step: 2}"),
            "x.step: has no meaning for choices",
            "",
            id="step of choices",
        ),
        pytest.param(
            spec("x: {range: 5}"), "x.range: must be two numbers: [low, high], got 5", "", id="range"
        ),
        pytest.param(spec("x: {range: [1, 2, 3]}"), "x.range: must be two numbers", "", id="three ends"),
        pytest.param(
            spec("x: {range: [a, b]}"), 'x.range: must be two numbers: [low, high], got ["a"', "", id="ab"
        ),
        pytest.param(
            spec("x: {range: [true, 2]}"), "x.range: must be two numbers", "", id="true is no number"
        ),
        pytest.param(
            spec("x: {range: [1, 2], default: a}"), "x.default: must be a number, got 'a'", "", id="default"
        ),
        pytest.param(
            spec("x: {range: [1, 2], hard: yes}"), "x.hard: must be true or false, got 'yes'", "", id="hard"
        ),
        pytest.param(spec("x: {value: [1]}"), "x.value: must be text, a number or a boolean", "", id="value"),
        pytest.param(spec("x: {choices: ab}"), "x.choices: must be a list", "", id="choices"),
        pytest.param(
            spec("x: {type: boolean, default: 1}"), "x.default: must be true or false", "", id="boolean"
        ),
        pytest.param(
            spec("y: 1\n  x: {range: [2.0, 1.0]}"),
            "f.yaml:3: x: low 2 must be below high 1",
            "",
            id="low > high",
        ),
        pytest.param(
            spec("x: {range: [1, 1]}"), "x: low 1 must be below high 1", "alone: 1.", id="low = high"
        ),
        pytest.param(
            spec("x:\n    scale: log\n    range: [0, 1.0]"),
            "f.yaml:4: x: a log range must lie above 0, but low is 0",
            "Use a small positive number, with zero: true",
            id="log with 0",
        ),
        pytest.param(
            spec("y: 1\n  x: {range: [0, 1.0], zero: true}"),
            "f.yaml:3: x.zero: the range 0..1 has 0 already",
            "Leave zero out",
            id="zero of a range with 0",
        ),
        pytest.param(
            spec("x: {range: [-1.0, 1.0], zero: true}"),
            "x.zero: the range -1..1 has 0 already",
            "",
            id="zero of a range across 0",
        ),
        pytest.param(
            spec("x: {range: [1, 2], zero: true}\n  x_zero: {type: boolean}"),
            "f.yaml:2: x.zero: x_zero would say whether it is 0, and the space has one of that name",
            "zero_of: x",
            id="a name that exists",
        ),
        pytest.param(
            spec("x: {range: [1, 2], zero: 1}"), "x.zero: must be true or false, got 1", "", id="zero: 1"
        ),
        pytest.param(
            spec("x: {choices: [1, 2], zero: true}"),
            "x.zero: has no meaning for choices",
            "List 0 among the choices",
            id="zero of choices",
        ),
        pytest.param(
            spec("x: {type: boolean, zero: true}"),
            "x.zero: has no meaning for a boolean",
            "goes with a range",
            id="zero of a boolean",
        ),
        pytest.param(
            spec("x: {value: 1, zero: true}"),
            "x.zero: has no meaning for a fixed value",
            "goes with a range",
            id="zero of a fixed value",
        ),
        pytest.param(
            spec("x: {range: [1, 2]}\n  off: {type: boolean, zero_of: x}"),
            "f.yaml:2: x: when: must name off",
            "{off: false}",
            id="a switch that the number does not name",
        ),
        pytest.param(
            spec("lr: {range: [1, 2]}\n  off: {type: boolean, zero_of: l}"),
            "f.yaml:3: off: zero_of: 'l' is no number of this space",
            "lr",
            id="a switch of nothing",
        ),
        pytest.param(
            spec("off: {value: 1, zero_of: x}\n  x: {range: [1, 2]}"),
            "off: zero_of goes with true or false, got 1",
            "",
            id="a switch that is a number",
        ),
        pytest.param(
            spec("x: {range: [0.1, 1.0], scale: log_complement}"),
            "must lie below 1",
            "0.999",
            id="1 − x with 1",
        ),
        pytest.param(spec("x: {range: [1, .inf]}"), "x: high must be finite, got inf", "", id="infinite"),
        pytest.param(
            spec("x:\n    range: [1, 9]\n    default: 20"),
            "f.yaml:4: x: default 20 is not a value in 1..9",
            "",
            id="default outside",
        ),
        pytest.param(
            spec("x:\n    range: [1, 9]\n    limits: [2, 9]"),
            "f.yaml:3: x: the range 1..9 reaches past",
            "",
            id="limits",
        ),
        pytest.param(spec("x: {choices: []}"), "x: no choices are listed", "", id="no choices"),
        pytest.param(spec("x: {choices: [a]}"), "x: only one choice, 'a'", "alone: a.", id="one choice"),
        pytest.param(spec("x: {choices: [a, 1]}"), "x: choices must be all text", "", id="mixed choices"),
        pytest.param(spec('"": 1'), "a hyperparameter needs a name", "", id="no name"),
        pytest.param(spec("tuner/epochs: 1"), "Keras Tuner's own", "", id="a reserved name"),
        pytest.param(
            spec("x:\n    value: 1\n    when: {optimiser: sgd}\n  optimizer: sgd"),
            "f.yaml:4: x: when: no hyperparameter of this space is named 'optimiser'",
            "Did you mean 'optimizer'?",
            id="when on an unknown name",
        ),
        pytest.param(
            spec("x: {value: 1, when: {y: 1}}\n  y:\n    value: 1\n    when: {x: 1}"),
            "f.yaml:2: x: when: the conditions go in a circle: x → y → x",
            "",
            id="when in a circle",
        ),
        pytest.param(
            spec("o: {choices: [sgd, adam]}\n  x: {value: 1, when: {o: adm}}"),
            "f.yaml:3: x: when: o can't be 'adm'",
            "Did you mean 'adam'?",
            id="when on an unknown choice",
        ),
        pytest.param(
            spec("x: {value: 1, when: sgd}"), "x.when: must be conditions such as", "", id="when: sgd"
        ),
        pytest.param(
            spec("x: {value: 1, when: {y: []}}\n  y: 1"), "x.when.y: no value is listed", "", id="empty"
        ),
        pytest.param(
            spec('n: {range: [1, 4]}\n  x: {value: 1, when: {n: ">= 9"}}'),
            "f.yaml:3: x.when.n: n is never >= 9",
            "",
            id="never",
        ),
        pytest.param(
            spec('n: {range: [1.0, 4.0]}\n  x: {value: 1, when: {n: ">= 2"}}'),
            "x.when.n: a comparison needs whole numbers or choices",
            "List the values.",
            id="a comparison of fractions",
        ),
        pytest.param(
            spec('n: {range: [1, 99999]}\n  x: {value: 1, when: {n: ">= 2"}}'),
            "x.when.n: n has too many values",
            "",
            id="a comparison of too many",
        ),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(text: str, error: str, hint: str) -> None:
    with pytest.raises(SpaceError) as caught:
        parse_space(text, "f.yaml")
    assert error in caught.value.message
    assert caught.value.message.startswith("f.yaml:")
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


@given(text=st.text(max_size=80))
def test_any_text_ends_in_a_space_or_a_clear_error(text: str) -> None:
    try:
        message = f"<text>: {parse_space('hyperparameters: {x: {' + text + '}}')}"
    except SpaceError as error:
        message = error.message
    assert message.startswith("<text>:")


def test_a_file_that_is_not_there_names_the_ready_spaces(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="there is no such file") as caught:
        load_space(tmp_path / "mpl.yaml")
    assert "mlp" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\x00", "not UTF-8 text"), (b"a: \x80", "not UTF-8 text"), (None, "can't be read")],
)
def test_what_is_no_text_file_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "space.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SpaceError, match=said):
        load_space(path)


def test_a_path_no_system_takes_is_refused() -> None:
    with pytest.raises(SpaceError, match="can't be read"):
        load_space("a\0b")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_bytes(b"\xef\xbb\xbfhyperparameters: {x: 1}\r\n")
    assert load_space(path).defaults == {"x": 1}


# Writing


@given(space=st.one_of(spaces(), spaces_with_zeros()))
def test_what_is_written_reads_back_equal(space: Space) -> None:
    back = parse_space(dump_space(space))
    assert back == space
    assert back.description == space.description


@given(space=st.one_of(spaces(), spaces_with_zeros()))
def test_a_dictionary_keeps_a_space_whole_through_json(space: Space) -> None:
    back = space_from_dict(json.loads(json.dumps(space_to_dict(space), allow_nan=False)))
    assert back == space
    assert (list(back), back.description) == (list(space), space.description)


def test_a_space_is_written_by_tier_as_a_person_would() -> None:
    comments = {"units": "powers of two\nare fast", "momentum": "only with SGD"}
    text = dump_space(parse_space(WHOLE), comments=comments)
    assert (
        text
        == """\
name: mlp
description: A small network

hyperparameters:
  # Tier 1: the learning rate
  learning_rate: {tier: 1, range: [1e-4, 0.1], scale: log, default: 1e-3, limits: [1e-7, 10.0]}

  # Tier 2: momentum, hidden units, batch size
  # only with SGD
  momentum: {tier: 2, range: [0.5, 0.99], scale: log_complement, default: 0.9, when: {optimizer: sgd}}
  # powers of two
  # are fast
  units: {tier: 2, type: int, range: [16, 512], scale: log, step: 2}
  batch_size: {tier: 2, type: int, range: [16, 256], scale: log, step: 2}
  units_1: {tier: 2, type: int, range: [16, 512], when: {layers: ">= 2", optimizer: [sgd, adam]}, hard: true}

  # Tier 3: layers, learning-rate decay, Adam's own
  layers: {tier: 3, type: int, range: [1, 3]}

  # Unranked
  optimizer: {choices: [sgd, adam]}
  batch_normalization: {type: boolean, default: true}
  patience: 5
  activation: {value: relu, description: as in the notes}
  dropout: {range: [0.0, 1.0]}
  width: {tier: unranked, choices: [64, 128, 256], ordered: true, default: 128}
"""
    )


def test_a_long_line_becomes_a_block() -> None:
    text = dump_space(parse_space(spec("x: {value: 1, description: " + "word " * 30 + "}")))
    assert "\n  x:\n    value: 1\n    description: word word" in text


def test_a_long_description_is_folded() -> None:
    space = Space(hyperparameters=(Fixed(name="x", value=1),), description="word: " * 40 + "end")
    text = dump_space(space)
    assert max(map(len, text.splitlines())) <= 110
    assert parse_space(text).description == space.description


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *(
            (1e-3, "1e-3"),
            (0.01, "0.01"),
            (0.05, "0.05"),
            (2.5e-4, "2.5e-4"),
            (0.0316, "0.0316"),
            (0.1, "0.1"),
        ),
        *((1.0, "1.0"), (100.0, "100.0"), (0.0, "0.0"), (1e22, "1e22"), (-1e-5, "-1e-5"), (512, "512")),
        *((0.99, "0.99"), (1234.5, "1234.5"), (0.0031622776601683794, "0.0031622776601683794")),
    ],
)
def test_numbers_are_written_short(number: float, text: str) -> None:
    assert short_number(number) == text


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_short_numbers_read_back_as_the_same_fraction(number: float) -> None:
    found = parse_space(spec(f"x: {short_number(number)}"))["x"].initial
    assert (type(found), found) == (float, number)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"kind": "flaot", "name": "x"}, "x: unknown kind 'flaot'"),
        ({"kind": "fixed", "name": "x", "value": 1, "step": 2}, "x: unknown key 'step'"),
    ],
)
def test_a_dictionary_with_unknown_parts_is_refused(data: dict[str, object], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        hyperparameter_from_dict(data)


# The schema


def test_the_schema_has_every_key_and_no_other() -> None:
    found = schema()
    assert found["additionalProperties"] is False
    kinds = found["$defs"]
    assert set(kinds["NumberSpec"]["properties"]) == {
        *(
            "range",
            "type",
            "scale",
            "step",
            "default",
            "limits",
            "tier",
            "when",
            "hard",
            "description",
            "zero",
        )
    }
    assert kinds["NumberSpec"]["properties"]["zero"]["type"] == "boolean"
    assert all("zero_of" in kinds[kind]["properties"] for kind in ("BooleanSpec", "FixedSpec"))
    assert kinds["NumberSpec"]["properties"]["scale"]["enum"] == ["linear", "log", "log_complement"]
    assert all(kind["additionalProperties"] is False for kind in kinds.values())
    json.dumps(found)


# The ready spaces


NAMES = ["cnn", "initialisation", "mlp", "mlp-small-budget", "optimisers", "regularisation"]


def test_the_ready_spaces_are_listed() -> None:
    assert list(ready_spaces()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_space_loads_and_reads_back_equal(name: str) -> None:
    space = ready_space(name)
    assert space.name == name
    assert space.description
    assert parse_space(dump_space(space)) == space
    for hp in space:
        assert hp.tier is meaning(hp.name).tier, hp.name


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_space_says_why_in_comments(name: str) -> None:
    assert ready_spaces()[name].read_text(encoding="utf-8").count("# ") >= 3


def test_the_default_space_is_small_enough_to_search_well() -> None:
    assert len(ready_space("mlp").searched) <= 16
    assert len(ready_space("mlp-small-budget").searched) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_takes_all_that_a_ready_space_holds(name: str) -> None:
    check_space(ready_space(name), "cnn" if name == "cnn" else "mlp")


def test_an_unknown_ready_space_gets_the_nearest_name() -> None:
    with pytest.raises(SpaceError, match="there is no ready space 'optimizers'") as caught:
        ready_space("optimizers")
    assert caught.value.hint == "Did you mean 'optimisers'?"


def test_reading_no_space_loads_neither_ruamel_nor_pydantic() -> None:
    code = (
        "import sys, hptune.space.files; print([m for m in ('ruamel.yaml', 'pydantic') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
