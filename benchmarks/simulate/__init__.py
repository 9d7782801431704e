"""How long the lessons take with a hundred thousand clients."""
