"""The file system: what is not needed is neither read nor written nor, with a mount namespace, seen to exist."""

from __future__ import annotations

from sandbox.selfcheck.attack import Attack, cpp_held, denies, held

ATTACKS: tuple[Attack, ...] = (
    held("files/secret", "read a file that anybody on the host may read", "held(refused(lambda: open('@SECRET@')))"),
    held("files/passwd", "read /etc/passwd", "held(refused(lambda: open('/etc/passwd')))"),
    held("files/root", "list the root directory", "held(refused(lambda: os.listdir('/')))"),
    held(
        "files/homes",
        "list home directories and model caches",
        "places = ('/root', '/home', '/var', '/opt', '/srv', '/mnt', '/media', '/run')\n"
        "held(all(refused(lambda p=p: os.listdir(p)) for p in places))",
    ),
    held("files/dotdot", "climb out of the scratch directory", "held(refused(lambda: os.listdir('..')))"),
    held(
        "files/dotdot-open",
        "climb out by a long relative path",
        "held(refused(lambda: open('../' * 40 + 'etc/passwd')) and refused(lambda: open('../' * 40 + '@SECRET@')))",
    ),
    held(
        "files/fchdir",
        "climb by descriptors of directories",
        "d = os.open('.', os.O_RDONLY)\n"
        "held(refused(lambda: os.listdir(os.open('..', os.O_RDONLY, dir_fd=d)))\n"
        "     and refused(lambda: os.open('../../../etc/passwd', os.O_RDONLY, dir_fd=d)))",
    ),
    held(
        "files/o-path",
        "open a place without reading rights and reopen it from there",
        """
def reopen():
    d = os.open('/', os.O_PATH)
    return os.open('etc/passwd', os.O_RDONLY, dir_fd=d)
held(refused(reopen))""",
    ),
    held(
        "files/symlink",
        "reach a secret through a link of its own making",
        """
def follow():
    os.symlink('@SECRET@', 'link')
    return open('link').read()
held(refused(follow))""",
    ),
    held(
        "files/hardlink",
        "link a file of the host into the scratch directory",
        "held(refused(lambda: os.link('@SECRET@', 'mine')) and refused(lambda: os.link(os.__file__, 'mine')))",
    ),
    held(
        "files/rename",
        "move a file of the host here, or one of its own out",
        "held(refused(lambda: os.rename('@SECRET@', 'x')) and refused(lambda: os.rename('.', '@BAIT@/x'))\n"
        "     and refused(lambda: os.rename('x', '@BAIT@/x')))",
    ),
    held(
        "files/bait",
        "write, make directories and links where anybody may",
        "held(refused(lambda: open('@BAIT@/x', 'w')) and refused(lambda: os.mkdir('@BAIT@/d'))\n"
        "     and refused(lambda: os.symlink('x', '@BAIT@/l')) and refused(lambda: os.mkfifo('@BAIT@/f')))",
    ),
    held(
        "files/tmp",
        "write to the temporary directories and to shared memory",
        "held(all(refused(lambda p=p: open(p + '/codesieve-x', 'w'))\n"
        "         for p in ('/tmp', '/var/tmp', '/dev/shm', '/run', '/usr/lib', '/etc', '/home')))",
    ),
    held(
        "files/stdlib",
        "change the standard library for the programs to come",
        "held(refused(lambda: open(os.__file__, 'r+')) and refused(lambda: os.unlink(os.__file__))\n"
        "     and refused(lambda: open(os.path.dirname(os.__file__) + '/sitecustomize.py', 'w')))",
    ),
    held(
        "files/packages",
        "import what is installed for the driver",
        """
try: import msgspec; held(False)
except ImportError: held(True)""",
    ),
    held(
        "files/proc",
        "look at processes through /proc",
        "names = ('/proc', '/proc/1/environ', '/proc/@VICTIM@/environ', '/proc/@DRIVER@/cmdline', '/proc/self/maps')\n"
        "held(all(refused(lambda n=n: os.listdir(n) if n == '/proc' else open(n)) for n in names))",
    ),
    held(
        "files/proc-links",
        "reach files through the links of /proc",
        """
names = ('/proc/self/exe', '/proc/self/cwd/../..', '/proc/@VICTIM@/root/etc/passwd', '/proc/self/root/etc/passwd')
held(all(refused(lambda n=n: os.open(n, os.O_RDONLY)) for n in names)
     and refused(lambda: os.readlink('/proc/@VICTIM@/cwd')))""",
    ),
    held(
        "files/proc-exists",
        "learn which processes and files exist, without opening them",
        "held(not any(os.path.exists(p) for p in ('/proc/self', '/proc/@VICTIM@', '@SECRET@', '/home', '/tmp')))",
        needs=("mount",),
    ),
    held(
        "files/fd-reopen",
        "reopen its input for writing through /proc/self/fd and /dev/fd",
        """
def change(name, flag): os.write(os.open(name, os.O_RDWR | flag), b'x')
held(all(refused(lambda n=n, f=f: change(n, f)) for f in (0, os.O_TRUNC, os.O_APPEND) for n in
         ('/proc/self/fd/0', '/dev/fd/0', '/dev/stdin', '/proc/thread-self/fd/0')))""",
    ),
    held(
        "files/proc-mem",
        "write the memory of its own and its server's process",
        "held(all(refused(lambda n=n: open(n, 'r+b')) for n in\n"
        "         ('/proc/self/mem', f'/proc/{os.getppid()}/mem', '/proc/1/mem', '/proc/@VICTIM@/mem')))",
    ),
    held(
        "files/sysctl",
        "write kernel settings",
        "names = ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/proc/self/oom_score_adj',\n"
        "         '/sys/kernel/mm/transparent_hugepage/enabled', '/proc/self/uid_map')\n"
        "held(all(refused(lambda n=n: open(n, 'w')) for n in names))",
    ),
    held(
        "files/cgroup",
        "raise its own limits in the cgroup file system",
        "held(refused(lambda: os.listdir('/sys/fs/cgroup')) and refused(lambda: os.mkdir('/sys/fs/cgroup/x'))\n"
        "     and refused(lambda: os.mkdir('/sys/fs/cgroup/memory/x')))",
    ),
    held(
        "files/devices",
        "use devices: disks, memory, terminals, fuse, kvm",
        "names = ('/dev/mem', '/dev/kmsg', '/dev/tty', '/dev/ptmx', '/dev/fuse', '/dev/kvm', '/dev/sda', '/dev/vda',\n"
        "         '/dev/console', '/dev/net/tun', '/dev/loop-control')\n"
        "held(all(refused(lambda n=n: os.open(n, os.O_RDWR)) for n in names))",
    ),
    held(
        "files/mknod",
        "make devices, pipes and sockets of its own",
        "import stat\n"
        "held(refused(lambda: os.mknod('m', stat.S_IFCHR | 0o600, os.makedev(1, 1)))\n"
        "     and refused(lambda: os.mknod('b', stat.S_IFBLK | 0o600, os.makedev(8, 0)))\n"
        "     and refused(lambda: os.mknod('s', stat.S_IFSOCK | 0o600)))",
    ),
    denies("files/chroot", "leave by chroot and pivot_root", "chroot, b'.'", "pivot_root, b'.', b'.'"),
    denies(
        "files/mount",
        "mount, unmount and move mounts, by the old calls and the new",
        "mount, b'none', b'.', b'tmpfs', 0, 0",
        "umount2, b'/', 2",
        "fsopen, b'tmpfs', 0",
        "fspick, -100, b'/', 0",
        "open_tree, -100, b'/', 0x80001",
        "move_mount, -100, b'.', -100, b'/', 0",
        "mount_setattr, -100, b'/', 0, 0, 0",
    ),
    denies(
        "files/handles",
        "open files by handle, past every directory",
        "name_to_handle_at, -100, b'.', ctypes.create_string_buffer(256), ctypes.create_string_buffer(8), 0",
        "open_by_handle_at, -100, ctypes.create_string_buffer(256), 0",
    ),
    denies("files/mount-table", "list the machine's mounts", "statmount, 0, 0, 0, 0", "listmount, 0, 0, 0, 0"),
    held(
        "files/owner",
        "change owner and mode of what it cannot open",
        "held(refused(lambda: os.chmod('/usr/lib', 0o777)) and refused(lambda: os.chown('@SECRET@', 65534, 65534))\n"
        "     and refused(lambda: os.truncate('@SECRET@', 0)) and refused(lambda: os.utime('@SECRET@', (1, 1))))",
    ),
    held(
        "files/environment",
        "find secrets of the driver in its environment and descriptors",
        """
def alive(fd):
    try: os.fstat(fd); return True
    except OSError: return False
held(set(os.environ) <= {'HOME', 'LANG', 'MALLOC_ARENA_MAX', 'PATH', 'TMPDIR'}
     and [fd for fd in range(1024) if alive(fd)] == [0, 1, 2])""",
    ),
    cpp_held(
        "files/native",
        "the same from a compiled program: /etc/passwd, the secret, /usr/bin, its own binary",
        'open("/etc/passwd", O_RDONLY) == -1 && open("@SECRET@", O_RDONLY) == -1 && open("/usr/bin", O_RDONLY) == -1'
        ' && open("/proc/self/exe", O_RDWR) == -1 && open("@BAIT@/x", O_WRONLY | O_CREAT, 0600) == -1',
    ),
    cpp_held(
        "files/native-descriptors",
        "find descriptors that it was not given",
        "[] { for (int fd = 3; fd < 4096; fd++) if (fcntl(fd, F_GETFD) != -1) return false; return true; }()",
    ),
)
