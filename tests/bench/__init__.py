"""The benchmark: ours, drgn and crash's own commands, side by side on the same dump files.

    python3 -m tests.bench [--quick] [--json FILE]

It is no test: what is not met is shown, and the exit status is 0 as long as everything ran. What
is measured is data, in rows.py; how, is in docs/performance.md.
"""
