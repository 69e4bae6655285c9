"""A project's two files, a space file and the defaults of every command, for the data and model given."""

from hptune.project.init import Project, ProjectOptions, init_project
from hptune.project.space_file import SPACE_FILE
from hptune.project.text import project_json, project_text

__all__ = ["SPACE_FILE", "Project", "ProjectOptions", "init_project", "project_json", "project_text"]
