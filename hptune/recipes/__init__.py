"""Values → a compiled Keras model."""
