"""A person's terminal on a shell in the guest."""

import os
import select
import shutil
import signal
import sys
import termios
import tty

END_KEY = b'\x1d'  # Ctrl-]


def attach(guest):
    """Gives this terminal to a shell in the guest until it ends or Ctrl-] is pressed."""
    columns, rows = shutil.get_terminal_size()
    guest.start_shell(rows, columns, os.environ.get('TERM', 'xterm'))

    def resized(*_):
        columns, rows = shutil.get_terminal_size()
        guest.resize(rows, columns)

    saved = termios.tcgetattr(sys.stdin)
    before = signal.signal(signal.SIGWINCH, resized)
    try:
        tty.setraw(sys.stdin)
        _bridge(guest)
    finally:
        signal.signal(signal.SIGWINCH, before)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        print()


def _bridge(guest):
    """Copies keys to the guest and what it prints to the screen."""
    keys, screen = sys.stdin.fileno(), sys.stdout.fileno()
    while True:
        ready, _, _ = select.select([keys, guest.terminal, guest.agent], [], [])
        if guest.terminal in ready:
            data = guest.terminal.recv(65536)
            os.write(screen, data)
            if not data:
                return
        elif guest.agent in ready:
            # The shell's end, and nothing is left to show.
            return
        if keys in ready:
            data = os.read(keys, 65536)
            before, ended, _ = data.partition(END_KEY)
            guest.terminal.sendall(before)
            if ended or not data:
                return
