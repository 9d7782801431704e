"""The console: one page that shows the system live, breaks it, and explains what happens.

It imports no service. What it knows it reads from their log lines, their `/metrics` and the wire's
control API.
"""
