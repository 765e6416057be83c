"""What is wrong with the machine of a dump: detectors, and the findings they have.

`finding` says what a finding is; `detectors` runs all detectors; every other module is one of them:
a function `findings()` that yields what it has found and knows nothing of the others.
"""
