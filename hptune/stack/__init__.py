"""Trains several configurations of the recipe mlp as one model with a leading axis of configurations."""
