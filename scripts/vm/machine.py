"""One virtual machine: QEMU, its monitor, and the line to the agent in the guest."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from profiles import KERNEL_ARGUMENTS

QEMU = os.environ.get('QEMU', 'qemu-system-x86_64')
# Every payload disk has this size: a saved machine remembers how large its disks were.
PAYLOAD_MIB = 1024
# How long an emulated machine may take to boot, and to answer at all, before it counts as hung.
BOOT_SECONDS = 120
ANSWER_SECONDS = 60


class Hung(Exception):
    """The machine died or does not answer; says what its console said last."""


class Stopped(Exception):
    """Somebody ends this program, so no machine is started and none is tried again."""


_processes = set()
_stopped = threading.Event()


def stop_all():
    """Ends every machine at once, and lets none be started; whoever waits gets `Hung`."""
    _stopped.set()
    for process in list(_processes):
        process.kill()


def blank_disk(path):
    """A payload disk with nothing on it."""
    with open(path, 'wb') as file:
        file.truncate(PAYLOAD_MIB << 20)
    return path


def check_stopped():
    """Raises `Stopped` after `stop_all`: what looks like a hung machine then is none."""
    if _stopped.is_set():
        raise Stopped


class Machine:
    """A running guest.

    `folder` holds the disk (disk.qcow2), the memory of each node (ram0, …) and, in a template,
    the state of the devices (device.state). With `resume` the guest goes on from there, otherwise
    it boots. With `keep` what it does is written to the folder, otherwise the folder is mapped
    copy-on-write and stays as it is.
    """

    def __init__(self, image, profile, folder, payload=None, resume=True, keep=False):
        self.profile, self.folder, self.keep = profile, folder, keep
        self.process = None
        self.scratch = tempfile.mkdtemp(prefix='poise-testbed.')
        self._commands = 0
        self._sockets = []
        payload = payload or blank_disk(f'{self.scratch}/payload')
        try:
            self._start(self._arguments(image, payload, resume))
            if resume:
                self._load()
            elif not self._line(BOOT_SECONDS).startswith(b'READY'):
                raise Hung('the agent did not start\n' + self.console())
        except BaseException:
            self.close()
            raise

    def _memory(self, number, mebibytes):
        share = 'on' if self.keep else 'off'
        path = f'{self.folder}/ram{number}'
        return f'memory-backend-file,size={mebibytes}M,mem-path={path},share={share}'

    def _arguments(self, image, payload, resume):
        """QEMU's command line, but for the sockets."""
        snapshot = 'off' if self.keep else 'on'
        disks = [
            ('root', f'file={self.folder}/disk.qcow2,format=qcow2,snapshot={snapshot}'),
            ('payload', f'file={payload},format=raw,snapshot=on'),
        ]
        # With thread=multi guests hang now and then; one thread emulates all CPUs in turn.
        result = [QEMU, '-accel', 'tcg,thread=single', '-nodefaults', '-no-user-config']
        result += ['-display', 'none', '-no-reboot', *self.profile.arguments(self._memory)]
        for name, drive in disks:
            result += ['-drive', f'if=none,id={name},cache=unsafe,{drive}']
            result += ['-device', f'virtio-blk-pci,bus=pcie.0,drive={name},serial={name}']
        result += ['-kernel', f'{image}/vmlinux', '-initrd', f'{image}/initrd.cpio']
        result += ['-append', KERNEL_ARGUMENTS, '-serial', f'file:{self.scratch}/console']
        result += ['-device', 'virtio-serial-pci,bus=pcie.0']
        return result + (['-incoming', 'defer'] if resume else [])

    def _start(self, arguments):
        """Starts QEMU with three sockets: agent, terminal and monitor. It dies with us."""
        self.agent, agent = socket.socketpair()
        self.terminal, terminal = socket.socketpair()
        monitor, theirs = socket.socketpair()
        self._sockets = [self.agent, self.terminal, monitor]
        inherited = (agent, terminal, theirs)
        for name, end in zip(('ctl', 'tty', 'qmp'), inherited):
            arguments += ['-chardev', f'socket,id={name},fd={end.fileno()}']
            if name != 'qmp':
                arguments += ['-device', f'virtserialport,chardev={name},name=poise.{name}']
        arguments += ['-mon', 'chardev=qmp,mode=control']
        with open(f'{self.scratch}/qemu', 'wb') as log:
            self.process = subprocess.Popen(
                ['setpriv', '--pdeathsig', 'KILL', *arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=[end.fileno() for end in inherited],
                env=os.environ | {'TMPDIR': self.scratch}, start_new_session=True)
        _processes.add(self.process)
        check_stopped()
        for end in inherited:
            end.close()
        self._answers = self.agent.makefile('rb')
        monitor.settimeout(ANSWER_SECONDS)
        self._monitor = monitor.makefile('rwb')
        self._monitor.readline()
        self.ask('qmp_capabilities')

    def ask(self, command, **arguments):
        """Gives QEMU's monitor a command and returns its answer."""
        try:
            request = {'execute': command, 'arguments': arguments}
            self._monitor.write(json.dumps(request).encode() + b'\n')
            self._monitor.flush()
            while True:
                line = self._monitor.readline()
                if not line:
                    raise Hung('QEMU ended\n' + self.console())
                answer = json.loads(line)
                if 'error' in answer:
                    raise Hung(f'{command}: {answer["error"]["desc"]}')
                if 'return' in answer:
                    return answer['return']
        except OSError as error:
            raise Hung(f'QEMU does not answer ({error})\n' + self.console()) from error

    def _migrate(self, command, **where):
        """Loads or saves the devices; memory stays in the files that it is mapped from."""
        ignore = {'capability': 'x-ignore-shared', 'state': True}
        self.ask('migrate-set-capabilities', capabilities=[ignore])
        self.ask(command, **where)
        end = time.monotonic() + ANSWER_SECONDS
        while (status := self.ask('query-migrate').get('status')) != 'completed':
            if status == 'failed' or time.monotonic() > end:
                raise Hung(f'{command} {status}\n' + self.console())
            time.sleep(.005)

    def _load(self):
        self._migrate('migrate-incoming', uri=f'exec:cat {self.folder}/device.state')
        self.ask('cont')
        self.agent.sendall(f'CLOCK {time.time():.3f}\n'.encode())
        self.run('true', ANSWER_SECONDS)

    def save(self):
        """Stops the guest for good and completes its folder, from which others resume."""
        self.ask('stop')
        self._migrate('migrate', uri=f'exec:cat > {self.folder}/device.state')
        self.ask('quit')
        self.process.wait(ANSWER_SECONDS)

    def console(self):
        """What QEMU and the guest's kernel said last."""
        text = ''
        for name in ('qemu', 'console'):
            try:
                with open(f'{self.scratch}/{name}', errors='replace') as file:
                    text += file.read()[-4000:]
            except FileNotFoundError:
                pass
        return text

    def _line(self, seconds):
        self.agent.settimeout(seconds)
        try:
            line = self._answers.readline()
        except OSError as error:
            raise Hung(f'the guest does not answer ({error})\n' + self.console()) from error
        if not line:
            raise Hung('QEMU ended\n' + self.console())
        return line

    def _nonce(self):
        self._commands += 1
        return f'{os.getpid()}.{self._commands}'

    def run(self, script, seconds, output=None):
        """Runs a shell script as root; returns its exit code (124: out of time) and its output.

        With `output`, a binary file, what the script prints goes there as it comes.
        """
        data, nonce, kept = script.encode(), self._nonce(), []
        self.agent.settimeout(ANSWER_SECONDS)
        self.agent.sendall(f'RUN {nonce} {seconds} {len(data)}\n'.encode() + data)

        def put(line):
            kept.append(line) if output is None else (output.write(line), output.flush())

        # The end is told on a line of its own, after a newline that is not the script's.
        mark, previous = f'@@{nonce} '.encode(), b''
        while True:
            try:
                line = self._line(seconds + ANSWER_SECONDS)
            except Hung as error:
                said = b''.join([*kept, previous]).decode(errors='replace')
                raise Hung(f'{said}\n--- {error}') from error
            if line.startswith(mark):
                put(previous[:-1])
                return int(line[len(mark):].split()[0]), b''.join(kept)
            put(previous)
            previous = line

    def start_shell(self, rows, columns, term):
        """Starts a login shell on a terminal whose bytes go over the socket `terminal`.

        When it ends, `run`'s kind of end comes on the socket `agent`.
        """
        self.agent.sendall(f'SHELL {self._nonce()} {rows} {columns} {term}\n'.encode())

    def resize(self, rows, columns):
        """Tells the shell's terminal its new size."""
        self.agent.sendall(f'SIZE {rows} {columns}\n'.encode())

    def close(self):
        """Ends the machine and removes what it left behind."""
        if self.process:
            self.process.kill()
            self.process.wait()
            _processes.discard(self.process)
        for end in self._sockets:
            end.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
