"""Whole tasks: a search from data and model to a finished study, and the confirmation of its best trials."""
