"""Worlds and what expressions are worth in them: arrays with named axes, joint laws, exact integrals."""
