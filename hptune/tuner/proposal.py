"""What a pass taught, as an object that is edited and accepted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hptune.narrowing import edit
from hptune.search.next_pass import edited, write_next_pass
from hptune.space import Space, Value
from hptune.space.describe import describe_range
from hptune.space.range_text import exact_text
from hptune.study import Study
from hptune.study.proposal import Proposal
from hptune.tuner.html import proposal_html
from hptune.views import tables

__all__ = ["NextPass"]


class NextPass:
    """A proposal for the next pass: for each hyperparameter a range, and the reason for it.

    Each method but `accept` returns a new one and changes nothing on disk:

        tuner.narrow().edit("lr", 1e-3, 1e-1).freeze("momentum", 0.9).keep("units").accept()
    """

    def __init__(self, folder: Path, proposal: Proposal, root: Space) -> None:
        self._folder = folder
        self._root = root
        self.proposal = proposal

    def edit(self, name: str, *to: Value | Sequence[Value]) -> NextPass:
        """Give a hyperparameter a range, `edit("lr", 1e-3, 1e-1)`, or options, `edit("units", [32, 64])`.

        The range may be a text too, `edit("lr", "1e-3..1e-1")`. Nothing is tried outside it. Raises
        SpaceError for a name that is not in the space and for what the first pass did not allow.
        """
        if len(to) == 2:
            text = "..".join(_text(value) for value in to)
        elif len(to) == 1 and isinstance(to[0], str):
            text = to[0]
        elif len(to) == 1 and isinstance(to[0], Sequence):
            text = ",".join(_text(value) for value in to[0])
        else:
            raise TypeError("edit() takes a name and a range: two ends, a list of options, or a text")
        return self._with(edit.set_range(self.proposal, f"{name}={text}", root=self._root))

    def freeze(self, name: str, value: Value | None = None) -> NextPass:
        """Search a hyperparameter no more: fix it at a value, or at that of the best trial."""
        text = name if value is None else f"{name}={_text(value)}"
        return self._with(edit.freeze(self.proposal, text, root=self._root))

    def keep(self, *names: str) -> NextPass:
        """Leave ranges as they were in the pass just done."""
        changed = self.proposal
        for name in names:
            changed = edit.keep(changed, name)
        return self._with(changed)

    def widen(self, *names: str) -> NextPass:
        """Widen ranges by half their width on each side, as far as their limits allow."""
        changed = self.proposal
        for name in names:
            changed = edit.widen(changed, name, root=self._root)
        return self._with(changed)

    def accept(self) -> Path:
        """Write next-pass.yaml into the study, which the next search runs as a pass of its own.

        Returns the file. Raises InputError where it can't be written.
        """
        with Study.open(self._folder) as study:
            return write_next_pass(study, edited(study, self.proposal))

    def __getitem__(self, name: str) -> str:
        """Return the range of a hyperparameter in the next pass, as text."""
        return describe_range(self.proposal[name].new)

    def __repr__(self) -> str:
        return tables.proposal_text(self.proposal)

    def _repr_html_(self) -> str:
        return proposal_html(self.proposal)

    def _with(self, proposal: Proposal) -> NextPass:
        return NextPass(self._folder, proposal, self._root)


def _text(value: object) -> str:
    if not isinstance(value, bool | int | float | str):
        raise TypeError(f"{value!r} is no value of a hyperparameter")
    return exact_text(value)
