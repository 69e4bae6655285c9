"""What all tests share."""

from hypothesis import settings

# On a busy machine a first call that imports may take longer than hypothesis allows.
settings.register_profile("hptune", deadline=None, derandomize=True)
settings.load_profile("hptune")
