"""Values that are listed: one of several options, off or on, or a single one that is not searched."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hptune.errors import did_you_mean
from hptune.space.condition import Value, kind_of, same_value
from hptune.space.hyperparameter import Hyperparameter

__all__ = ["Boolean", "Choice", "Fixed"]


@dataclass(frozen=True, kw_only=True)
class Choice(Hyperparameter):
    """One of several options."""

    options: tuple[Value, ...]
    """Two or more different values, all text, or all numbers, or all booleans."""
    ordered: bool = False
    """Neighbours are alike: they narrow to a run of neighbours."""
    default: Value | None = None
    """Where to start; the first option when not given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "options", tuple(self.options))
        if not self.options:
            self._fail("no choices are listed", key="choices")
        for i, option in enumerate(self.options):
            if not kind_of(option) or (isinstance(option, float) and not math.isfinite(option)):
                self._fail(
                    f"a choice must be text, a finite number or a boolean, got {option!r}", key="choices"
                )
            if any(same_value(option, earlier) for earlier in self.options[:i]):
                self._fail(f"the choice {option!r} is listed twice", key="choices")
        if len(self.options) == 1:
            only = self.options[0]
            self._fail(
                f"only one choice, {only!r}", f"For a single value write it alone: {only}.", key="choices"
            )
        kinds = {kind_of(option) for option in self.options}
        if len(kinds) > 1:
            self._fail(
                f"choices must be all text, all numbers or all booleans, got {list(self.options)}",
                key="choices",
            )
        if self.default is None:
            object.__setattr__(self, "default", self.options[0])
        elif not self.contains(self.default):
            self._fail(
                f"default {self.default!r} is not among the choices",
                did_you_mean(str(self.default), map(str, self.options)),
                key="default",
            )

    @property
    def initial(self) -> Value:
        assert self.default is not None
        return self.default

    @property
    def size(self) -> int:
        return len(self.options)

    def contains(self, value: Value) -> bool:
        return any(same_value(value, option) for option in self.options)

    def at(self, unit: float) -> Value:
        return self.options[min(int(unit * len(self.options)), len(self.options) - 1)]


@dataclass(frozen=True, kw_only=True)
class Boolean(Hyperparameter):
    """Off or on."""

    default: bool = False
    zero_of: str = ""
    """Name of the number that is exactly 0 where this is true; "" where it says nothing of another."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.default, bool):
            self._fail(f"default must be true or false, got {self.default!r}", key="default")

    @property
    def options(self) -> tuple[Value, ...]:
        """False and True, in this order."""
        return (False, True)

    @property
    def initial(self) -> bool:
        return self.default

    @property
    def size(self) -> int:
        return 2

    def contains(self, value: Value) -> bool:
        return isinstance(value, bool)

    def at(self, unit: float) -> Value:
        return unit >= 0.5


@dataclass(frozen=True, kw_only=True)
class Fixed(Hyperparameter):
    """A value that is not searched."""

    value: Value
    zero_of: str = ""
    """As of the boolean that was fixed here: the name of the number that is exactly 0 where this is true."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.zero_of and not isinstance(self.value, bool):
            self._fail(f"zero_of goes with true or false, got {self.value!r}", key="zero_of")
        if not kind_of(self.value):
            self._fail(f"a fixed value must be text, a number or a boolean, got {self.value!r}", key="value")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            self._fail(f"a fixed value must be finite, got {self.value!r}", key="value")

    @property
    def initial(self) -> Value:
        return self.value

    @property
    def size(self) -> int:
        return 1

    def contains(self, value: Value) -> bool:
        return same_value(value, self.value)

    def at(self, unit: float) -> Value:
        return self.value
