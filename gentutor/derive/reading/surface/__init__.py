"""From tokens to what a line prints, before anything is known about its names."""
