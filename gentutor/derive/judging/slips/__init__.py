"""What a hand that slipped once may have meant: each function looks at one place of a line."""
