"""Looking at files, opening and reading them: nothing else in the package does."""
