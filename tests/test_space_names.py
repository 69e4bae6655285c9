import pytest

from hptune.space.hyperparameter import Tier
from hptune.space.names import limits_for, meaning
from hptune.space.scales import Scale


@pytest.mark.parametrize(
    "name",
    [
        *("lr", "LR", "learning_rate", "learning-rate", "learningRate", "LearningRate", "learning rate"),
        *("adam_learning_rate", "learning_rate_sgd", "lr_0", "lr1", "initial_learning_rate", "base_lr"),
        *("encoder/lr", "encoder/learning_rate_2", "head_lr", "max_lr", "lr_rmsprop"),
    ],
)
def test_a_learning_rate_is_of_the_first_tier(name: str) -> None:
    found = meaning(name)
    assert found.tier is Tier.FIRST
    assert found.what == "learning rate"
    assert found.scale is Scale.LOG
    assert found.limits == (1e-8, 100.0)
    assert found.whole is False


@pytest.mark.parametrize(
    "name", ["momentum", "sgd_momentum", "momentum_sgd", "rmsprop_momentum", "momentum_0"]
)
def test_the_optimisers_momentum_is_of_the_second_tier(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.scale, found.limits) == (Tier.SECOND, Scale.LOG_COMPLEMENT, (0.0, 0.9999))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "units",
            "units_0",
            "units3",
            "num_units",
            "n_units",
            "hidden_units",
            "dense_units",
            "dense_1_units",
        ),
        *(
            "layer_2_units",
            "block/units",
            "neurons",
            "n_neurons",
            "hidden_size",
            "hidden_dim",
            "numLSTMUnits",
        ),
        *("filters", "conv_2_filters", "filters_0", "conv_1_filter", "dense_unit"),
    ],
)
def test_hidden_units_are_of_the_second_tier(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.what, found.limits, found.whole) == (
        Tier.SECOND,
        "hidden units",
        (1, 8192),
        True,
    )


@pytest.mark.parametrize(
    "name", ["batch_size", "batchSize", "mini_batch_size", "minibatch_size", "batch", "bs"]
)
def test_the_batch_size_is_of_the_second_tier(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.what, found.limits) == (Tier.SECOND, "batch size", (1, 8192))


@pytest.mark.parametrize(
    "name",
    ["layers", "num_layers", "n_layers", "numLayers", "hidden_layers", "num_dense_layers", "num_blocks"],
)
def test_layers_are_of_the_third_tier(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.what, found.limits) == (Tier.THIRD, "layers", (1, 12))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "decay",
            "decay_rate",
            "lr_decay",
            "learning_rate_decay",
            "learning_rate_decay_rate",
            "lr_decay_rate",
        ),
        *("schedule", "lr_schedule", "learning_rate_schedule", "drop_every", "decay_steps", "adam_decay"),
    ],
)
def test_learning_rate_decay_is_of_the_third_tier(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.what) == (Tier.THIRD, "learning-rate decay")


@pytest.mark.parametrize("name", ["beta_1", "beta1", "beta_2", "beta2", "adam_beta_1", "beta_1_adamw"])
def test_adams_betas_are_of_the_third_tier_and_searched_by_their_complement(name: str) -> None:
    found = meaning(name)
    assert (found.tier, found.scale) == (Tier.THIRD, Scale.LOG_COMPLEMENT)
    assert found.limits is not None
    assert found.limits[1] < 1


@pytest.mark.parametrize("name", ["epsilon", "eps", "adam_epsilon", "epsilon_adam"])
def test_epsilon_is_of_the_third_tier(name: str) -> None:
    assert (meaning(name).tier, meaning(name).scale) == (Tier.THIRD, Scale.LOG)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("weight_decay", "weight decay"),
        ("adamw_weight_decay", "weight decay"),
        ("dropout", "dropout"),
        ("dropout_1", "dropout"),
        ("dropout_rate", "dropout"),
        ("hidden_dropout", "dropout"),
        ("l1", "weight penalty"),
        ("l2", "weight penalty"),
        ("l1_l2", "weight penalty"),
        ("dense_l2", "weight penalty"),
        ("l2_reg", "weight penalty"),
        ("ema_momentum", "memory of a moving average"),
        ("batch_norm_momentum", "memory of a moving average"),
        ("rho", "RMSprop's rho"),
        ("clip_threshold", "gradient clipping"),
        ("clipnorm", "gradient clipping"),
        ("early_stopping_patience", "patience"),
        ("early_stopping_min_delta", "smallest improvement"),
        ("kernel_size", "kernel size"),
        ("filter_size_0", "kernel size"),
        ("augment_zoom", "augmentation"),
        ("rotation", "augmentation"),
    ],
)
def test_what_the_notes_do_not_rank_is_unranked_but_has_limits(name: str, what: str) -> None:
    found = meaning(name)
    assert (found.tier, found.what) == (Tier.UNRANKED, what)
    assert found.limits is not None


