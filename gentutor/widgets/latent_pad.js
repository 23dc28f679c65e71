// LatentPad: a plane of codes with a handle, the image decoded at the handle, sliders, examples.

function render({ model, el }) {
  const about = model.get("_about");
  const { limits } = about;
  const d = limits.length;
  const ends = new AbortController(); // takes all listeners of the page away
  const listen = (target, event, handler) => target.addEventListener(event, handler, { signal: ends.signal });
  const span = (k) => limits[k][1] - limits[k][0];
  const decimals = limits.map((_, k) => Math.max(2, 2 - Math.floor(Math.log10(span(k)))));

  // ------------------------------------------------------------------------------------- what is moved

  const get = (name) => model.get(name);
  const alive = () => !root.classList.contains("gt-dead");
  function set(state) {
    for (const [name, value] of Object.entries(state)) model.set(name, value);
    model.save_changes(); // one message is under way at most; of those that wait the last replaces the others
  }
  function go(changes) {
    const z = [...get("_z")];
    for (const [k, value] of Object.entries(changes)) {
      z[k] = Number(Math.min(limits[k][1], Math.max(limits[k][0], value)).toFixed(decimals[k]));
    }
    set({ _z: z });
  }
  const home = () => (get("_from") < 0 ? about.start : about.examples[get("_from")]);

  // ----------------------------------------------------------------------------------------- the page

  const pad = { about, get, set, go, home, alive, listen, d, limits, span, decimals };
  const plane = planeView(pad);
  const axes = d > 2 ? axesView(pad) : null;
  const sliders = d > 2 ? slidersView(pad) : null;
  const examples = about.examples.length ? examplesView(pad) : null;
  const pictures = picturesView(pad);
  const error = make("div", { class: "gt-error", role: "alert", hidden: true });
  const status = make("div", { class: "gt-status", role: "status" });
  const hint = make(
    "div",
    { class: "gt-note" },
    "Drag the handle, or use the arrow keys: with Shift they take larger steps, Home takes it back."
  );
  const root = make(
    "div",
    { class: d > 2 || examples ? "gt gt-pad gt-many" : "gt gt-pad", role: "group", "aria-label": about.title },
    make("div", { class: "gt-title" }, about.title),
    make(
      "div",
      { class: "gt-columns" },
      make("div", { class: "gt-column" }, ...(axes ? [axes.node] : []), plane.node, plane.where, status),
      make("div", { class: "gt-results" }, pictures.node, ...(examples ? [examples.node] : []))
    ),
    error,
    ...(sliders ? [sliders.node] : []),
    hint
  );
  el.append(root);

  // ------------------------------------------------------------------------------------ how it stands

  let patience = null;
  function wait() {
    // The kernel may be busy, or the decoder slow: said after a moment, for most answers come at once.
    if (same(get("_z"), get("_decoded"))) stopWaiting();
    else patience ??= setTimeout(() => {
      root.classList.add("gt-waiting");
      status.textContent = "Decoding ...";
    }, 250);
  }
  function stopWaiting() {
    clearTimeout(patience);
    patience = null;
    if (root.classList.contains("gt-waiting")) status.textContent = "";
    root.classList.remove("gt-waiting");
  }

  const moved = () => {
    plane.move();
    sliders?.move();
    examples?.move();
    wait();
  };
  const laid = () => {
    axes?.lay();
    sliders?.lay();
    plane.lay();
  };
  const chosen = () => {
    plane.path();
    pictures.draw();
    moved();
  };
  const answer = () => {
    pictures.draw();
    wait();
    const message = get("_error");
    root.classList.toggle("gt-failed", message !== "");
    error.hidden = message === "";
    error.textContent = message && `The decoder failed here: ${message}`;
  };
  let due = false;
  const answered = () => {
    // One message changes several values, each of which says so: drawn once, when all are there.
    if (!due) queueMicrotask(() => ((due = false), answer()));
    due = true;
  };
  const on = {
    "change:_z": moved,
    "change:_t": moved,
    "change:_axes": laid,
    "change:_from": chosen,
    "change:_to": chosen,
    "change:_decoded": answered,
    "change:_picture": answered,
    "change:_before": answered,
    "change:_error": answered,
  };
  for (const [event, handler] of Object.entries(on)) model.on(event, handler);
  const resized = new ResizeObserver(() => requestAnimationFrame(plane.scatter));
  resized.observe(plane.pad);
  const unwatch = watchConnection(model, el, (connected) => {
    stopWaiting();
    root.classList.toggle("gt-dead", !connected);
    plane.pad.setAttribute("aria-disabled", String(!connected));
    hint.hidden = !connected;
    status.classList.toggle("gt-off", !connected);
    status.textContent = connected
      ? ""
      : "A still: the kernel that decoded this picture is gone. Run the cell to bring the pad to life.";
    laid();
    for (const control of root.querySelectorAll("input, select, button")) control.disabled = !connected;
    chosen();
    answer();
  });

  return () => {
    ends.abort();
    stopWaiting();
    resized.disconnect();
    unwatch();
    for (const [event, handler] of Object.entries(on)) model.off(event, handler);
  };
}

export default { render };
