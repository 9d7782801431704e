"""What it costs a request to be recorded."""
