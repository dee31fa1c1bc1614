"""Time: of all threads together, and of sleepers too; nothing that a program does makes it more."""

from __future__ import annotations

from sandbox.selfcheck.attack import CPP, SHORT, Attack, cpp_ends, ends, held

ATTACKS: tuple[Attack, ...] = (
    ends("clocks/spin", "compute for ever", "while True: pass", "TLE", limits=SHORT),
    ends("clocks/sleep", "sleep for ever", "import time\nwhile True: time.sleep(1000)", "TLE", limits=SHORT),
    ends(
        "clocks/ignores-signals",
        "ignore every signal and compute for ever",
        """
import signal
for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass""",
        "TLE",
        limits=SHORT,
    ),
    ends(
        "clocks/blocks-signals",
        "block every signal and compute for ever",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        "TLE",
        limits=SHORT,
    ),
    ends(
        "clocks/one-call",
        "compute for ever within one call of the interpreter",
        "10 ** 10 ** 9",
        "TLE MLE",
        limits=SHORT,
    ),
    ends("clocks/regex", "backtrack for ever", "import re\nre.match('(a*)*b', 'a' * 64)", "TLE", limits=SHORT),
    ends(
        "clocks/waits-for-input",
        "wait for a pipe that nobody writes to",
        "import os\nr, w = os.pipe()\nos.read(r, 1)",
        "TLE",
        limits=SHORT,
    ),
    ends(
        "clocks/deadlock",
        "wait for a lock at the end",
        "import atexit, threading\nl = threading.Lock(); l.acquire()\natexit.register(l.acquire)",
        "TLE",
        limits=SHORT,
    ),
    held(
        "clocks/limits",
        "have more processor time than it was given",
        """
import resource
def more(): resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try: more(); held(False)
except ValueError: held(True)""",
        needs=("rlimits",),
    ),
    cpp_ends(
        "clocks/native-threads",
        "spread the computing over threads, none of which passes the limit",
        CPP
        + """
#include <pthread.h>
static void *spin(void *) { for (;;) asm volatile(""); return nullptr; }
int main() {
  pthread_t t[16];
  for (auto &x : t) pthread_create(&x, nullptr, spin, nullptr);
  pthread_join(t[0], nullptr);
}""",
        "TLE",
        limits=SHORT,
    ),
    cpp_ends(
        "clocks/native-timers",
        "drown itself in timer signals",
        CPP
        + """
#include <sys/time.h>
static void nothing(int) {}
int main() {
  signal(SIGALRM, nothing); signal(SIGPROF, SIG_IGN); signal(SIGXCPU, SIG_IGN);
  itimerval often = {{0, 1}, {0, 1}};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (;;) pause();
}""",
        "TLE",
        limits=SHORT,
    ),
)
