"""Every parser against what is slow and obvious, on any bytes: `python -m tests.fuzz`."""
