"""What the measured figures come to: ratios, a table, a picture, the targets."""
