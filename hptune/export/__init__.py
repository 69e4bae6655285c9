"""The best configurations of a study as files: to search again, to read, to train, to predict."""
