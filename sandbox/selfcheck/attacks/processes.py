"""Processes: there is one, it may have threads, and it ends when it is told to."""

from __future__ import annotations

from sandbox.selfcheck.attack import CPP, SHORT, Attack, cpp_ends, cpp_held, denies, ends, held

ATTACKS: tuple[Attack, ...] = (
    held("processes/fork", "fork", "held(refused(os.fork, errno.EPERM))"),
    denies(
        "processes/fork-by-number",
        "fork, vfork and clone by number",
        "fork",
        "vfork",
        "clone, 17, 0, 0, 0, 0",
        "clone, 0, 0, 0, 0, 0",
        "clone, 0x4111, 0, 0, 0, 0",
        "clone3, ctypes.create_string_buffer(88), 88",
    ),
    held(
        "processes/shell",
        "execute a shell, its own interpreter, a script of its own",
        """
open('run', 'w').write('#!/bin/sh\\necho GOT THROUGH\\n')
held(all(refused(lambda p=p: os.execv(p, [p])) for p in ('/bin/sh', '/usr/bin/env', sys.executable, './run')))""",
        needs=("mount",),
    ),
    held(
        "processes/spawn",
        "start programs by posix_spawn, subprocess and multiprocessing",
        """
import subprocess
def by_fork():
    import multiprocessing
    multiprocessing.get_context('fork').Process(target=print).start()
held(refused(lambda: os.posix_spawn('/bin/true', ['true'], {})) and refused(lambda: subprocess.run(['/bin/true']))
     and refused(by_fork) and os.system('true') != 0)""",
    ),
    denies(
        "processes/exec-descriptor",
        "execute an anonymous file, or a file by its descriptor",
        "memfd_create, b'x', 0",
        "execveat, 0, b'', 0, 0, 0x1000",
        "execveat, -100, b'/bin/sh', 0, 0, 0",
    ),
    ends(
        "processes/fork-bomb",
        "fork for ever",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "TLE",
        limits=SHORT,
    ),
    ends(
        "processes/thread-bomb",
        "start threads for ever",
        """
import threading, time
threading.stack_size(2**16)
while True:
    try: threading.Thread(target=time.sleep, args=(60,)).start()
    except RuntimeError: pass""",
        "TLE MLE RTE",
        limits=SHORT,
    ),
    ends(
        "processes/threads-outlive-main",
        "let threads run on after the main one has ended",
        "import threading, time\nfor _ in range(8): threading.Thread(target=time.sleep, args=(60,)).start()",
        "TLE",
        limits=SHORT,
    ),
    ends(
        "processes/main-thread-exits",
        "end the main thread by the bare system call and keep the others",
        """
import ctypes, os, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)""",
        "TLE OK RTE",
        limits=SHORT,
    ),
    held(
        "processes/daemon",
        "become a daemon: a session of its own, a fork",
        "held(refused(os.setsid) and refused(os.fork))",
    ),
    cpp_ends(
        "processes/bare-clones",
        "start threads by bare clone calls for ever",
        CPP
        + """
static int nap(void *) { for (;;) pause(); }
int main() {
  static char stack[4096];
  for (;;) clone(nap, stack + 4096, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, nullptr);
}""",
        "TLE",
        limits=SHORT,
    ),
    cpp_held(
        "processes/native",
        "fork, vfork, clone, exec from a compiled program",
        "fork() == -1 && syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == -1 && syscall(SYS_clone3, 0, 0) == -1"
        " && syscall(SYS_clone, CLONE_VFORK | CLONE_VM | SIGCHLD, 0, 0, 0, 0) == -1"
        ' && execl("/bin/sh", "sh", "-c", "echo GOT THROUGH", nullptr) == -1 && system("echo GOT THROUGH") != 0',
    ),
    cpp_held(
        "processes/native-exec-library",
        "execute a file by its descriptor, as the server starts binaries",
        'syscall(SYS_execveat, open("/usr/bin/env", O_PATH), "", nullptr, nullptr, AT_EMPTY_PATH) == -1'
        ' && syscall(SYS_execveat, AT_FDCWD, "/bin/sh", nullptr, nullptr, 0) == -1',
    ),
    cpp_ends(
        "processes/native-loader",
        "use the dynamic loader, the one file it may execute, to start a shell",
        CPP
        + """
int main() {
  const char *loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};
  char *argv[] = {(char *)"ld", (char *)"/bin/sh", (char *)"-c", (char *)"echo GOT THROUGH", nullptr};
  char *env[] = {nullptr};
  for (auto loader : loaders) syscall(SYS_execveat, open(loader, O_PATH), "", argv, env, AT_EMPTY_PATH);
  return 3;
}""",
        "RTE",
        forbidden=("GOT THROUGH",),
    ),
    cpp_ends(
        "processes/native-own-code",
        "write a program into the scratch directory, map it executable, and run it",
        CPP
        + """
int main() {
  int fd = open("code", O_RDWR | O_CREAT, 0700);
  if (fd == -1) { puts("held"); return 0; }
  char zero[4096] = {};
  if (write(fd, zero, sizeof zero) != sizeof zero) return 1;
  bool mapped = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
  char *argv[] = {(char *)"code", nullptr};
  bool ran = execv("./code", argv) == 0;
  puts(mapped || ran ? "GOT THROUGH" : "held");
}""",
        "OK",
        needs=("mount",),
        forbidden=("GOT THROUGH",),
    ),
)
