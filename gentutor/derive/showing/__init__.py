"""Trees as LaTeX, and reports in the notebook and on a terminal."""
