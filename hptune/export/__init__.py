"""The best configurations of a study as files: to search again, to read, to train, to predict."""

FORMS = ("yaml", "json", "csv", "python", "keras", "optuna")
"""What --format takes."""

__all__ = ["FORMS"]
