"""Pure decisions about calls: time and chance are arguments, and nothing awaits."""
