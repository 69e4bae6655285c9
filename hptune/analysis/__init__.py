"""What a study shows: importance, curves, significance, convergence. Pure functions of trials."""
