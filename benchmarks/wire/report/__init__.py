"""What the wire's figures come to: ratios, tables, a picture, the targets."""
