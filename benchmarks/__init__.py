"""Timings of what the book promises, printed beside what they are compared with: ``python -m benchmarks``."""
