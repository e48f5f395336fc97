"""The front door: takes orders and cancellations, and knows how each order stands."""
