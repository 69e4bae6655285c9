"""What --oracle takes: a search algorithm of ours, of Keras Tuner's or of another package."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import CompletionItem

from hptune.oracles import GROUP, ORACLES

__all__ = ["OracleName"]


class OracleName(click.ParamType[str]):
    """The name of a search algorithm; packages are looked at for one that is not ours."""

    name = "oracle"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        known = ORACLES if value in ORACLES else (*ORACLES, *_offered())
        if value not in known:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, known))}", param, ctx)
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(ORACLES)}|NAME]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(name) for name in (*ORACLES, *_offered()) if name.startswith(incomplete)]


def _offered() -> list[str]:
    from importlib.metadata import entry_points

    return sorted(point.name for point in entry_points(group=GROUP))
