"""What all tests share."""

import signal

from hypothesis import settings

# Whoever runs the tests in the background may have told them to ignore Ctrl-C; programs that are
# started here would ignore it too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine a first call that imports may take longer than hypothesis allows.
settings.register_profile("hptune", deadline=None, derandomize=True)
settings.load_profile("hptune")
