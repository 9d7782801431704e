"""`python -m faultwire` is `faultwire`."""

from faultwire.cli import main

if __name__ == "__main__":
    main()
