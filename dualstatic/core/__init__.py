"""The decision: values in, values out. What it needs of the world is an argument."""
