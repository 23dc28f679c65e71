"""Frames of bytes over a socket, the only way into and out of the sandbox: an 8-byte length, then the body.

Whoever is on the other side may be hostile: may send half a frame, announce an enormous one, or never read.
So every wait has a deadline, and every frame a largest size; nothing is interpreted here.
"""

import contextlib
import select
import socket
import time

HEADER = 8
MOST = 64 << 20


class Gone(Exception):
    """The other side has closed the channel, or its process has ended."""


class TimeUp(Exception):
    """The other side has not answered, or has not read what was sent, by the deadline."""


class TooLong(Exception):
    """The other side announced a frame larger than was allowed. The channel is of no more use."""


class Channel:
    """One end of a channel. One thread may send while another receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()
        sock.setblocking(False)

    def fileno(self) -> int:
        """The descriptor, to wait on."""
        return self._socket.fileno()

    def send(self, body: bytes, deadline: float | None = None) -> None:
        """Send one frame; `deadline` is a moment of `time.monotonic()`, or None to wait for ever.

        Raises:
            Gone: the other side is closed.
            TimeUp: the other side has not taken the whole frame in time; the channel is of no more use.
        """
        for part in (memoryview(len(body).to_bytes(HEADER, "big")), memoryview(body)):
            while part:
                try:
                    part = part[self._socket.send(part) :]
                except BlockingIOError:
                    self._wait(select.POLLOUT, deadline)
                except OSError as error:
                    raise Gone(str(error)) from None

    def receive(self, deadline: float | None = None, most_bytes: int = MOST) -> bytes:
        """The next frame; `deadline` as for `send`. After `TimeUp` one may go on to wait for the same frame.

        Raises:
            Gone: the other side is closed, with no whole frame left.
            TimeUp: the frame was not there in time.
            TooLong: it is announced as longer than `most_bytes`.
        """
        self._gather(HEADER, deadline)
        length = int.from_bytes(self._received[:HEADER], "big")
        if length > most_bytes:
            raise TooLong(f"a message of {length} bytes, where {most_bytes} are allowed")
        self._gather(HEADER + length, deadline)
        body = bytes(memoryview(self._received)[HEADER : HEADER + length])
        del self._received[: HEADER + length]
        return body

    def end(self) -> None:
        """Tell the other side that nothing more will be sent; it may still be heard."""
        with contextlib.suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end: the other side sees `Gone`."""
        self._socket.close()

    def _gather(self, size: int, deadline: float | None) -> None:
        while len(self._received) < size:
            try:
                some = self._socket.recv(min(size - len(self._received), 1 << 20))
            except BlockingIOError:
                self._wait(select.POLLIN, deadline)
                continue
            except OSError as error:
                raise Gone(str(error)) from None
            if not some:
                raise Gone("the channel is closed")
            self._received += some

    def _wait(self, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not poll.poll(None if left is None else 1000 * left):
            raise TimeUp("no answer in time" if event == select.POLLIN else "nobody took the message in time")
