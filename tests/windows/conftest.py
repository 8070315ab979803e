"""The tests here are for Windows alone; elsewhere pytest passes over them."""

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
