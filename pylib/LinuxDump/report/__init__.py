"""The report of a dump, section by section.

`sections` says which there are, in their order; every other module is one of them: `show(verbose)`
prints it, `data()` returns what it says for JSON, and neither knows the other sections.
"""
