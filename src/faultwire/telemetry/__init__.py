"""Sinks of the events that services emit: the log and the metrics, of equal rank."""
