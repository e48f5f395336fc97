"""Books carriers for orders, and hands parcels over."""
