from __future__ import annotations

import contextlib
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategy_trials import (
    ACCURACY,
    MIXED,
    NOISE,
    RATE,
    good_near,
    sampled,
    space_of,
    spaces,
    trial,
    trials_of,
)

from hptune.errors import SpaceError
from hptune.narrowing.edit import (
    drop,
    drop_tier,
    flags,
    freeze,
    keep,
    reopen,
    reopen_tier,
    set_range,
    widen,
    with_flags,
)
from hptune.narrowing.narrow import narrow
from hptune.space import Boolean, Choice, Fixed, Float, Integer, Number, Space, Tier
from hptune.study.proposal import Move, Proposal, Verdict

PROPOSAL = narrow(MIXED, sampled(MIXED, 40, good_near(3e-3)), ACCURACY)


def number(proposal: Proposal, name: str) -> Number:
    hp = proposal[name].new
    assert isinstance(hp, Number)
    return hp


class TestSet:
    def test_a_range_becomes_hard_and_the_persons(self) -> None:
        edited = set_range(PROPOSAL, "learning_rate=1e-3..1e-1")
        move = edited["learning_rate"]
        assert (number(edited, "learning_rate").low, number(edited, "learning_rate").high) == (1e-3, 1e-1)
        assert move.new.hard
        assert move.by_user
        assert move.verdict is Verdict.SET
        assert move.reason == "you set 0.001..0.1: nothing is tried outside it"
        assert move.new.initial == PROPOSAL.best["learning_rate"]
        assert edited.next_space["learning_rate"] == move.new

    def test_the_other_ranges_stay(self) -> None:
        edited = set_range(PROPOSAL, "learning_rate=1e-3..1e-1")
        assert [m for m in edited.moves if m.name != "learning_rate"] == [
            m for m in PROPOSAL.moves if m.name != "learning_rate"
        ]

    def test_the_last_change_counts(self) -> None:
        twice = set_range(set_range(PROPOSAL, "learning_rate=1e-5..1e-4"), "learning_rate=1e-3..1e-1")
        assert twice == set_range(PROPOSAL, "learning_rate=1e-3..1e-1")

    def test_options_keep_their_known_order(self) -> None:
        new = set_range(PROPOSAL, "optimizer=sgd, adam")["optimizer"].new
        assert isinstance(new, Choice)
        assert new.options == ("adam", "sgd")

    def test_ordered_options_may_be_written_as_a_run(self) -> None:
        new = set_range(PROPOSAL, "batch_size=32..128")["batch_size"].new
        assert isinstance(new, Choice)
        assert new.options == (32, 64, 128)

    def test_a_single_value_freezes(self) -> None:
        assert set_range(PROPOSAL, "momentum=0.9") == freeze(PROPOSAL, "momentum=0.9")
        assert set_range(PROPOSAL, "optimizer=adam")["optimizer"].new.initial == "adam"

    def test_limits_and_options_of_the_first_pass_bind_a_later_one(self) -> None:
        now = MIXED.with_changes(
            [
                Float(
                    name="learning_rate",
                    low=1e-3,
                    high=1e-2,
                    scale=RATE.scale,
                    limits=(1e-3, 1e-2),
                    tier=RATE.tier,
                ),
                Choice(name="batch_size", options=(32, 64), ordered=True),
            ]
        )
        proposal = narrow(now, [], ACCURACY, root=MIXED)
        assert number(set_range(proposal, "learning_rate=1e-6..1", root=MIXED), "learning_rate").low == 1e-6
        new = set_range(proposal, "batch_size=64,256", root=MIXED)["batch_size"].new
        assert isinstance(new, Choice)
        assert new.options == (64, 256)

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            pytest.param(
                "lerning_rate=1..2", "no hyperparameter is named 'lerning_rate'", "'learning_rate'", id="name"
            ),
            pytest.param("learning_rate", "nothing is set", "LOW..HIGH", id="no equals"),
            pytest.param(
                "learning_rate=a..b", "learning_rate: 'a' is not a number", "1e-3..1e-1", id="number"
            ),
            pytest.param("learning_rate=1..0.1", "low 1 must be below high 0.1", "", id="inverted"),
            pytest.param("learning_rate=0.1..0.1", "low 0.1 must be below high 0.1", "", id="one point"),
            pytest.param(
                "learning_rate=1e-9..1", "reaches past its limits 1e-07..10", "limits", id="past limits"
            ),
            pytest.param("learning_rate=0..1", "must lie above 0", "", id="log with 0"),
            pytest.param("learning_rate=nan..1", "low must be finite", "", id="nan"),
            pytest.param("momentum=0.5..1", "must lie below 1", "", id="log_complement with 1"),
            pytest.param("layers=1.5..3", "layers: 1.5 is not a whole number", "", id="whole"),
            pytest.param("layers=inf..3", "layers: inf is not a whole number", "", id="infinite whole"),
            pytest.param("optimizer=adam,sdg", "'sdg' is not among its options", "'sgd'", id="option"),
            pytest.param("optimizer=adam,adam", "adam is given twice", "", id="twice"),
            pytest.param("optimizer=", "no option is given", "adam", id="no option"),
            pytest.param("batch_size=128..32", "128 must come before 32", "", id="inverted run"),
            pytest.param("batch_norm=maybe", "'maybe' is not among its options", "true", id="boolean"),
            pytest.param("epsilon=1e-8..1e-6", "fixed from the first pass on", "space file", id="fixed"),
        ],
    )
    def test_a_mistake_is_quoted_with_what_to_do(self, text: str, message: str, hint: str) -> None:
        with pytest.raises(SpaceError) as caught:
            set_range(PROPOSAL, text)
        assert repr(text) in caught.value.message
        assert message in caught.value.message
        assert hint in caught.value.hint


