"""Exercises of part I."""
