"""Figures of part IV."""