class TestFreezeAndKeep:
    def test_freezing_fixes_the_value(self) -> None:
        move = freeze(PROPOSAL, "momentum=0.9")["momentum"]
        assert move.new == Fixed(
            name="momentum", value=0.9, when=move.old.when, tier=move.old.tier, hard=True
        )
        assert move.verdict is Verdict.FREEZE
        assert move.reason == "you froze it at 0.9"

    def test_a_name_alone_freezes_at_the_best_value(self) -> None:
        new = freeze(PROPOSAL, "learning_rate")["learning_rate"].new
        assert new.initial == PROPOSAL.best["learning_rate"]
        assert drop(PROPOSAL, "learning_rate") == freeze(PROPOSAL, "learning_rate")

    def test_without_a_best_trial_dropping_takes_the_default(self) -> None:
        assert drop(narrow(MIXED, [], ACCURACY), "units")["units"].new.initial == MIXED["units"].initial

    def test_a_best_value_outside_the_limits_is_not_frozen(self) -> None:
        far = narrow(MIXED, [trial(1, {**MIXED.defaults, "units": 8192}, 1.0)], ACCURACY)
        assert drop(far, "units")["units"].new.initial == MIXED["units"].initial

    def test_an_integer_stays_whole_and_a_boolean_a_boolean(self) -> None:
        assert freeze(PROPOSAL, "layers=3")["layers"].new.initial == 3
        assert isinstance(freeze(PROPOSAL, "layers=3")["layers"].new.initial, int)
        assert freeze(PROPOSAL, "batch_norm=TRUE")["batch_norm"].new.initial is True

    def test_a_fixed_value_can_be_changed_in_its_type(self) -> None:
        assert freeze(PROPOSAL, "epsilon=1")["epsilon"].new.initial == 1.0
        assert isinstance(freeze(PROPOSAL, "epsilon=1")["epsilon"].new.initial, float)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("layers=99", "layers: 99 lies outside its limits 0..12", id="limits"),
            pytest.param("layers=x", "'x' is not a number", id="number"),
            pytest.param("optimizer=adam,sgd", "adam,sgd are 2 values", id="two values"),
            pytest.param("epsilon=x", "'x' is not a number", id="fixed"),
        ],
    )
    def test_a_value_it_cannot_have_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(SpaceError) as caught:
            freeze(PROPOSAL, text)
        assert repr(text) in caught.value.message
        assert message in caught.value.message

    def test_keeping_leaves_the_range_of_the_pass_just_done(self) -> None:
        move = keep(set_range(PROPOSAL, "learning_rate=1e-3..1e-1"), "learning_rate")["learning_rate"]
        assert move.new == move.old == RATE
        assert (move.verdict, move.by_user) == (Verdict.KEEP, True)

    def test_an_unknown_name_gets_the_nearest(self) -> None:
        with pytest.raises(SpaceError, match="no hyperparameter is named 'layer'") as caught:
            keep(PROPOSAL, "layer")
        assert caught.value.hint == "Did you mean 'layers'?"


