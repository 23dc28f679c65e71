// FrameScrubber: one frame at a time, a slider, play and speed, and a strip of some of the frames.

const SPEEDS = [0.25, 0.5, 1, 2, 4];

function render({ model, el }) {
  const { title, labels, shape, strip, fps, palette } = model.get("_about");
  const frames = bytesOf(model.get("_frames"));
  const size = frames.length / labels.length;
  const last = labels.length - 1;
  const frame = (k) => frames.subarray(k * size, (k + 1) * size);
  const ends = new AbortController(); // takes all listeners of the page away
  const listen = (target, event, handler) => target.addEventListener(event, handler, { signal: ends.signal });

  const picture = make("canvas", { role: "img" });
  const caption = make("div", { class: "gt-caption", "aria-hidden": "true" });
  const play = make("button", { type: "button", class: "gt-play", ...OWN_KEYS });
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": "frame", ...OWN_KEYS });
  const count = make("span", { class: "gt-count", "aria-hidden": "true" });
  const speed = make(
    "select",
    { "aria-label": "speed", ...OWN_KEYS },
    ...SPEEDS.map((times) => make("option", { value: times, selected: times === 1 }, `${times} \u00d7`))
  );
  const cells = strip.map((k) => {
    const canvas = make("canvas");
    paint(canvas, frame(k), shape, palette);
    listen(canvas, "click", () => go(k));
    return canvas;
  });
  const root = make(
    "div",
    { class: "gt gt-scrubber", role: "group", "aria-label": title },
    make("div", { class: "gt-title" }, title),
    make("div", { class: "gt-screen" }, picture, caption),
    make("div", { class: "gt-controls" }, play, slider, count, speed),
    make("div", { class: "gt-strip", "aria-hidden": "true" }, ...cells) // for the pointer; the slider is for all
  );
  el.append(root);

  function draw() {
    const k = model.get("_index");
    paint(picture, frame(k), shape, palette);
    picture.setAttribute("aria-label", labels[k]);
    picture.dataset.frame = k;
    caption.textContent = labels[k];
    slider.value = k;
    slider.setAttribute("aria-valuetext", labels[k]);
    count.textContent = `${k} / ${last}`;
    const nearest = strip.reduce((best, each, i) => (Math.abs(each - k) < Math.abs(strip[best] - k) ? i : best), 0);
    cells.forEach((cell, i) => cell.classList.toggle("gt-now", i === nearest));
  }

  function go(k) {
    model.set("_index", k); // all views of this model follow, with or without a kernel
    model.save_changes();
  }

  let timer = 0;
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "\u25b6\ufe0e";
    play.setAttribute("aria-label", "play");
  }
  function start() {
    clearInterval(timer);
    if (model.get("_index") >= last) go(0);
    timer = setInterval(() => {
      if (model.get("_index") < last) go(model.get("_index") + 1);
      if (model.get("_index") >= last) stop();
    }, 1000 / (fps * Number(speed.value)));
    play.textContent = "\u275a\u275a";
    play.setAttribute("aria-label", "pause");
  }
  listen(play, "click", () => (timer ? stop() : start()));
  listen(speed, "change", () => timer && start());
  listen(slider, "input", () => {
    stop();
    go(Number(slider.value));
  });

  stop();
  draw();
  model.on("change:_index", draw);
  return () => {
    stop();
    ends.abort();
    model.off("change:_index", draw);
  };
}

export default { render };
