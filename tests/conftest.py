"""What holds for all tests."""

import os

# Read by torch's OpenMP when it is loaded: threads that wait for each other by spinning take a hundred times as long on
# a machine that does something else as well. The worker process sets it for itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