class TestWiden:
    def test_a_number_grows_by_half_its_width_on_each_side(self) -> None:
        proposal = narrow(space_of(Float(name="x", low=0.0, high=10.0, limits=(-100.0, 100.0))), [], ACCURACY)
        once = widen(proposal, "x")
        assert (number(once, "x").low, number(once, "x").high) == (-5.0, 15.0)
        assert once["x"].new.hard
        twice = widen(once, "x")
        assert (number(twice, "x").low, number(twice, "x").high) == (-15.0, 25.0)

    def test_at_its_limits_it_says_so(self) -> None:
        with pytest.raises(SpaceError, match=r"noise: 0\.\.1 is as wide as its limits allow"):
            widen(narrow(space_of(NOISE), [], ACCURACY), "noise")

    def test_options_grow_by_what_the_first_pass_had(self) -> None:
        root = space_of(
            Choice(name="run", options=(1, 2, 3, 4, 5), ordered=True),
            Choice(name="word", options=("a", "b", "c")),
        )
        now = space_of(
            Choice(name="run", options=(2, 3), ordered=True), Choice(name="word", options=("a", "b"))
        )
        proposal = narrow(now, [], ACCURACY, root=root)
        run, word = (widen(proposal, name, root=root)[name].new for name in ("run", "word"))
        assert isinstance(run, Choice)
        assert isinstance(word, Choice)
        assert run.options == (1, 2, 3, 4)
        assert word.options == ("a", "b", "c")
        with pytest.raises(SpaceError, match="run: 2,3 are all the options there are"):
            widen(proposal, "run")


class TestOpen:
    now = MIXED.with_changes([Fixed(name="units", value=64), Fixed(name="batch_norm", value=True)])

    def test_what_was_frozen_is_searched_again_over_its_first_range(self) -> None:
        move = reopen(narrow(self.now, [], ACCURACY, root=MIXED), "units", root=MIXED)["units"]
        assert move.verdict is Verdict.OPEN
        assert isinstance(move.new, Integer)
        assert (move.new.low, move.new.high, move.new.initial) == (16, 512, 64)
        opened = reopen(narrow(self.now, [], ACCURACY, root=MIXED), "batch_norm", root=MIXED)
        assert opened["batch_norm"].new == Boolean(name="batch_norm", default=True, hard=True)

    def test_what_was_never_searched_cannot_be_opened(self) -> None:
        with pytest.raises(SpaceError, match="epsilon: fixed from the first pass on") as caught:
            reopen(PROPOSAL, "epsilon", root=MIXED)
        assert "space file" in caught.value.hint

    def test_a_tier_is_dropped_and_opened_as_a_whole(self) -> None:
        dropped = drop_tier(PROPOSAL, Tier.UNRANKED)
        assert [hp.name for hp in dropped.next_space.searched] == ["learning_rate"]
        after = narrow(dropped.next_space, [], ACCURACY, root=MIXED)
        opened = reopen_tier(after, Tier.UNRANKED, root=MIXED).next_space
        assert [hp.name for hp in opened.searched] == [hp.name for hp in MIXED.searched]


