"""`hptune export`."""

from __future__ import annotations

import click

from hptune.cli.options import FilePath, isolate_option, study_argument, trust_option
from hptune.cli.say import say
from hptune.export import FORMS

__all__ = ["command"]


@click.command(name="export", short_help="Write the best configurations, as a script or a trained model too.")
@study_argument
@click.option("--top", default=1, show_default=True, type=click.IntRange(1, 10**9), help="How many.")
@click.option(
    "--format",
    "form",
    default="yaml",
    show_default=True,
    type=click.Choice(FORMS),
    help="python: a plain Keras script; keras: a trained model with preprocessing inside; optuna: all trials,"
    " into a storage.",
)
@click.option(
    "-o",
    "--output",
    type=FilePath(),
    help="A file, or a folder for several; of optuna sqlite:///FILE or any URL that Optuna takes.",
)
@trust_option
@isolate_option
def command(
    study: str | None, top: int, form: str, output: str | None, trust: bool, isolate: bool | None
) -> int | None:
    """Write the best configurations, best first.

    yaml and json are spaces of fixed values, which `hptune search --space` takes; csv is a table;
    python is a script that trains the configuration with Keras alone; keras is the trained model,
    from raw rows to labels, with a card (NAME.md) that describes it. Best is the best mean over
    fresh seeds where `hptune confirm` has run, else the best score. Of a damaged study csv holds
    what can be read. optuna holds all trials that ended, for Optuna and its dashboard.
    """
    from hptune.cli.isolated import run_isolated
    from hptune.errors import DamagedStudyError
    from hptune.export.write import export, export_whole, file_of
    from hptune.search.isolation import isolation_of_study
    from hptune.study import Study, find_study

    folder = find_study(study)
    if form == "optuna":
        from hptune.bridges.to_optuna import export_to_optuna

        with Study.open(folder) as opened:
            say(f"Wrote {export_to_optuna(opened, output, top=top)}", err=True)
        return None
    isolation = isolation_of_study(folder, isolate) if form in ("python", "keras") else None
    if isolation is not None:
        return run_isolated(isolation, folder)
    file = file_of(output)
    try:
        with Study.open(folder) as opened:
            exported = export(opened, form=form, top=top, output=file, trust=trust)
    except DamagedStudyError as damage:
        if form != "csv":
            raise
        exported = export_whole(folder, damage, top=top, output=file)
    if exported.order:
        say(exported.order, err=True)
    if exported.text:
        say(exported.text, exact=True)
    for path in exported.files:
        say(f"Wrote {path}", err=True)
    return None
