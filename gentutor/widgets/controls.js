// What is beside and below the plane of a LatentPad.

const nameOf = (dimension) => `z[${dimension}]`;
const same = (a, b) => a.length === b.length && a.every((value, k) => value === b[k]);

/** 1, 2 or 5 times a power of ten, at most `size`. */
function roundStep(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  return [5, 2, 1].find((digit) => digit * power <= size * (1 + 1e-9)) * power;
}

/** Which dimensions are across and up. */
function axesView({ about, get, set, listen }) {
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

/** Sliders for the other dimensions, as many as `about` allows. */
function slidersView({ about, get, go, listen, limits, span, decimals }) {
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

/** Examples to start from and to walk to. */
function examplesView({ about, get, set, home, alive, listen }) {
  const group = Math.random().toString(36).slice(2);
  const bytes = bytesOf(get("_examples"));
  const size = bytes.length / about.examples.length;
  const strip = (legend, name, choose) => {
    const inputs = about.examples.map((_, k) => {
      const canvas = make("canvas", { "aria-hidden": "true" });
      paint(canvas, bytes.subarray(k * size, (k + 1) * size), about.example_shape, about.palette);
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

/** The decoded image; beside it, for an example that is edited, the example and its decoded code. */
function picturesView({ about, get, d, decimals }) {
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
    paint(here.canvas, bytesOf(get("_picture")), get("_shape"), about.palette);
    here.canvas.dataset.decoded = JSON.stringify(get("_decoded"));
    if (!editing) return;
    const all = bytesOf(get("_examples"));
    const size = all.length / about.examples.length;
    paint(example.canvas, all.subarray(from * size, (from + 1) * size), about.example_shape, about.palette);
    paint(before.canvas, bytes, get("_shape"), about.palette);
  }
  return { node, draw };
}
