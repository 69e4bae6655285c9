"""Edits a proposal in the terminal, one hyperparameter after the other. It computes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hptune.cli import ask_text as ask_show
from hptune.cli.prompt import Prompt
from hptune.errors import SpaceError
from hptune.narrowing import edit
from hptune.space import Fixed, Tier
from hptune.space.describe import describe_range
from hptune.space.range_text import exact_text
from hptune.study.proposal import Proposal
from hptune.views.snapshot import Snapshot
from hptune.views.tables.steering import trials_behind

__all__ = ["ask"]

_PROMPT = "  accept edit keep widen freeze open tier look undo done quit ?"
_LAST_PROMPT = "  Enter to finish, or undo tier open quit"


@dataclass(frozen=True)
class _State:
    """Where the dialogue stands; every decision makes a new one, so that undo returns to the last."""

    proposal: Proposal
    at: int


class _QuitError(Exception):
    """Leave with nothing changed."""


class _BackError(Exception):
    """No answer was given: show the same range again."""


def ask(proposal: Proposal, snapshot: Snapshot, *, headline: str = "", err: bool = False) -> Proposal | None:
    """Walk through a proposal's ranges; returns it as decided, or None to change nothing.

    Speaks on stdout, or stderr with `err`. click.Abort where the person interrupts or there is no
    one to answer.
    """
    return _Dialogue(proposal, snapshot, Prompt(err=err)).run(headline)


class _Dialogue:
    """One walk through the ranges of one proposal."""

    def __init__(self, proposal: Proposal, snapshot: Snapshot, prompt: Prompt) -> None:
        self._snapshot, self._prompt = snapshot, prompt
        asked = [move for move in proposal.moves if not ask_show.stays_fixed(move)]
        self._names = [move.name for move in sorted(asked, key=lambda m: m.old.tier)]
        self._states = [_State(proposal, 0)]
        self._plots = True
        self._silent = False
        """Whether what is asked about was shown already."""

    @property
    def _now(self) -> _State:
        return self._states[-1]

    def run(self, headline: str) -> Proposal | None:
        """Ask until all is decided."""
        ask_show.show_begin(self._prompt, self._now.proposal, headline, self._snapshot.root)
        try:
            while not self._is_done():
                pass
        except _QuitError:
            return None
        ask_show.show_flags(self._prompt, self._now.proposal, self._snapshot.folder)
        return self._now.proposal

    def _is_done(self) -> bool:
        """Show where the person is and take one key; True where all is decided."""
        at_end = self._now.at == len(self._names)
        if not self._silent:
            self._show(at_end)
        self._silent = False
        answer = self._prompt.ask(_LAST_PROMPT if at_end else _PROMPT).lower()
        key = answer[:1] if answer in ask_show.KEYS else answer
        if key == "d" or (at_end and key in ("", "a")):
            return True
        if key == "q":
            raise _QuitError
        try:
            self._take(key, at_end)
        except SpaceError as error:
            self._refuse(error)
        except _BackError:
            self._silent = True
        return False

    def _show(self, at_end: bool) -> None:
        if at_end:
            ask_show.show_decided(self._prompt, self._now.proposal)
            return
        move = self._now.proposal[self._names[self._now.at]]
        place = {"at": self._now.at, "count": len(self._names)}
        ask_show.show_move(self._prompt, move, self._snapshot, plot=self._plots, **place)

    def _take(self, key: str, at_end: bool) -> None:
        """Do what a key says."""
        whole: dict[str, Callable[[], None]] = {
            "u": self._undo,
            "t": self._tier,
            "o": self._open,
            "?": self._help,
            "h": self._help,
            "p": self._toggle_plots,
        }
        one: dict[str, Callable[[str], None]] = {
            "": self._accept,
            "a": self._accept,
            "e": self._edit,
            "k": lambda name: self._decide(edit.keep(self._now.proposal, name)),
            "w": lambda name: self._decide(edit.widen(self._now.proposal, name, root=self._snapshot.root)),
            "f": self._freeze,
            "l": self._look,
        }
        if key in whole:
            whole[key]()
        elif key in one and not at_end:
            one[key](self._names[self._now.at])
        else:
            self._prompt.sentence(f"{key!r} is none of the words; ? tells what they do.")
            self._silent = True

    def _accept(self, name: str) -> None:
        self._decide(self._now.proposal)

    def _decide(self, proposal: Proposal) -> None:
        """Note a decision on the range that is shown, say what it comes to and go to the next."""
        name = self._names[self._now.at]
        if proposal[name] != self._now.proposal[name]:
            ask_show.show_choice(self._prompt, proposal[name])
        self._states.append(_State(proposal, self._now.at + 1))
        self._silent = False

    def _edit(self, name: str) -> None:
        like = describe_range(self._now.proposal[name].new).removeprefix("=")
        self._until_right(
            name,
            f"  {name}, as {like} (Enter: back)",
            "",
            lambda text: edit.set_range(self._now.proposal, f"{name}={text}", root=self._snapshot.root),
        )

    def _freeze(self, name: str) -> None:
        proposal = self._now.proposal
        value = proposal.best.get(name, proposal[name].new.initial)
        self._until_right(
            name,
            f"  freeze {name} at (-: back)",
            exact_text(value),
            lambda text: edit.freeze(self._now.proposal, f"{name}={text}", root=self._snapshot.root),
        )

    def _until_right(self, name: str, what: str, default: str, change: Callable[[str], Proposal]) -> None:
        """Ask for a text until the change that it writes is a right one, or the person goes back."""
        while True:
            text = self._answer(what, default)
            try:
                self._decide(change(text))
            except SpaceError as error:
                # The change was made from a flag; the user typed only its right side.
                self._refuse(error, message=f"{text}: {error.reason}")
            else:
                return

    def _answer(self, what: str, default: str = "") -> str:
        text = self._prompt.ask(what, default)
        if text in ("", "-"):
            raise _BackError
        return text

    def _open(self) -> None:
        """Search again what is frozen, by its name."""
        proposal = self._now.proposal
        frozen = [
            m.name
            for m in proposal.moves
            if isinstance(m.new, Fixed) and ask_show.can_be_opened(m, self._snapshot.root)
        ]
        if not frozen:
            self._stay("Nothing is frozen.")
            return
        self._prompt.sentence(f"Frozen: {', '.join(frozen)}")
        name = self._answer("  open which (Enter: back)")
        self._change(edit.reopen(proposal, name, root=self._snapshot.root))
        self._prompt.sentence(f"{name} is searched again: {self._now.proposal[name].reason}")

    def _tier(self) -> None:
        """Drop or open all of a tier."""
        words = self._answer("  `drop 3` or `open 3`, 4 for the unranked (Enter: back)").lower().split()
        if len(words) != 2 or words[0] not in ("drop", "open") or words[1] not in ("1", "2", "3", "4"):
            self._stay(f"{' '.join(words)!r}: write drop or open, and a tier from 1 to 4.")
            return
        tier, proposal = Tier(int(words[1])), self._now.proposal
        change = edit.drop_tier if words[0] == "drop" else edit.reopen_tier
        changed = change(proposal, tier, root=self._snapshot.root)
        names = [m.name for m in changed.moves if m != proposal[m.name]]
        if not names:
            self._stay(f"In {ask_show.tier_text(tier)} there is nothing to {words[0]}.")
            return
        self._change(changed)
        done = "frozen at their best values" if words[0] == "drop" else "searched again"
        self._prompt.sentence(f"{ask_show.tier_text(tier)}: {', '.join(names)} are {done}.")

    def _change(self, proposal: Proposal) -> None:
        """Note a decision that leaves the person where they are."""
        self._states.append(_State(proposal, self._now.at))

    def _undo(self) -> None:
        if len(self._states) == 1:
            self._stay("There is nothing to undo.")
            return
        self._states.pop()
        self._prompt.sentence("Undone.")

    def _look(self, name: str) -> None:
        for line in trials_behind(self._snapshot, name).splitlines():
            self._prompt.line(f"  {line}")
        self._silent = True

    def _help(self) -> None:
        ask_show.show_keys(self._prompt)
        self._silent = True

    def _toggle_plots(self) -> None:
        self._plots = not self._plots
        self._prompt.sentence(f"Plots are {'on' if self._plots else 'off'}.")

    def _stay(self, why: str) -> None:
        self._prompt.sentence(why)
        self._silent = True

    def _refuse(self, error: SpaceError, *, message: str | None = None) -> None:
        self._prompt.sentence(message or error.message)
        if error.hint:
            self._prompt.sentence(error.hint)
        self._silent = True
