"""The pair: Service A echoes, Service B calls A, and what the two share."""
