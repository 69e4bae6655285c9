"""Where jobs are trained: each gives a Future of an Outcome."""
