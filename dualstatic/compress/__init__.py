"""`python -m dualstatic compress`: writes the siblings of a directory's files."""
