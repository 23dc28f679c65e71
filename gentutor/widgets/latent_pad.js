// LatentPad: a plane of codes with a handle, the image decoded at the handle, sliders, examples.

const COLOURS = [
  "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
]; // those of gentutor.plot.codes: a class has one colour in all figures

// A shape for each class too, as paths about the origin with a radius of about 1.
const SHAPES = [
  (c) => c.arc(0, 0, 0.9, 0, 7),
  (c) => polygon(c, 4, Math.PI / 4, 1.05), // square
  (c) => polygon(c, 3, -Math.PI / 2, 1.15), // triangle
  (c) => polygon(c, 4, 0, 1.15), // diamond
  (c) => polygon(c, 3, Math.PI / 2, 1.15), // triangle on its tip
  (c) => cross(c, 0),
  (c) => polygon(c, 5, -Math.PI / 2, 1.1),
  (c) => cross(c, Math.PI / 4),
  (c) => polygon(c, 6, 0, 1.05),
  (c) => c.rect(-1.1, -0.5, 2.2, 1), // bar
];

function polygon(context, corners, turn, radius) {
  for (let k = 0; k < corners; k++) {
    const angle = turn + (2 * Math.PI * k) / corners;
    context.lineTo(radius * Math.cos(angle), radius * Math.sin(angle));
  }
  context.closePath();
}

function cross(context, turn) {
  context.rotate(turn);
  context.rect(-1.1, -0.35, 2.2, 0.7);
  context.rect(-0.35, -1.1, 0.7, 2.2);
  context.rotate(-turn);
}

const styleOf = (k) => ({ colour: COLOURS[k % 10], shape: SHAPES[(k + Math.floor(k / 10)) % 10] });
const nameOf = (dimension) => `z[${dimension}]`;
const same = (a, b) => a.length === b.length && a.every((value, k) => value === b[k]);

/** 1, 2 or 5 times a power of ten, at most `size`. */
function roundStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return [5, 2, 1].find((digit) => digit * power <= size * (1 + 1e-9)) * power;
}

