"""The check: every failure played against a pair of services, and what held and what did not."""
