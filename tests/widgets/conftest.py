"""What a page does to a widget, without a page."""

import pytest
from ipywidgets import Widget


@pytest.fixture(autouse=True)
def close_widgets():
    yield
    Widget.close_all()


class Page:
    """Sends a widget what a page sends, and keeps what the widget sends back."""

    def __init__(self, widget) -> None:
        self.widget, self.updates = widget, []
        widget._send = self._receive

    def set(self, **state) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        self.widget._handle_msg({"content": {"data": data}, "buffers": []})

    def _receive(self, message, buffers=None) -> None:
        if message["method"] == "update":
            binary = {path[0]: bytes(b) for path, b in zip(message["buffer_paths"], buffers, strict=True)}
            self.updates.append(message["state"] | binary)


@pytest.fixture
def page():
    return Page
