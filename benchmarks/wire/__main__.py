"""So that `python -m benchmarks.wire` runs the wire's part alone."""

from benchmarks.wire.run import main

main(prog_name="python -m benchmarks.wire")
