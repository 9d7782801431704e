"""The target: its processes, its upstream, and the wire between them."""
