"""From what a line prints to its expression tree, in the words of a setting."""
