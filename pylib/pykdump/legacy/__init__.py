"""Programs that were written for Python 2, or for an early Python 3.

`modules` answers imports of modules that this Python does not have, `names` and `py2builtins` know
names that it does not have, `source` finds out which of them a file needs, `advice` and `syntax`
tell what to write instead where nothing can stand in.  Loaded when a person's program runs, never
at `extend`.  Everything goes by what is missing, nothing by a version.
"""
