"""Clients, B's policies and A as a queue, in virtual time: the lessons of overload."""
