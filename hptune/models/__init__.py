"""Models: built-in recipes and user models, all with the same interface to whoever trains them."""
