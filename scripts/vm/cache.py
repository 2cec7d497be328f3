"""Things that are made once and kept, safe for several processes at a time."""

import fcntl
import glob
import hashlib
import os
import shutil


def folder():
    """Where everything is kept."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.environ.get('POISE_TESTBED_CACHE') or f'{base}/poise-testbed'


def digest(*parts):
    """A short key of strings and bytes."""
    sums = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        sums.update(f'{len(data)}:'.encode() + data)
    return sums.hexdigest()[:16]


def tree_digest(root):
    """A key of the files of a folder: their names, modes, link targets and bytes."""
    sums = hashlib.sha256()
    for path, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files + [one for one in folders if os.path.islink(f'{path}/{one}')]):
            whole = f'{path}/{name}'
            link = os.readlink(whole) if os.path.islink(whole) else ''
            mode = os.lstat(whole).st_mode
            sums.update(f'{os.path.relpath(whole, root)}\0{mode}\0{link}\0'.encode())
            if not link:
                with open(whole, 'rb') as file:
                    sums.update(hashlib.file_digest(file, 'sha256').digest())
    return sums.hexdigest()[:16]


class _Lock:
    """The lock of an item, held until the process ends; its file outlives the item."""

    def __init__(self, path):
        locks, name = f'{folder()}/locks', os.path.basename(path).partition('.')[0]
        os.makedirs(locks, exist_ok=True)
        self.file = os.open(f'{locks}/{name}', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def take(self, how):
        """Waits for the lock; with LOCK_NB false when somebody else has it."""
        try:
            fcntl.flock(self.file, how)
            return True
        except BlockingIOError:
            return False

    def drop(self):
        os.close(self.file)


_used = {}


def item(family, key, make):
    """The folder of the item `family-key`; `make(folder)` makes it where it is not there yet.

    Nobody removes it while this process lives. Other items of the family that nobody uses go, so
    that a change of the sources does not fill the disk.
    """
    path = f'{folder()}/{family}-{key}'
    if path in _used:
        return path
    lock = _Lock(path)
    try:
        while True:
            lock.take(fcntl.LOCK_SH)
            if os.path.exists(path):
                break
            # Going from one lock to the other lets go in between: look again under the new one.
            lock.take(fcntl.LOCK_EX)
            if not os.path.exists(path):
                _prune(family, path)
                _make(path, make)
    except BaseException:
        lock.drop()
        raise
    _used[path] = lock
    return path


def _make(path, make):
    """Makes an item beside its place; what a killed process still makes cannot get into it."""
    for old in glob.glob(f'{path}.*'):
        shutil.rmtree(old, ignore_errors=True)
    new = f'{path}.{os.getpid()}'
    os.makedirs(new)
    make(new)
    os.rename(new, path)


def _prune(family, kept):
    """Removes the items of a family that nobody uses, except one."""
    for name in os.listdir(folder()):
        path = f'{folder()}/{name}'
        if name.rpartition('-')[0] == family and path != kept:
            remove(path)


def remove(path):
    """Removes an item unless somebody uses it; says whether it is gone."""
    lock = _Lock(path)
    free = lock.take(fcntl.LOCK_EX | fcntl.LOCK_NB)
    if free and os.path.exists(path):
        # Under another name first: half an item must not look like a whole one.
        os.rename(path, f'{path}.gone')
        shutil.rmtree(f'{path}.gone', ignore_errors=True)
    lock.drop()
    return free


def clean():
    """Removes every item that nobody uses; returns the paths of those that stay."""
    if not os.path.isdir(folder()):
        return []
    paths = [f'{folder()}/{name}' for name in os.listdir(folder()) if name != 'locks']
    kept = [path for path in paths if not remove(path)]
    if not kept:
        shutil.rmtree(folder())
    return kept
