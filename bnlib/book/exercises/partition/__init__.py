"""Exercises of part III."""
