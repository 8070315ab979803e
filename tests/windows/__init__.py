"""The tests under a Windows Python, which Wine runs on Linux: `python -m tests.windows FOLDER`."""
