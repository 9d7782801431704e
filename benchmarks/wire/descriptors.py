"""How many connections may be open here: each end of one is a file."""

import resource

_RESERVED = 400  # what a process has open beside them; the wire's control API takes 256
_MOST_FILES = 1 << 16


def raise_file_limit() -> int:
    """Raise the soft limit to the hard one, for the children as well; return what it is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def most_links(files: int) -> int:
    """How many connections a proxy with so many files can pass on: it has two for each."""
    return (files - _RESERVED) // 2
