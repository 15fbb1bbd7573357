"""Figures of part I, the symmetric phase: one module a chapter."""
