"""What all tests share: one thread for each process."""

import os

# Tests run side by side, a process for each core. Small matrix products on more threads than there are free cores
# wait for each other, up to a hundred times longer than one thread takes. Kernels inherit this.
os.environ["OMP_NUM_THREADS"] = "1"
