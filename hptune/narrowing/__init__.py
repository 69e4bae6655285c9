"""How ranges move from pass to pass, and why. Pure functions of a space and its trials."""
