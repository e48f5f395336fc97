"""A participant without any business, on which the runtime's own promises are tested."""
