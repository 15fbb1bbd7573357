"""Figures of part III, partition geometry: one module a chapter."""
