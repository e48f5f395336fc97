"""Takes rooms for trips, and gives them back."""
