"""Presets: a few configurations of a recipe that do well on many data sets, and what they are worth.

    python benchmarks/presets.py            mlp, about a quarter of an hour of one core
    python benchmarks/presets.py --recipe cnn
    python benchmarks/presets.py --quick    three data sets and few configurations, for a first look

Trains the same configurations, drawn from the recipe's own space, on the bundled data and on
generated data of many kinds. Chooses a few that complement each other and the defaults, which a
search tries first in any case (`hptune.strategy.portfolio.cover`), and with --write puts them where the
package reads them.

What they are worth is told leave-one-data-set-out: the presets for each data set are chosen on the
others alone, and stand beside as many configurations as a search would draw itself. Regret is
(best − found) / (best − median) over all that was trained on the data set, at most 1.
"""

from __future__ import annotations

import argparse
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from presets_trainings import ROOT, Candidate, Table, candidates, gather

Array = NDArray[np.float64]
MOST = 5
"""Presets that are judged, from 1."""
FIRST = 9
"""Configurations of a search's first bracket, the defaults among them."""
TIER_ONE = 0.4
"""Share of a search's own first draws that move tier 1 only (`hptune.strategy.initial_design.TIER_SHARE`)."""
DRAWS = 2000


PLANS: Mapping[str, dict[str, int]] = {
    "mlp": {"shapes": 12, "each": 4, "rates": 8, "epochs": 20},
    "cnn": {"shapes": 10, "each": 1, "rates": 3, "epochs": 9},
}
"""What is drawn (`presets_trainings.candidates`), and the epochs of a full training."""
QUICK = {"shapes": 9, "each": 1, "rates": 2, "epochs": 3}


def main() -> None:
    arguments = _parser().parse_args()
    recipe = arguments.recipe
    plan = dict(QUICK if arguments.quick else PLANS[recipe])
    epochs = plan.pop("epochs")
    tried = candidates(recipe, **plan)
    only = 3 if arguments.quick else None
    tables = gather(recipe, tried, epochs=epochs, save=arguments.save, only=only)
    cpu = sum(table.cpu for table in tables)
    print(f"{recipe}: {len(tried)} configurations, {epochs} epochs each, {cpu:.0f} CPU seconds\n")
    print("\n".join(per_data(tables)) + "\n")
    telling = [table for table in tables if is_telling(table)]
    print("\n".join(report(telling, tried, epochs)) + "\n")
    chosen = chosen_on(telling, MOST)
    for number, index in enumerate(chosen, 1):
        print(f"{number}. {line(tried[index], recipe)}")
    if arguments.write is not None:
        write(recipe, [tried[index] for index in chosen[: arguments.write]], telling)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", choices=tuple(PLANS), default="mlp")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="add trainings by data set; none there is repeated",
    )
    parser.add_argument("--write", type=int, metavar="COUNT", help="write so many presets into the package")
    parser.add_argument("--quick", action="store_true", help="a few configurations on three data sets")
    return parser


# What is worth what


def is_telling(table: Table) -> bool:
    """Whether half of the configurations are worse than the best."""
    final = table.curves[:, -1]
    return bool(np.median(final) < final.max())


def regrets(table: Table) -> Array:
    """Return each configuration's regret after a full training, 0 to 1, shape (candidates,)."""
    final = table.curves[:, -1]
    best, median = final.max(), np.median(final)
    return np.clip((best - final) / (best - median), 0.0, 1.0)


def chosen_on(tables: list[Table], count: int) -> list[int]:
    """Return the candidates that complement the defaults, which are the first, best."""
    from hptune.strategy.portfolio import cover

    return cover(np.array([regrets(table) for table in tables]), count, given=[0])


