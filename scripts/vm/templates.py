"""Saved machines: one for each profile just after boot, and one more with Poise installed."""

import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import cache
import machine
from machine import Hung, Machine, check_stopped
from profiles import KERNEL_ARGUMENTS, PROFILES

HERE = os.path.dirname(os.path.realpath(__file__))
ATTEMPTS = 2
INSTALL_SECONDS = 180

BOOTED = '''
while [[ $(systemctl is-system-running) == *ing && $(systemctl is-system-running) != running ]]
do sleep 0.2; done
systemd-run --wait --collect -q true
sync
systemctl is-system-running || { systemctl --failed; false; }
'''
INSTALL = '''
mount -t ext4 -o ro /dev/vdb /opt/poise && cd /opt/poise &&
scripts/install --prefix /usr --no-build && sync
'''


class Failed(Exception):
    """Something that the testbed needs could not be made; the text says what was seen."""


def say(text):
    """One line for the person in front of it."""
    print(f'testbed: {text}', file=sys.stderr, flush=True)


def read(path):
    """The bytes of a file."""
    with open(path, 'rb') as file:
        return file.read()


def command(*arguments, **options):
    """Runs a program of the host; what it prints is only shown when it fails."""
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, **options)
    if done.returncode:
        raise Failed(f'{" ".join(arguments)}:\n{done.stdout[-3000:]}')
    return done.stdout


def build(script, folder, as_root=False):
    """Runs one of the build scripts, loudly, and ends all of it when we are ended.

    sudo stays in our session, where it may ask for a password.
    """
    sudo = ['sudo'] if as_root and os.geteuid() else []
    with subprocess.Popen(
        [*sudo, f'{HERE}/{script}', folder], stdin=subprocess.DEVNULL, stdout=sys.stderr,
        start_new_session=not sudo,
    ) as process:
        try:
            if process.wait():
                raise Failed(f'scripts/vm/{script} failed')
        except BaseException:
            if process.poll() is None:
                process.terminate() if sudo else os.killpg(process.pid, signal.SIGTERM)
            raise


def image():
    """The folder with kernel, initrd and root disk."""
    sources = [f'{HERE}/build-image', f'{HERE}/agent.c', *sorted(glob.glob(f'{HERE}/guest/*'))]
    key = cache.digest(*(read(path) for path in sources))

    def make(folder):
        say('building the guest (about 20 s)')
        build('build-image', folder, as_root=True)

    return cache.item('image', key, make)


def payload():
    """The disk file with Poise as it is built from this checkout."""
    say('building Poise (the first time takes a few minutes)')
    with tempfile.TemporaryDirectory(prefix='poise-payload.') as staged:
        build('build-payload', staged)

        def make(folder):
            # Everything belongs to root in the guest, whoever builds it here.
            root = ['unshare', '--map-root-user'] if os.geteuid() else []
            command(
                *root, 'mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal,^metadata_csum', '-m', '0',
                '-d', staged, '-F', f'{folder}/disk', f'{machine.PAYLOAD_MIB}m')

        return cache.item('payload', cache.tree_digest(staged), make) + '/disk'


def _host():
    """What a saved machine depends on here: QEMU and the processor."""
    with open('/proc/cpuinfo') as file:
        names = re.findall(r'^model name.*$', file.read(), re.MULTILINE)
    return command(machine.QEMU, '--version') + names[0]


def _disk(folder, backing, form):
    command('qemu-img', 'create', '-q', '-f', 'qcow2', '-F', form, '-b', backing,
            f'{folder}/disk.qcow2')


def _prepared(what, attempt):
    """Calls `attempt` until it works, at most twice; says it when a machine hung."""
    for number in range(1, ATTEMPTS + 1):
        started = time.monotonic()
        try:
            attempt()
            say(f'{what} ({time.monotonic() - started:.1f} s)')
            return
        except Hung as error:
            check_stopped()
            say(f'{what}: the machine hung or died in attempt {number} of {ATTEMPTS}\n{error}')
    raise Failed(f'{what}: not possible')


def _run(guest, script, seconds):
    code, output = guest.run(script, seconds)
    if code:
        raise Failed(f'exit code {code} of {script}{output.decode(errors="replace")}')


def booted(name, image_folder):
    """The template of a profile just after boot."""
    profile = PROFILES[name]
    key = cache.digest(
        _host(), profile, KERNEL_ARGUMENTS, image_folder, BOOTED, read(machine.__file__))

    def make(folder):
        def attempt():
            for path in glob.glob(f'{folder}/*'):
                os.remove(path)
            _disk(folder, f'{image_folder}/root.ext4', 'raw')
            with Machine(image_folder, profile, folder, resume=False, keep=True) as guest:
                _run(guest, f'{profile.setup or ":"} && {{ {BOOTED} }}', machine.BOOT_SECONDS)
                guest.save()

        _prepared(f'{name} booted', attempt)

    return cache.item(f'booted-{name}', key, make)


def installed(name, image_folder, payload_disk):
    """The template of a profile with Poise installed, made from the one just after boot."""
    base = booted(name, image_folder)

    def make(folder):
        def attempt():
            for path in glob.glob(f'{base}/ram*') + [f'{base}/device.state']:
                command('cp', '--sparse=always', path, folder)
            _disk(folder, f'{base}/disk.qcow2', 'qcow2')
            with Machine(
                image_folder, PROFILES[name], folder, payload_disk, keep=True
            ) as guest:
                _run(guest, INSTALL, INSTALL_SECONDS)
                guest.save()

        _prepared(f'{name} with Poise installed', attempt)

    return cache.item(f'installed-{name}', cache.digest(base, payload_disk, INSTALL), make)


class Stock:
    """Where fresh machines come from; what they need is made when it is first wanted."""

    def __init__(self, with_poise):
        self.image = image()
        self.payload = payload() if with_poise else None

    def template(self, name, with_poise):
        """The folder of a template."""
        if with_poise:
            return installed(name, self.image, self.payload)
        return booted(name, self.image)

    def machine(self, name, with_poise):
        """A fresh machine of a profile, with Poise installed or bare."""
        folder = self.template(name, with_poise)
        return Machine(self.image, PROFILES[name], folder, self.payload)
