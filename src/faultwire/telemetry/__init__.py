"""Sinks of the events that services emit: the log, the metrics and the traces."""
