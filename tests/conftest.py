"""What all tests share: one thread for each process."""

import os

# Tests run side by side, a process for each core. On more threads than there are free cores, small matrix
# products spend their time waiting for each other: 115 s instead of 2 s was seen. Kernels inherit this.
os.environ["OMP_NUM_THREADS"] = "1"
