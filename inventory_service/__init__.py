"""Holds stock for orders, across warehouses."""
