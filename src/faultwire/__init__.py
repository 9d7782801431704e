"""Faultwire: two services, the wire between them, and every way that wire can fail."""

__version__ = "0.1.0"
