"""The real pair under one fault and one load, once for each set of policies, side by side."""
