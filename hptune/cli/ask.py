"""Edits a proposal in the terminal, one hyperparameter after the other. It computes nothing."""

from __future__ import annotations

from collections.abc import Callable

import click

from hptune.errors import SpaceError
from hptune.proposal import Move, Proposal, describe_range
from hptune.strategy import edit
from hptune.tables import format_value

__all__ = ["ask"]

KEYS = {
    "a": "accept",
    "e": "edit the range",
    "k": "keep the old range",
    "w": "widen",
    "f": "freeze at a value",
    "u": "undo",
    "d": "done, accept the rest",
    "q": "quit, change nothing",
}


def ask(proposal: Proposal) -> Proposal | None:
    """Walk through a proposal's ranges; returns it as decided, or None to change nothing."""
    names = [move.name for move in sorted(proposal.moves, key=lambda m: m.old.tier)]
    history = [proposal]
    at = 0
    _say_notes(proposal)
    click.echo("  ".join(f"[{key}] {what}" for key, what in KEYS.items()))
    while at < len(names):
        current = history[-1]
        _show(current[names[at]], at, len(names))
        key = click.prompt("  a/e/k/w/f/u/d/q", default="a", show_default=False).strip().lower()[:1]
        if key == "q":
            return None
        if key == "d":
            break
        if key == "u":
            at, history = max(0, at - 1), history[:-1] or [proposal]
            continue
        changed = _decide(key, current, names[at])
        if changed is None:
            continue
        history.append(changed)
        at += 1
    decided = history[-1] if history else proposal
    _say_flags(decided)
    return decided


def _decide(key: str, proposal: Proposal, name: str) -> Proposal | None:
    """Return the proposal after a key, or None to ask again."""
    move = proposal[name]
    actions: dict[str, Callable[[], Proposal]] = {
        "a": lambda: proposal,
        "k": lambda: edit.keep(proposal, name),
        "w": lambda: edit.widen(proposal, name),
        "e": lambda: edit.set_range(proposal, f"{name}={_ask_for('range', describe_range(move.new))}"),
        "f": lambda: edit.freeze(proposal, f"{name}={_ask_for('value', format_value(move.new.initial))}"),
    }
    if key not in actions:
        click.echo(f"  {key!r} is none of the keys")
        return None
    try:
        return actions[key]()
    except SpaceError as error:
        click.echo(f"  {error.message}" + (f"\n  {error.hint}" if error.hint else ""))
        return None


def _ask_for(what: str, default: str) -> str:
    answer: str = click.prompt(f"  {what}", default=default)
    return answer.strip()


def _show(move: Move, at: int, count: int) -> None:
    click.echo("")
    tier = f", tier {int(move.old.tier)}" if move.old.tier < 4 else ""
    click.echo(click.style(f"{at + 1}/{count} {move.name}", bold=True) + tier)
    old, new = describe_range(move.old), describe_range(move.new)
    click.echo(f"  {move.verdict.value}: {old}" + (f" → {new}" if new != old else ""))
    click.echo(f"  {move.reason}")


def _say_notes(proposal: Proposal) -> None:
    for note in proposal.notes:
        click.echo(note)


def _say_flags(proposal: Proposal) -> None:
    flags = edit.flags(proposal)
    click.echo("")
    click.echo("The same without asking: " + " ".join(["hptune narrow --accept", *flags]))
