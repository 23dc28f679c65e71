"""What samples are measured by: each stated exactly, and tested where its value is known."""
