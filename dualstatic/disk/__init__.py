"""The only rooms that look at files, open them or read them."""
