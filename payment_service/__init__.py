"""Takes and gives back orders' money, at a payment gateway."""
