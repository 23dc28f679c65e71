"""Lets the tests of derivations import what they share: the trials, the mutants, the second evaluator."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
