"""Lets customers in."""
