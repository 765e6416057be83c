"""Owns in which way the stacks that crash's bt shows differ from what they are.

Frames are (where on the stack, function, ...), the innermost first.
"""

SAVED = 6 * 8       # of a struct inactive_task_frame, without the return address


def without_stale_frames(frames):
    """What crash's bt shows, but for what is left of earlier calls below do_syscall_64.

    That function moves the stack pointer by a random offset, which crash does not know.
    """
    names = [name for _at, name, _ip in frames]
    if "do_syscall_64" not in names:
        return frames
    return frames[:names.index("do_syscall_64") + 1] + frames[-1:]


def as_crash_counts(frames, theirs):
    """Our frames with the two differences of newer crashes (8.0.6), where these have them.

    Their first frame is behind the registers that the switch of tasks has saved, six words, not
    before them; their last is not ret_from_fork_asm.
    """
    (at, *rest), *others = frames
    if theirs and theirs[0][0] == at + SAVED:
        frames = [(at + SAVED, *rest), *others]
    if frames[-1][1] == "ret_from_fork_asm" and theirs[-1][1] != "ret_from_fork_asm":
        frames = frames[:-1]
    return frames
