"""A small saga of its own: seats are held, money is taken, and both given back."""
