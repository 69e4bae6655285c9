"""What was written, as text and JSON."""

from __future__ import annotations

from hptune.project.init import Project
from hptune.space.as_dict import space_to_dict
from hptune.views.tables import to_json

__all__ = ["project_json", "project_text"]

_NEXT = """
Next:
  # what a search would do, without training
  hptune search --dry-run
  # the search
  hptune search"""


def project_text(project: Project) -> str:
    """Return a line for each file, and what to do next."""
    return "\n".join([*(f"{path}: {held}" for path, held in project.files.items()), _NEXT])


def project_json(project: Project) -> str:
    """Return the files and the space that is searched, as JSON."""
    return to_json({"files": [str(path) for path in project.files], "space": space_to_dict(project.space)})
