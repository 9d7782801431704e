"""The wire's benchmark: what it costs in between, beside haproxy, nginx and nothing at all."""
