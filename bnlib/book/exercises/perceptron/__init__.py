"""Exercises of part II."""
