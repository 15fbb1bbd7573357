"""What the chapters need besides mathematics: the figure contract and its front ends, figures, records, exercises."""
