// The plane of a LatentPad.

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

/** The plane: codes and classes behind, the handle in front; `where` says in words where it is. */
function planeView(pad) {
  const { about, get, set, go, home, alive, listen, d, limits, span, decimals } = pad;
  const { classes } = about;
  const codes = readCodes();
  const where = make("div", { class: "gt-where" });
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

  function readCodes() {
    const bytes = bytesOf(get("_codes")).slice(); // aligned
    const kinds = bytesOf(get("_labels")).slice();
    return { z: new Float32Array(bytes.buffer), kind: new Uint16Array(kinds.buffer), n: kinds.length / 2 };
  }

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
  return { node: frame, pad: node, where, lay, move, path, scatter };
}

function median(values) {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
