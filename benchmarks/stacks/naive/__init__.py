"""The pair as it is usually written: the Flask development server and requests."""