class TestFlags:
    def test_they_name_a_persons_choices_only_and_are_fit_for_a_shell(self) -> None:
        edited = set_range(PROPOSAL, "learning_rate=1e-3..1e-1")
        edited = keep(freeze(edited, "momentum=0.9"), "units")
        edited = set_range(edited, "optimizer=adam,sgd")
        assert flags(PROPOSAL) == []
        assert flags(edited) == [
            "--set learning_rate=0.001..0.1",
            "--set optimizer=adam,sgd",
            "--freeze momentum=0.9",
            "--keep units",
        ]

    def test_an_option_that_a_shell_would_split_is_quoted(self) -> None:
        space = space_of(Choice(name="word", options=("a b", "c,d", 'e"f', "", " g", "it's")))
        edited = set_range(narrow(space, [], ACCURACY), 'word="c,d", a b,"e""f","", " g"')
        assert flags(edited) == ["""--set 'word=a b,"c,d","e""f",""," g"'"""]
        assert with_flags(narrow(space, [], ACCURACY), ranges=[shlex.split(flags(edited)[0])[1]]) == edited

    def test_a_name_given_twice_is_refused(self) -> None:
        with pytest.raises(SpaceError, match=r"--keep noise: noise was given before: --set noise=0\.\.0\.5"):
            with_flags(narrow(space_of(NOISE), [], ACCURACY), ranges=["noise=0..0.5"], kept=["noise"])


def applied(proposal: Proposal, told: list[str], root: Space) -> Proposal:
    """What a command line with these flags would do."""
    texts: dict[str, list[str]] = {"--set": [], "--freeze": [], "--keep": []}
    for flag, text in (shlex.split(line) for line in told):
        texts[flag].append(text)
    return with_flags(
        proposal, ranges=texts["--set"], frozen=texts["--freeze"], kept=texts["--keep"], root=root
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_flags_repeat_what_a_person_did(data: st.DataObject) -> None:
    root = data.draw(spaces())
    trials = data.draw(trials_of(root, most=15))
    space = narrow(root, trials, ACCURACY).next_space
    original = narrow(space, trials, ACCURACY, root=root)
    edited = original
    for _ in range(data.draw(st.integers(1, 8))):
        hp = data.draw(st.sampled_from(space.hyperparameters))
        act = data.draw(st.sampled_from(["keep", "drop", "widen", "reopen", "between", "options"]))
        with contextlib.suppress(SpaceError):  # refused: nothing changed
            if act == "keep":
                edited = keep(edited, hp.name)
            elif act == "drop":
                edited = drop(edited, hp.name, root=root)
            elif act == "widen":
                edited = widen(edited, hp.name, root=root)
            elif act == "reopen":
                edited = reopen(edited, hp.name, root=root)
            elif act == "between" and isinstance(hp, Number):
                low, high = (float(hp.from_units(data.draw(st.floats(0, 1)))) for _ in range(2))
                if isinstance(hp, Integer):
                    low, high = int(low), int(high)
                edited = set_range(edited, f"{hp.name}={low!r}..{high!r}", root=root)
            elif act == "options" and isinstance(hp, Choice | Boolean):
                chosen = data.draw(st.lists(st.sampled_from(hp.options), min_size=1, unique=True))
                edited = set_range(edited, f"{hp.name}={','.join(map(str, chosen))}", root=root)
    assert len(edited.next_space) == len(space)
    assert applied(original, flags(edited), root) == edited


def test_what_is_searched_is_not_opened_again() -> None:
    with pytest.raises(SpaceError, match="units: is searched already"):
        reopen(PROPOSAL, "units", root=PROPOSAL.space)


@pytest.mark.parametrize("text", ["epsilon=1e-8,1e-7", "epsilon=1e-8..1e-7"])
def test_what_was_fixed_from_the_first_pass_on_takes_one_value(text: str) -> None:
    fixed = Proposal(space=FIXED, moves=(KEPT,))
    with pytest.raises(SpaceError, match="fixed from the first pass on"):
        set_range(fixed, text)


EPSILON = Fixed(name="epsilon", value=1e-7)
FIXED = Space(hyperparameters=(EPSILON,))
KEPT = Move(name="epsilon", verdict=Verdict.KEEP, old=EPSILON, new=EPSILON, reason="")