function render({ model, el }) {
  const about = model.get("_about");
  const { limits, classes, palette } = about;
  const d = limits.length;
  const ends = new AbortController(); // takes all listeners of the page away
  const listen = (target, event, handler) => target.addEventListener(event, handler, { signal: ends.signal });
  const span = (k) => limits[k][1] - limits[k][0];
  const decimals = limits.map((_, k) => Math.max(2, 2 - Math.floor(Math.log10(span(k)))));
  const codes = readCodes();

  function readCodes() {
    const bytes = bytesOf(model.get("_codes")).slice(); // aligned
    const kinds = bytesOf(model.get("_labels")).slice();
    return { z: new Float32Array(bytes.buffer), kind: new Uint16Array(kinds.buffer), n: kinds.length / 2 };
  }

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

  const plane = planeView();
  const axes = d > 2 ? axesView() : null;
  const sliders = d > 2 ? slidersView() : null;
  const examples = about.examples.length ? examplesView() : null;
  const pictures = picturesView();
  const error = make("div", { class: "gt-error", role: "alert", hidden: true });
  const status = make("div", { class: "gt-note", role: "status" });
  const hint = make(
    "div",
    { class: "gt-note" },
    "Drag the handle, or use the arrow keys: with Shift they take larger steps, Home takes it back."
  );
  const where = make("div", { class: "gt-where" });
  const root = make(
    "div",
    { class: d > 2 || examples ? "gt gt-pad gt-many" : "gt gt-pad", role: "group", "aria-label": about.title },
    make("div", { class: "gt-title" }, about.title),
    make(
      "div",
      { class: "gt-columns" },
      make("div", { class: "gt-column" }, ...(axes ? [axes.node] : []), plane.node, where),
      make("div", { class: "gt-results" }, pictures.node, ...(examples ? [examples.node] : []))
    ),
    error,
    ...(sliders ? [sliders.node] : []),
    hint,
    status
  );
  el.append(root);

  // ---------------------------------------------------------------------------------------- the plane

  function planeView() {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const tags = make("div", { class: "gt-tags", "aria-hidden": "true" });
    const line = make("div", { class: "gt-walk", hidden: true });
    const handle = make("div", { class: "gt-handle" });
    const zeros = [make("div", { class: "gt-zero-x" }), make("div", { class: "gt-zero-y" })];
    const ticks = ["left", "right", "bottom", "top"].map((side) => make("span", { class: `gt-tick-${side}` }));
    const names = [make("span", { class: "gt-name-x" }), make("span", { class: "gt-name-y" })];
    const node = make(
      "div",
      { class: "gt-plane", tabindex: 0, role: "slider", "aria-roledescription": "two-dimensional pad", ...OWN_KEYS },
      canvas, ...zeros, line, tags, handle
    );
    const frame = make("div", { class: "gt-frame" }, node, ...ticks, ...names);
    let scattered = "";

    const percent = (k, value) => (100 * (value - limits[k][0])) / span(k);
    const within = (share) => Math.min(100, Math.max(0, share));
    const axesNow = () => get("_axes");

    function move() {
      const [x, y] = axesNow();
      const z = get("_z");
      const [left, bottom] = [percent(x, z[x]), percent(y, z[y])];
      handle.style.left = `${within(left)}%`;
      handle.style.bottom = `${within(bottom)}%`;
      handle.classList.toggle("gt-beyond", left !== within(left) || bottom !== within(bottom));
      const text = [x, y].map((k) => `${nameOf(k)} ${shown(z[k], decimals[k])}`).join(", ");
      const near = nearest(z);
      node.setAttribute("aria-valuetext", near === null ? text : `${text}, nearest code of class ${near}`);
      node.setAttribute("aria-valuenow", z[x]);
      where.textContent = near === null ? text : `${text} · nearest code: ${near}`;
    }

    function lay() {
      const [x, y] = axesNow();
      node.setAttribute("aria-label", `${nameOf(x)} across, ${nameOf(y)} up`);
      node.setAttribute("aria-valuemin", limits[x][0]);
      node.setAttribute("aria-valuemax", limits[x][1]);
      names.forEach((name, i) => (name.textContent = nameOf([x, y][i])));
      [limits[x][0], limits[x][1], limits[y][0], limits[y][1]].forEach((value, i) => {
        ticks[i].textContent = shown(value, Math.max(0, decimals[i < 2 ? x : y] - 1));
      });
      zeros.forEach((zero, i) => {
        const share = percent([x, y][i], 0);
        zero.hidden = share !== within(share);
        zero.style[i ? "bottom" : "left"] = `${share}%`;
      });
      scatter();
      path();
      move();
    }

    function scatter() {
      const [x, y] = axesNow();
      const size = Math.round(node.clientWidth * devicePixelRatio);
      if (!size || scattered === `${size} ${x} ${y}`) return;
      scattered = `${size} ${x} ${y}`;
      canvas.width = canvas.height = size;
      const context = canvas.getContext("2d");
      const radius = (codes.n > 500 ? 2.6 : 3.6) * devicePixelRatio;
      const medians = classes.map(() => [[], []]);
      context.globalAlpha = codes.n > 500 ? 0.6 : 0.8;
      for (let i = 0; i < codes.n; i++) {
        const at = (i * 7919) % codes.n; // in a mixed order, so that no class hides the others; 7919 is prime
        const [u, v] = [codes.z[at * d + x], codes.z[at * d + y]];
        const { colour, shape } = styleOf(codes.kind[at]);
        const [px, py] = [(percent(x, u) / 100) * size, (1 - percent(y, v) / 100) * size];
        context.setTransform(radius, 0, 0, radius, px, py);
        context.beginPath();
        shape(context);
        context.fillStyle = colour;
        context.fill();
        medians[codes.kind[at]]?.[0].push(u);
        medians[codes.kind[at]]?.[1].push(v);
      }
      tags.replaceChildren();
      medians.forEach(([us, vs], k) => {
        if (!us.length) return;
        const tag = make("span", {}, classes[k]);
        tag.style.borderColor = styleOf(k).colour;
        tag.style.left = `${within(percent(x, median(us)))}%`;
        tag.style.bottom = `${within(percent(y, median(vs)))}%`;
        tags.append(tag);
      });
    }

    function path() {
      const [from, to] = [get("_from"), get("_to")];
      line.hidden = from < 0 || to < 0 || from === to;
      if (line.hidden) return;
      const [x, y] = axesNow();
      const [a, b] = [from, to].map((k) => about.examples[k]);
      const [left, bottom] = [percent(x, a[x]), percent(y, a[y])];
      const [dx, dy] = [percent(x, b[x]) - left, percent(y, b[y]) - bottom]; // in hundredths of a square
      line.style.left = `${left}%`;
      line.style.bottom = `${bottom}%`;
      line.style.width = `${Math.hypot(dx, dy)}%`;
      line.style.transform = `rotate(${-Math.atan2(dy, dx)}rad)`;
    }

    function nearest(z) {
      if (!classes.length) return null;
      let [best, least] = [0, Infinity];
      for (let i = 0; i < codes.n; i++) {
        let distance = 0;
        for (let k = 0; k < d && distance < least; k++) distance += (codes.z[i * d + k] - z[k]) ** 2;
        if (distance < least) [best, least] = [i, distance];
      }
      return classes[codes.kind[best]];
    }

    const drag = (event) => {
      const box = node.getBoundingClientRect();
      const [x, y] = axesNow();
      go({
        [x]: limits[x][0] + ((event.clientX - box.left) / box.width) * span(x),
        [y]: limits[y][1] - ((event.clientY - box.top) / box.height) * span(y),
      });
    };
    listen(node, "pointerdown", (event) => {
      if (event.button !== 0 || !alive()) return;
      node.setPointerCapture(event.pointerId);
      node.focus();
      drag(event);
    });
    listen(node, "pointermove", (event) => node.hasPointerCapture(event.pointerId) && drag(event));
    listen(node, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !alive()) return;
      const axis = { ArrowLeft: 0, ArrowRight: 0, ArrowUp: 1, ArrowDown: 1 }[event.key];
      if (event.key === "Home") set({ _z: home(), _t: 0 });
      else if (axis !== undefined) {
        const k = axesNow()[axis];
        const forward = event.key === "ArrowRight" || event.key === "ArrowUp" ? 1 : -1;
        go({ [k]: get("_z")[k] + forward * roundStep(span(k) / 60) * (event.shiftKey ? 5 : 1) });
      } else return;
      event.preventDefault(); // the page does not scroll
    });
    return { node: frame, pad: node, lay, move, path, scatter };
  }

  function median(values) {
    const sorted = values.sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  // ------------------------------------------------------------------------ the other dimensions

  function axesView() {
    const kl = (k) => (about.kl ? ` · KL ${shown(about.kl[k])}` : "");
    const selects = ["across", "up"].map((side, i) => {
      const select = make(
        "select",
        { "aria-label": `dimension ${side}`, ...OWN_KEYS },
        ...about.order.map((k) => make("option", { value: k }, nameOf(k) + kl(k)))
      );
      listen(select, "change", () => {
        const chosen = [...get("_axes")];
        const other = chosen[1 - i];
        if (other === Number(select.value)) chosen[1 - i] = chosen[i]; // the two change places
        chosen[i] = Number(select.value);
        set({ _axes: chosen });
      });
      return { node: make("label", {}, side, select), select };
    });
    const lay = () => selects.forEach(({ select }, i) => (select.value = get("_axes")[i]));
    return { node: make("div", { class: "gt-axes" }, ...selects.map((s) => s.node)), lay };
  }

  function slidersView() {
    const node = make("div", { class: "gt-sliders", role: "group", "aria-label": "the other dimensions" });
    let rows = [];

    function lay() {
      const others = about.order.filter((k) => !get("_axes").includes(k));
      rows = others.slice(0, about.sliders).map((k) => {
        const input = make("input", {
          type: "range", min: limits[k][0], max: limits[k][1], step: "any", "aria-label": nameOf(k), ...OWN_KEYS,
        });
        const value = make("span", { class: "gt-value", "aria-hidden": "true" });
        const mark = make("span", { class: "gt-mark", "aria-hidden": "true", hidden: true });
        const kl = about.kl ? [make("span", { class: "gt-kl" }, `KL ${shown(about.kl[k])}`)] : [];
        listen(input, "input", () => go({ [k]: Number(input.value) }));
        listen(input, "keydown", (event) => {
          // by steps that can be read; the browser's own for step="any" are a hundredth of the way
          const forward = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
          if (!forward || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          go({ [k]: get("_z")[k] + forward * roundStep(span(k) / 60) * (event.shiftKey ? 5 : 1) });
        });
        const track = make("span", { class: "gt-track" }, mark, input);
        return { k, input, value, mark, node: make("div", {}, make("span", {}, nameOf(k)), track, value, ...kl) };
      });
      const left = others.length - rows.length;
      const rest = left ? [make("div", { class: "gt-note" }, `${left} more keep their values.`)] : [];
      node.replaceChildren(...rows.map((row) => row.node), ...rest);
      move();
    }

    function move() {
      const z = get("_z");
      for (const { k, input, value, mark, node: row } of rows) {
        input.value = z[k];
        const text = shown(z[k], decimals[k]);
        const original = get("_from") < 0 ? null : about.examples[get("_from")][k];
        const changed = original !== null && Math.abs(original - z[k]) > 1e-9;
        value.textContent = text;
        input.setAttribute("aria-valuetext", changed ? `${text}, changed from ${shown(original, decimals[k])}` : text);
        row.classList.toggle("gt-changed", changed);
        mark.hidden = original === null;
        if (original !== null) mark.style.setProperty("--share", (original - limits[k][0]) / span(k));
      }
    }
    return { node, lay, move };
  }

  // ------------------------------------------------------------------------------------- the examples

  function examplesView() {
    const group = Math.random().toString(36).slice(2);
    const bytes = bytesOf(get("_examples"));
    const size = bytes.length / about.examples.length;
    const strip = (legend, name, choose) => {
      const inputs = about.examples.map((_, k) => {
        const canvas = make("canvas", { "aria-hidden": "true" });
        paint(canvas, bytes.subarray(k * size, (k + 1) * size), about.example_shape, palette);
        const input = make("input", {
          type: "radio", name: `${name}-${group}`, value: k, "aria-label": `example ${k}`, ...OWN_KEYS,
        });
        listen(input, "change", () => choose(k));
        return { input, node: make("label", { class: "gt-thumb" }, input, canvas, make("span", {}, `${k}`)) };
      });
      const node = make("fieldset", {}, make("legend", {}, legend), ...inputs.map((each) => each.node));
      return { node, show: (chosen) => inputs.forEach(({ input }, k) => (input.checked = k === chosen)) };
    };
    const from = strip("Start from", "from", (k) => set({ _from: k, _z: about.examples[k], _t: 0 }));
    const to = strip("Walk to", "to", (k) => set({ _to: k }));
    const slide = make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "walk", ...OWN_KEYS });
    const value = make("span", { class: "gt-value", "aria-hidden": "true" });
    const walk = make("label", { class: "gt-walk-row" }, make("span", {}, "walk"), slide, value);
    const back = make("button", { type: "button", ...OWN_KEYS }, "Put it back");
    listen(back, "click", () => set({ _z: home(), _t: 0 }));
    listen(slide, "input", () => {
      const [a, b] = [get("_from"), get("_to")].map((k) => about.examples[k]);
      const t = Number(slide.value);
      set({ _t: t, _z: a.map((value, k) => (1 - t) * value + t * b[k]) });
    });
    const node = make("div", { class: "gt-examples" }, from.node, to.node, walk, back);

    function move() {
      from.show(get("_from"));
      to.show(get("_to"));
      slide.value = get("_t");
      value.textContent = shown(get("_t"));
      slide.setAttribute("aria-valuetext", `${Math.round(100 * get("_t"))} % of the way`);
      const editing = get("_from") >= 0;
      to.node.hidden = !editing || about.examples.length < 2;
      walk.hidden = !editing || get("_to") < 0 || get("_to") === get("_from");
      back.hidden = !editing;
      back.disabled = same(get("_z"), home()) || !alive();
    }
    return { node, move };
  }

  // ------------------------------------------------------------------------------------- the pictures

  function picturesView() {
    const [example, before, here] = ["example", "decoded code", "decoded here"].map((text) => {
      const canvas = make("canvas", { role: "img", "aria-label": text });
      return { canvas, node: make("figure", {}, canvas, make("figcaption", { "aria-hidden": "true" }, text)) };
    });
    const node = make("div", { class: "gt-pictures" }, example.node, before.node, here.node);

    function draw() {
      const [from, bytes] = [get("_from"), bytesOf(get("_before"))];
      const editing = from >= 0;
      example.node.hidden = before.node.hidden = !editing;
      node.classList.toggle("gt-editing", editing);
      const decoded = get("_decoded").map((value, k) => shown(value, decimals[k])).slice(0, 8);
      here.canvas.setAttribute("aria-label", `image decoded at z = (${decoded.join(", ")}${d > 8 ? ", ..." : ""})`);
      paint(here.canvas, bytesOf(get("_picture")), get("_shape"), palette);
      here.canvas.dataset.decoded = JSON.stringify(get("_decoded"));
      if (!editing) return;
      const all = bytesOf(get("_examples"));
      const size = all.length / about.examples.length;
      paint(example.canvas, all.subarray(from * size, (from + 1) * size), about.example_shape, palette);
      paint(before.canvas, bytes, get("_shape"), palette);
    }
    return { node, draw };
  }

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
  const answered = () => {
    pictures.draw();
    wait();
    const message = get("_error");
    root.classList.toggle("gt-failed", message !== "");
    error.hidden = message === "";
    error.textContent = message && `The decoder failed here: ${message}`;
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
    for (const control of root.querySelectorAll("input, select, button")) control.disabled = !connected;
    plane.pad.setAttribute("aria-disabled", String(!connected));
    hint.hidden = !connected;
    status.classList.toggle("gt-off", !connected);
    status.textContent = connected
      ? ""
      : "A still: the kernel that decoded this picture is gone. Run the cell to bring the pad to life.";
    laid();
    chosen();
    answered();
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
