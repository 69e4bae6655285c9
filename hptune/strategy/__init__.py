"""Pure decisions over (space, history, random state): no Keras, no I/O, no clock."""
