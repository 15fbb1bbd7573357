"""Exercises of part IV."""
