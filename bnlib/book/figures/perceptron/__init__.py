"""Figures of part II, regularization: one module a chapter."""