def report(tables: list[Table], tried: list[Candidate], epochs: int) -> list[str]:
    """Return the table of leave-one-data-set-out."""
    lines = [
        f"Leave one of {len(tables)} data sets out: regret, mean ± standard error over data sets.\n",
        "| k | defaults + k presets | defaults + k drawn | presets' lead | better on "
        "| first bracket with k presets | with none | presets' lead | better on |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    draws = own_draws(tried, FIRST - 1)
    orders = [chosen_on(tables[:i] + tables[i + 1 :], MOST) for i in range(len(tables))]
    without = [np.mean([bracket(t, d, epochs) for d in draws]) for t in tables]
    for k in range(1, MOST + 1):
        cells = []
        pairs = zip(tables, orders, strict=True)
        with_presets = [regrets(t)[[0, *order[:k]]].min() for t, order in pairs]
        drawn = [np.mean([regrets(t)[[0, *d[:k]]].min() for d in draws]) for t in tables]
        cells += compared(with_presets, drawn)
        mixed = [
            np.mean([bracket(t, [*order[:k], *d[: FIRST - 1 - k]], epochs) for d in draws])
            for t, order in zip(tables, orders, strict=True)
        ]
        lines.append(f"| {k} | " + " | ".join([*cells, *compared(mixed, without)]) + " |")
    return lines


def compared(ours: list[float], theirs: list[float]) -> list[str]:
    leads = np.array(theirs) - np.array(ours)
    better = f"{(leads > 1e-9).sum()}, worse on {(leads < -1e-9).sum()}"
    return [spread(ours), spread(theirs), spread(leads, sign="+"), better]


def spread(values: Array | list[float], sign: str = "") -> str:
    """Return mean ± standard error."""
    error = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{np.mean(values):{sign}.3f} ± {error:.3f}"


def own_draws(tried: list[Candidate], count: int) -> list[list[int]]:
    """Return sets of `count` configurations as a search's own first draws are, drawn from the candidates.

    Some differ from the defaults in tier 1 alone; the others are from all of the space, no two of
    one shape, as independent draws are.
    """
    rng = np.random.default_rng(5)
    rates = [i for i, candidate in enumerate(tried) if i and candidate.shape == 0]
    shapes: dict[int, list[int]] = {}
    for i, candidate in enumerate(tried):
        shapes.setdefault(candidate.shape, []).append(i)
    del shapes[0]
    found = []
    for _ in range(DRAWS):
        one = min(rng.binomial(count, TIER_ONE), len(rates))
        one = max(one, count - len(shapes))
        some = list(rng.choice(rates, one, replace=False))
        some += [int(rng.choice(shapes[s])) for s in rng.choice(list(shapes), count - one, replace=False)]
        found.append([int(i) for i in rng.permutation(some)])
    return found


def bracket(table: Table, others: list[int], epochs: int) -> float:
    """Return the regret of the one of the first bracket that is trained to the end."""
    from hptune.strategy.halving import Bracket, coarse_rungs

    rungs = coarse_rungs(epochs)
    plan = Bracket.of(rungs, 1 + len(others))
    alive = np.array([0, *others])
    for rung, size in zip(rungs, plan.sizes[1:], strict=False):
        values = table.curves[alive, rung - 1]
        alive = alive[np.argsort(-values, kind="stable")[:size]]
    return float(regrets(table)[alive[0]])


def per_data(tables: list[Table]) -> list[str]:
    """Return what was trained on, and how the defaults stand there."""
    lines = [
        "| data | objective | defaults | best | median | regret of the defaults |",
        "|---|---|---|---|---|---|",
    ]
    for table in tables:
        final = np.abs(table.curves[:, -1])
        # Losses were turned around, so the order is that of the curves.
        best, middle = final[table.curves[:, -1].argmax()], abs(float(np.median(table.curves[:, -1])))
        regret = f"{regrets(table)[0]:.2f}" if is_telling(table) else "–"
        numbers = " | ".join(f"{value:.4g}" for value in (final[0], best, middle))
        lines.append(f"| {table.data} | {table.objective} | {numbers} | {regret} |")
    return lines


# What is shipped


def line(candidate: Candidate, recipe: str) -> str:
    """Return the searched values of a configuration as YAML in one line, with two significant digits."""
    from hptune.space.files import ready_space

    names = [hp.name for hp in ready_space(recipe).searched]
    values = {name: candidate.values[name] for name in names if name in candidate.values}
    return "{" + ", ".join(f"{name}: {text(value)}" for name, value in values.items()) + "}"


def text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def write(recipe: str, chosen: list[Candidate], tables: list[Table]) -> None:
    """Write the presets where `hptune.models.recipes.presets` reads them."""
    path = ROOT / "hptune" / "recipes" / "presets" / f"{recipe}.yaml"
    data = textwrap.wrap(", ".join(table.data for table in tables) + ".", 98)
    head = [
        f"# Learnt by `python benchmarks/presets.py --recipe {recipe} --write {len(chosen)}` on",
        *data,
        "The first helps most beside the defaults, the next most beside those before it.",
    ]
    said = "\n# ".join(head)
    path.write_text("\n".join([said, "", *(f"- {line(c, recipe)}" for c in chosen)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
