"""So that `python -m benchmarks` runs the benchmark."""

from benchmarks.run import main

main(prog_name="python -m benchmarks")
