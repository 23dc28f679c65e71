// What the views have in common. This text comes in front of each view's own: the two are one ES module.

// JupyterLab and Notebook 7 match their shortcuts (x cuts the cell, d d deletes it) on the focused element
// itself before they look at any ancestor: whatever can have the focus needs this attribute of its own.
const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" };

/** An element with attributes and children, which are elements or text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const bytesOf = (view) => new Uint8Array(view?.buffer ?? [], view?.byteOffset ?? 0, view?.byteLength ?? 0);

/** Paints bytes of an image (H, W) in the colours of a palette, or (H, W, 3), to a canvas of that size. */
function paint(canvas, bytes, [height, width, channels], palette) {
  if (bytes.length !== height * width * (channels ?? 1)) return;
  Object.assign(canvas, { height, width });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let pixel = 0, at = 0; pixel < height * width; pixel++) {
    const [from, start] = channels ? [bytes, 3 * pixel] : [palette[bytes[pixel]], 0];
    for (let k = 0; k < 3; k++) image.data[at++] = from[start + k];
    image.data[at++] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** A number for people: fixed decimals, a true minus sign, no minus before a zero. */
const shown = (value, decimals = 2) =>
  (Math.round(value * 10 ** decimals) / 10 ** decimals + 0).toFixed(decimals).replace("-", "\u2212");

/**
 * Calls `tell(connected)` now and when it changes. A view outlives its kernel: then nobody answers, and it
 * has to say so. Jupyter marks a view that is born without a kernel by a class. Of a later loss it tells by
 * an event without a value, for which anywidget's `model` has no name either: `this` is the view behind it.
 */
function watchConnection(model, el, tell) {
  const changed = function () {
    tell(this?.model?.comm_live !== false);
  };
  model.on("comm_live_update", changed);
  tell(!el.classList.contains("jupyter-widgets-disconnected"));
  return () => model.off("comm_live_update", changed);
}
