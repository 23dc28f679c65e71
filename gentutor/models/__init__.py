"""Reference models, one file for each family, each read top to bottom."""
