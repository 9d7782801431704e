"""What scenarios are played with: asking, looking at the wire, and the stage that joins them."""
