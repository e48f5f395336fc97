"""Takes seats for trips, and gives them back."""
