"""nginx proxying to nginx: the practical limit, and the unit of CPU in the results."""
