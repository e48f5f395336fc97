"""Takes the customers' money, term by term."""
