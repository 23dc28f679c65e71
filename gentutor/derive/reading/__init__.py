"""From text to tree: lines of LaTeX, as lectures print them, become expressions of a setting's vocabulary."""
