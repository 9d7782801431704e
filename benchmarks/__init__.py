"""The benchmark: our pair beside others, measured in turns on one machine."""
