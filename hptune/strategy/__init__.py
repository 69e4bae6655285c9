"""What to train next: pure decisions over (space, history, random state). No Keras, no I/O, no clock."""
