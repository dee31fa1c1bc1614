"""The network: no packet, connection, name or interface, by whatever family of socket."""

from __future__ import annotations

from sandbox.selfcheck.attack import Attack, cpp_held, denies, held

ATTACKS: tuple[Attack, ...] = (
    held(
        "network/tcp",
        "connect to a listener on the loopback",
        "import socket\nheld(refused(lambda: socket.create_connection(('127.0.0.1', @TCP@), 5)))",
    ),
    held(
        "network/udp",
        "send a datagram to the loopback, and out",
        """
import socket
def send(to): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', to)
held(refused(lambda: send(('127.0.0.1', @UDP@))) and refused(lambda: send(('192.0.2.1', 53))))""",
    ),
    held(
        "network/unix",
        "connect to a UNIX socket by its path",
        """
import socket
def dial(): socket.socket(socket.AF_UNIX).connect('@SOCKET@')
held(refused(dial))""",
    ),
    held(
        "network/abstract",
        "connect to an abstract UNIX socket",
        """
import socket
def dial(): socket.socket(socket.AF_UNIX).connect('\\0@ABSTRACT@')
held(refused(dial))""",
    ),
    held(
        "network/families",
        "open every family of socket, netlink, packet, vsock and AF_ALG among them",
        """
import socket
held(all(refused(lambda f=f, t=t: socket.socket(f, t)) for f in range(1, 46) for t in (1, 2, 3, 5)))""",
    ),
    held(
        "network/listen",
        "wait for connections",
        "import socket\nheld(refused(lambda: socket.create_server(('127.0.0.1', 0))))",
    ),
    held(
        "network/dns",
        "look up a name",
        "import socket\nheld(refused(lambda: socket.getaddrinfo('example.com', 80)))",
    ),
    held(
        "network/datagram-pair",
        "use a pair of datagram sockets, which could be sent on to any address",
        "import socket\nheld(refused(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))\n"
        "     and refused(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)))",
    ),
    held(
        "network/pair-connect",
        "connect one end of a permitted pair to somebody else",
        """
import socket
a, b = socket.socketpair()
held(refused(lambda: a.connect('\\0@ABSTRACT@')) and refused(lambda: a.bind('\\0x'))
     and refused(lambda: a.sendto(b'x', '\\0@ABSTRACT@')))""",
    ),
    held(
        "network/interfaces",
        "list the interfaces and addresses of the host through a permitted pair of sockets",
        """
import fcntl, socket, struct
a, b = socket.socketpair()
def names():
    area = ctypes.create_string_buffer(4096)
    request = bytearray(struct.pack('iP', 4096, ctypes.addressof(area)))
    fcntl.ioctl(a, 0x8912, request)
    return area.raw[:struct.unpack('iP', request)[0]]
def name_of_first(): return fcntl.ioctl(a, 0x8910, struct.pack('16si12x', b'', 1))
held(refused(names) and refused(name_of_first) and refused(socket.if_nameindex))""",
    ),
    denies(
        "network/by-number",
        "the socket calls by number",
        "socket, 2, 1, 0",
        "connect, 0, 0, 0",
        "bind, 0, 0, 0",
        "listen, 0, 1",
        "accept, 0, 0, 0",
        "accept4, 0, 0, 0, 0",
    ),
    held(
        "network/descriptors-in-flight",
        "keep descriptors, and the memory behind them, alive inside a socket",
        "import socket\na, b = socket.socketpair()\nheld(refused(lambda: socket.send_fds(a, [b'x'], [0, 1, 2])))",
    ),
    cpp_held(
        "network/native",
        "open sockets from a compiled program",
        "socket(AF_INET, SOCK_STREAM, 0) == -1 && socket(AF_UNIX, SOCK_STREAM, 0) == -1"
        " && socket(AF_NETLINK, SOCK_RAW, 0) == -1 && socket(AF_PACKET, SOCK_RAW, 0) == -1",
    ),
)
