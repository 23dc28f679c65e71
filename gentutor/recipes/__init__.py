"""How the weights that are shipped were made: for each family of models a table of runs, and `run`."""
