"""Two small sets of images, and the command that makes them again."""
