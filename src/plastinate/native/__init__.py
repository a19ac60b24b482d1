"""Compiled C++ kernels, reached through ctypes; see `load.py` and docs/decisions/0001."""
