"""The guest tests: what they ask for, how they are run, and what is told of them."""

import collections
import concurrent.futures
import glob
import os
import re
import sys
import threading
import time
from dataclasses import dataclass

from machine import Hung, check_stopped, stop_all
from profiles import PROFILES
from templates import Failed, say

HERE = os.path.dirname(os.path.realpath(__file__))
FOLDER = os.path.realpath(f'{HERE}/../../Tests/Testbed')
ATTEMPTS = 2
POISE = ('installed', 'running', 'none')
# Everything, however long it takes, with what passing tests print too.
THOROUGH = bool(os.environ.get('POISE_THOROUGH'))
# So much of what a test printed is shown, from its end.
MOST = 100_000 if THOROUGH else 12_000
START = 'systemctl start poised || { systemctl status --no-pager poised; exit 1; }\n'
WHAT_HAPPENED = '''
echo "--- journal, with the kernel's messages, since the test began"
journalctl --since=@$(cat /run/testbed/began) -n 100 --no-pager -o short-monotonic
'''


@dataclass(frozen=True)
class Test:
    """A file of Tests/Testbed and what its head comment says."""

    name: str
    path: str
    rule: str
    profile: str
    limit: int
    poise: str


def read_test(path):
    """The test in a file; an incomplete head is an error."""
    with open(path) as file:
        text = file.read()
    name = os.path.basename(path).removesuffix('.sh')
    head = {}
    for line in text.splitlines():
        if not line.startswith('#'):
            break
        if found := re.match(r'# (rule|profile|limit|poise): *(.+)', line):
            head[found[1]] = found[2].strip()
        elif 'rule' in head and len(head) == 1 and (found := re.match(r'#  +(\S.*)', line)):
            head['rule'] += ' ' + found[1]
    test = Test(
        name, path, head.get('rule', ''), head.get('profile', 'numa2'),
        int(head.get('limit', '60')), head.get('poise', 'installed'))
    if not test.rule or test.profile not in PROFILES or test.poise not in POISE:
        raise Failed(f'{path}: a head comment needs a rule, a profile of {", ".join(PROFILES)} '
                     f'and poise: {"|".join(POISE)}')
    return test


def tests(words=()):
    """All tests whose name has one of the words, sorted by name."""
    paths = sorted(glob.glob(f'{FOLDER}/*.sh'))
    found = [read_test(path) for path in paths if not path.endswith('/lib.sh')]
    return [test for test in found if not words or any(word in test.name for word in words)]


def listing(words):
    """The text of --list."""
    return '\n'.join(
        f'{test.name:<28} {test.profile:<8} {test.rule}' for test in tests(words))


def script(test):
    """The shell text that puts a test and its library into the guest and runs it."""
    text = 'mkdir -p /run/testbed && cd /run/testbed && date +%s >began || exit 1\n'
    if THOROUGH:
        text += 'export POISE_THOROUGH=1\n'
    for path in (f'{FOLDER}/lib.sh', test.path):
        with open(path) as file:
            body = file.read()
        end = 'END-OF-' + os.path.basename(path)
        text += f"cat >{os.path.basename(path)} <<'{end}'\n{body}\n{end}\n"
    if test.poise == 'running':
        text += START
    return text + f'exec bash {test.name}.sh\n'


@dataclass
class Result:
    """How a test went: passed, how long, what it printed, and what to say besides."""

    test: Test
    passed: bool
    seconds: float
    output: str
    remark: str = ''


class Suite:
    """Runs tests, each in a fresh machine, several at a time."""

    def __init__(self, stock, jobs):
        self.stock, self.jobs = stock, jobs
        self.printing = threading.Lock()

    def run(self, chosen):
        """Runs the tests and tells about each as it ends; returns the results."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            try:
                kinds = sorted({(test.profile, test.poise != 'none') for test in chosen})
                list(pool.map(lambda kind: self.stock.template(*kind), kinds))
                # Those that may take long go first, so that they do not make everybody wait.
                return list(pool.map(self._test, sorted(chosen, key=lambda test: -test.limit)))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                stop_all()
                raise

    def _test(self, test):
        result = None
        for number in range(1, ATTEMPTS + 1):
            started = time.monotonic()
            try:
                passed, output = self._attempt(test)
                remark = '' if number == 1 else 'second try, the first machine hung or died'
            except Hung as error:
                check_stopped()
                passed, output = False, str(error)
                remark = f'the machine hung or died {number} times'
                if number < ATTEMPTS:
                    say(f'{test.name}: the machine hung or died, trying once more\n{error}')
                    continue
            result = Result(test, passed, time.monotonic() - started, output, remark)
            break
        self._tell(result)
        return result

    def _attempt(self, test):
        """Runs a test in a fresh machine: whether it passed, and what there was to see."""
        with self.stock.machine(test.profile, test.poise != 'none') as guest:
            code, output = guest.run(script(test), test.limit)
            if code:
                late = f' (its limit is {test.limit} s)' if code == 124 else ''
                output += f'\n--- exit code {code}{late}\n'.encode()
                output += guest.run(WHAT_HAPPENED, 60)[1]
            return code == 0, output.decode(errors='replace')

    def _tell(self, result):
        test = result.test
        with self.printing:
            mark = 'ok  ' if result.passed else 'FAIL'
            remark = f'  ({result.remark})' if result.remark else ''
            print(f'{mark} {test.name:<28} {test.profile:<8} {result.seconds:5.1f} s{remark}')
            if THOROUGH or not result.passed:
                print(f'     rule: {test.rule}')
                print(re.sub('^', '     | ', result.output[-MOST:].rstrip(), flags=re.M))
            sys.stdout.flush()


def summary(results, seconds):
    """The last line of a suite."""
    failed = [result.test.name for result in results if not result.passed]
    counts = collections.Counter(result.test.profile for result in results)
    profiles = ', '.join(f'{count} on {name}' for name, count in sorted(counts.items()))
    text = f'testbed: {len(results)} tests ({profiles}) in {seconds:.0f} s'
    return text + (f', FAILED: {", ".join(failed)}' if failed else ', all passed')
