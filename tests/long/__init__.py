"""Promises that take minutes to look at: each file is a command that prints what it found."""
