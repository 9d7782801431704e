"""The pairs that are compared, each a Service A and a Service B, one process each."""