@pytest.mark.parametrize(
    "name",
    [
        *("flr", "color", "colour", "blur", "slr", "unitsy", "humidity", "momentums", "betamax", "epsilonic"),
        *("momentum_schedule", "beta", "beta_3", "batch_normalization", "batch_normalization_position"),
        *("learning_rate_patience_mode", "lr_warmup", "min_lr", "lr_factor", "units_activation"),
        *(
            "freeze_layers",
            "trainable_layers",
            "dense_1_activation",
            "image_width",
            "color_depth",
            "bn_epsilon",
        ),
        *("optimizer", "activation", "nesterov", "ema", "epochs", "kernel_initializer", "x", "_", "0", "µ"),
    ],
)
def test_other_words_tell_nothing_of_the_first_three_tiers(name: str) -> None:
    assert meaning(name).tier is Tier.UNRANKED


@pytest.mark.parametrize(
    ("what", "tier", "names"),
    [
        (
            "layers",
            Tier.THIRD,
            ("n_hidden", "num_hidden", "hidden", "layer_num", "n_lstm", "n_conv", "num_dense", "nHidden"),
        ),
        (
            "hidden units",
            Tier.SECOND,
            (
                *(
                    "kernels",
                    "neuron",
                    "hidden1",
                    "hidden-layer0",
                    "layer1",
                    "layer_1",
                    "final-layer",
                    "dense_1",
                ),
                *("lstm_1", "fc1", "layer_1_size", "Dense size 1", "n_hidden_1", "conv2d_1", "kernels_0"),
                *("num_conv_filters", "dense_layer_2", "num_hidden_units", "encoder/dense_1"),
            ),
        ),
        (
            "dropout",
            Tier.UNRANKED,
            (
                "drop out 1",
                "drop_0",
                "drop1",
                "drop_out",
                "dense_1_dropout",
                "dropout_layer_1",
                "drop_1_rate",
            ),
        ),
        ("kernel size", Tier.UNRANKED, ("conv_1_kernel_size", "kernels_size", "layer_1_kernel_size")),
        ("weight penalty", Tier.UNRANKED, ("layer_1_l2", "hidden_1_l1")),
    ],
)
def test_the_names_that_people_use_tell_what_they_are(what: str, tier: Tier, names: tuple[str, ...]) -> None:
    found = {name: (meaning(name).what, meaning(name).tier) for name in names}
    assert found == dict.fromkeys(names, (what, tier))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "dense",
            "dense_1_activation",
            "layer",
            "layer_type",
            "layer_1_type",
            "use_dense_1",
            "freeze_layer_1",
        ),
        *("hidden_activation", "hidden_1_bias", "conv_1d", "conv3x3", "kernel", "drop", "drop_remainder"),
        *(
            "batch_norm_1",
            "bn_layer_1",
            "final",
            "final_activation",
            "final_layer_activation",
            "number",
            "num",
        ),
        *("n_heads", "n_folds", "lstm", "lstm_1_return", "hidden_state", "layer_norm_1", "fc_1_bias"),
    ],
)
def test_names_near_those_of_layers_and_units_tell_nothing(name: str) -> None:
    assert meaning(name).what == ""


def test_a_name_that_tells_nothing_has_no_limits() -> None:
    found = meaning("temperature")
    assert (found.what, found.limits, found.scale, found.whole) == ("", None, Scale.LINEAR, None)


def test_limits_of_a_known_name_hold_its_range() -> None:
    assert limits_for("learning_rate", 1e-4, 1e-1, Scale.LOG) == (1e-8, 100.0)
    assert limits_for("learning_rate", 0.0, 500.0, Scale.LINEAR) == (0.0, 500.0)


def test_limits_of_an_unknown_name_are_the_range() -> None:
    assert limits_for("temperature", 1.0, 2.0, Scale.LINEAR) == (1.0, 2.0)


def test_limits_leave_out_what_has_no_place_on_the_scale() -> None:
    assert limits_for("momentum", 0.5, 0.9, Scale.LOG) == (0.5, 0.9999)
    assert limits_for("augment_zoom", 0.1, 0.5, Scale.LOG_COMPLEMENT) == (0.0, 0.5)


def test_limits_of_whole_numbers_are_whole() -> None:
    assert limits_for("dropout", 1, 5, Scale.LINEAR, whole=True) == (0, 5)
    assert limits_for("learning_rate", 2, 5, Scale.LOG, whole=True) == (1, 100)
