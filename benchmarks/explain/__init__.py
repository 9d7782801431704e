"""How fast `faultwire explain` reads a log, beside the plainest tools that read one."""
