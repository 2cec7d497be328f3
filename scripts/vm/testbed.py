"""The commands of scripts/testbed, which says what they do."""

import argparse
import os
import shlex
import signal
import sys
import time

import cache
import suite
import templates
import terminal
from machine import Hung, Stopped
from profiles import PROFILES

DONE_WITH_SIGNAL = 128


def parse(arguments):
    """Reads the command line; without a command it is `suite`."""
    parser = argparse.ArgumentParser(prog='scripts/testbed', add_help=False)
    commands = parser.add_subparsers(dest='command')
    tests = commands.add_parser('suite', add_help=False)
    tests.add_argument('-j', type=int, default=os.cpu_count() or 1, dest='jobs')
    tests.add_argument('--list', action='store_true')
    tests.add_argument('names', nargs='*')
    for name in ('shell', 'run'):
        one = commands.add_parser(name, add_help=False)
        one.add_argument('-p', '--profile', default='numa2', choices=PROFILES)
        one.add_argument('--installed', action='store_true')
        if name == 'run':
            one.add_argument('-t', type=int, default=120, dest='seconds')
            one.add_argument('words', nargs=argparse.REMAINDER)
    commands.add_parser('image', add_help=False)
    commands.add_parser('clean', add_help=False)
    if not arguments or arguments[0].startswith('-'):
        arguments = ['suite', *arguments]
    return parser.parse_args(arguments)


def run_suite(options):
    """`suite`: 0 when every test passed."""
    chosen = suite.tests(options.names)
    if not chosen:
        raise templates.Failed(f'no test is named like {" or ".join(options.names)}')
    stock = templates.Stock(any(test.poise != 'none' for test in chosen))
    started = time.monotonic()
    results = suite.Suite(stock, options.jobs).run(chosen)
    print(suite.summary(results, time.monotonic() - started))
    return 0 if all(result.passed for result in results) else 1


def run_command(options):
    """`run`: the command's own exit code."""
    words = options.words[1:] if options.words[:1] == ['--'] else options.words
    if not words:
        raise templates.Failed('run: which command? (scripts/testbed run -- COMMAND…)')
    # One word is shell text, several are a command with its arguments.
    text = words[0] if len(words) == 1 else shlex.join(words)
    stock = templates.Stock(options.installed)
    with stock.machine(options.profile, options.installed) as guest:
        return guest.run(text, options.seconds, sys.stdout.buffer)[0]


def run_shell(options):
    """`shell`: a prompt until its end."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise templates.Failed('shell needs a terminal; for one command: scripts/testbed run')
    stock = templates.Stock(options.installed)
    with stock.machine(options.profile, options.installed) as guest:
        templates.say(f'{options.profile}: {PROFILES[options.profile].about}; Ctrl-] ends it')
        terminal.attach(guest)
    return 0


def clean(_):
    """`clean`: 1 when something is in use."""
    kept = cache.clean()
    for path in kept:
        templates.say(f'{path} is in use and stays')
    return 1 if kept else 0


def show_image(_):
    """`image`: prints the folder."""
    print(templates.image())
    return 0


COMMANDS = {
    'suite': run_suite, 'run': run_command, 'shell': run_shell, 'image': show_image, 'clean': clean,
}


def main():
    """Runs one command; the exit code."""
    def ended(number, _):
        raise SystemExit(DONE_WITH_SIGNAL + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    options = parse(sys.argv[1:])
    if options.command == 'suite' and options.list:
        print(suite.listing(options.names))
        return 0
    try:
        return COMMANDS[options.command](options)
    except (templates.Failed, Hung) as error:
        templates.say(error)
        return 1
    except (KeyboardInterrupt, Stopped):
        return DONE_WITH_SIGNAL + signal.SIGINT


if __name__ == '__main__':
    sys.exit(main())
