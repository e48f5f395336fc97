"""Takes cars for trips, and gives them back."""
