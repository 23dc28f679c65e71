"""The server's end of the websocket between a page and its kernel, which sends every message at once."""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's own connection, without Nagle's algorithm.

    A kernel answers a widget in four small messages. With that algorithm the second waits until the browser
    has acknowledged the first, which it puts off for 40 ms: twice the time that all the rest takes.
    """

    def connect(self) -> Any:
        """Called when the websocket is open."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
