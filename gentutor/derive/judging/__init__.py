"""Whether a relation between two lines holds, and what is wrong with a line that does not follow."""
