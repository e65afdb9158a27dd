// Stands behind table.js in one module.

const data = JSON.parse(document.getElementById("data").textContent);
const tasks = data.tasks.map(([id, node, created, started, ended, success, exit, tries]) => ({
  id, node, created, started, success, tries,
  ended: ended ?? (started === null ? null : data.end),
  place: node === null ? "" : data.nodes[node],
  waited: created === null ? null : (started ?? ended ?? data.end) - created,
  ran: started === null ? null : (ended ?? data.end) - started,
  state: success ? "succeeded" : exit === null ? "failed" : `failed, exit code ${exit}`,
}));

const SVG = "http://www.w3.org/2000/svg";
const draw = (name, attributes, text) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

/** Round values from 0 up to at least `most`. */
function ticks(most, about) {
  const raw = most / about;
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) || 1;
  const found = [];
  for (let value = 0; value < most + step; value += step) found.push(value);
  return found;
}

/** Calls `paint(svg, width, height)` now and whenever the place changes its size. */
function chart(section, paint) {
  const place = document.querySelector(`#${section} .chart`);
  if (!place) return;
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = place;
    if (!width) return;
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    paint(svg, width, height);
    place.replaceChildren(svg);
  }).observe(place);
}

const LEFT = 50;
const BOTTOM = 22;

/** Lines and numbers for counts up to `most` between two heights; answers with the scale. */
function counts(svg, width, top, bottom, most, about) {
  const values = ticks(Math.max(most, 1), about).filter((n) => Number.isInteger(n));
  const y = (n) => bottom - ((bottom - top) * n) / values.at(-1);
  for (const n of values) {
    svg.append(draw("line", { x1: LEFT, x2: width, y1: y(n), y2: y(n) }));
    svg.append(draw("text", { x: LEFT - 6, y: y(n) + 4, "text-anchor": "end" }, n.toLocaleString("en")));
  }
  return y;
}

chart("load", (svg, width, height) => {
  const { step, running, waiting } = data.load;
  const x = (i) => LEFT + ((width - LEFT) * i) / running.length;
  const area = (values, top, bottom, name) => {
    const y = counts(svg, width, top, bottom, Math.max(...values), 2);
    const points = values.flatMap((n, i) => [`${x(i)},${y(n)}`, `${x(i + 1)},${y(n)}`]);
    svg.append(draw("polygon", { points: [`${LEFT},${bottom}`, ...points, `${width},${bottom}`].join(" "), class: name }));
  };
  const half = (height - BOTTOM) / 2;
  area(running, 8, half - 8, "running");
  area(waiting, half + 8, half * 2, "waiting");
  const marks = width < 420 ? 2 : 4;
  for (let i = 0; i <= marks; i += 1) {
    const anchor = i === 0 ? "start" : i === marks ? "end" : "middle";
    const at = x((running.length * i) / marks);
    svg.append(draw("text", { x: at, y: height - 5, "text-anchor": anchor }, span((step * running.length * i) / marks)));
  }
});

chart("durations", (svg, width, height) => {
  const { edges, counts: numbers } = data.durations;
  const y = counts(svg, width, 8, height - BOTTOM, Math.max(...numbers), 4);
  const bar = (width - LEFT) / numbers.length;
  const every = Math.ceil(62 / bar);
  numbers.forEach((n, i) => {
    const at = LEFT + bar * i;
    const shape = draw("rect", { x: at + 1, width: Math.max(bar - 2, 1), y: y(n), height: y(0) - y(n), class: "bar" });
    shape.append(draw("title", {}, `${n} from ${span(edges[i])} to ${span(edges[i + 1])}`));
    svg.append(shape);
    if (i % every === 0 && at + 56 < width) svg.append(draw("text", { x: at, y: height - 5, "text-anchor": "start" }, span(edges[i])));
  });
});

/** Each node's tasks in as few rows as they fit in without overlap. */
function lanes() {
  const found = [];
  const ran = tasks.filter((task) => task.started !== null);
  ran.sort((a, b) => a.started - b.started);
  const ofNode = new Map();
  for (const task of ran) {
    const own = ofNode.get(task.place) ?? ofNode.set(task.place, []).get(task.place);
    let lane = own.find((l) => l.until <= task.started);
    if (!lane) own.push((lane = { node: task.place, tasks: [], until: 0 }));
    lane.tasks.push(task);
    lane.until = Math.max(task.ended, task.started + 1);
  }
  const order = new Intl.Collator("en", { numeric: true });
  for (const node of [...ofNode.keys()].sort(order.compare)) {
    ofNode.get(node).forEach((lane, i) => found.push(Object.assign(lane, { first: i === 0 })));
  }
  return found;
}

/** What of each node's name has room: names differ at their ends, and in what follows a common beginning. */
function names(pen, lanes, room) {
  const whole = [...new Set(lanes.map((lane) => lane.node))];
  const fits = (name) => pen.measureText(name).width <= room;
  if (whole.every(fits)) return new Map(whole.map((name) => [name, name]));
  let same = 0;
  while (whole.length > 1 && whole.every((name) => name.length > same && name[same] === whole[0][same])) same += 1;
  const short = (name) => {
    let length = name.length - same;
    while (length > 1 && !fits(`…${name.slice(same, same + length)}`)) length -= 1;
    return `…${name.slice(same, same + length)}`;
  };
  return new Map(whole.map((name) => [name, fits(name) ? name : short(name)]));
}

class Timeline {
  constructor(box) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.readout = document.getElementById("readout");
    this.lanes = lanes();
    this.row = this.lanes.length > 60 ? 9 : 18;
    this.from = 0;
    this.to = Math.max(data.end, 1);
    this.chosen = null;
    document.getElementById("height").style.height = "0";
    box.addEventListener("scroll", () => this.later(), { passive: true });
    this.canvas.addEventListener("pointermove", (e) => this.point(e));
    this.canvas.addEventListener("pointerleave", () => this.choose(null));
    this.canvas.addEventListener("keydown", (e) => this.key(e));
    const press = (id, act) => document.getElementById(id).addEventListener("click", act);
    press("closer", () => this.zoom(0.5));
    press("farther", () => this.zoom(2));
    press("whole", () => this.zoom(Infinity));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
    new ResizeObserver(() => this.later()).observe(box);
  }

  later() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.paint();
    });
  }

  get axis() {
    return 22;
  }

  get gutter() {
    return this.box.clientWidth < 600 ? 64 : 150;
  }

  x(ms) {
    const width = this.box.clientWidth - this.gutter - 8;
    return this.gutter + (width * (ms - this.from)) / (this.to - this.from);
  }

  paint() {
    const { box, canvas } = this;
    const width = box.clientWidth;
    const whole = this.lanes.length * this.row + this.axis;
    const most = parseFloat(getComputedStyle(box).maxHeight) || 480;
    const height = Math.min(whole, most);
    document.getElementById("height").style.height = `${Math.max(0, whole - height)}px`;
    const scale = devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const [good, bad, ink, quiet, line] = ["good", "bad", "ink", "quiet", "line"].map(colour);
    pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    const named = names(pen, this.lanes, this.gutter - 14);
    const top = box.scrollTop;
    const first = Math.max(0, Math.floor(top / this.row) - 1);
    const last = Math.min(this.lanes.length, Math.ceil((top + height) / this.row) + 1);
    for (let i = first; i < last; i += 1) {
      const lane = this.lanes[i];
      const y = this.axis + i * this.row - top;
      if (lane.first) {
        pen.fillStyle = line;
        pen.fillRect(0, y, width, 1);
        pen.fillStyle = quiet;
        pen.save();
        pen.beginPath();
        pen.rect(0, y - 4, this.gutter - 6, 24);
        pen.clip();
        pen.fillText(named.get(lane.node), 6, y + Math.max(this.row / 2, 8));
        pen.restore();
      }
      let painted = -1;
      for (const task of lane.tasks) {
        if (task.ended < this.from || task.started > this.to) continue;
        const left = Math.max(this.x(task.started), this.gutter);
        const right = Math.max(this.x(task.ended), left + 1);
        // Where tasks are narrower than a pixel, a failed one is still to be seen.
        if (right <= painted && task.success && task !== this.chosen) continue;
        painted = right;
        pen.fillStyle = task === this.chosen ? ink : task.success ? good : bad;
        pen.fillRect(left, y + 2, Math.max(1, right - left - (right - left > 3 ? 1 : 0)), this.row - 3);
      }
    }
    this.scaleAt(pen, width, quiet, line, colour("surface"));
  }

  scaleAt(pen, width, quiet, line, surface) {
    pen.fillStyle = surface;
    pen.fillRect(0, 0, width, this.axis - 2);
    pen.fillStyle = line;
    pen.fillRect(0, this.axis - 2, width, 1);
    pen.fillStyle = quiet;
    const marks = width < 600 ? 2 : 6;
    for (let i = 0; i <= marks; i += 1) {
      const ms = this.from + ((this.to - this.from) * i) / marks;
      pen.textAlign = i === 0 ? "start" : i === marks ? "end" : "center";
      pen.fillText(span(ms) || "0", this.x(ms), this.axis / 2 - 1);
    }
    pen.textAlign = "start";
  }

  zoom(factor) {
    const whole = Math.max(data.end, 1);
    const length = Math.min(whole, Math.max((this.to - this.from) * factor, Math.min(20, whole)));
    const middle = this.chosen ? (this.chosen.started + this.chosen.ended) / 2 : (this.from + this.to) / 2;
    this.from = Math.min(Math.max(0, middle - length / 2), whole - length);
    this.to = this.from + length;
    this.later();
  }

  point(event) {
    const place = this.canvas.getBoundingClientRect();
    const lane = this.lanes[Math.floor((event.clientY - place.top - this.axis + this.box.scrollTop) / this.row)];
    const at = event.clientX - place.left;
    let best = null;
    for (const task of lane?.tasks ?? []) {
      const away = Math.max(this.x(task.started) - at, at - this.x(task.ended), 0);
      if (away <= 3 && (!best || away < best.away)) best = { task, away };
    }
    this.choose(best?.task ?? null);
  }

  choose(task) {
    if (task === this.chosen) return;
    this.chosen = task;
    if (task) {
      const waited = task.waited === null ? "" : `, waited ${span(task.waited)}`;
      this.readout.textContent = `${task.id} on ${task.place}: ${task.state}, ran ${span(task.ran)} from ${span(task.started)} on${waited}`;
    }
    this.later();
  }

  key(event) {
    const act = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.zoom(Infinity),
      ArrowRight: () => this.step(1, 0), ArrowLeft: () => this.step(-1, 0),
      ArrowDown: () => this.step(0, 1), ArrowUp: () => this.step(0, -1),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  /** To the next task of a lane, or to the nearest one of the next lane. */
  step(along, down) {
    if (this.lanes.length === 0) return;
    const has = (lane) => lane.tasks.includes(this.chosen);
    const now = this.chosen ? this.lanes.findIndex(has) : -1;
    if (now < 0) return this.show(0, 0);
    const next = Math.min(Math.max(now + down, 0), this.lanes.length - 1);
    const list = this.lanes[next].tasks;
    const away = (task) => Math.abs(task.started - this.chosen.started);
    const place = down
      ? list.reduce((best, task, i) => (away(task) < away(list[best]) ? i : best), 0)
      : Math.min(Math.max(list.indexOf(this.chosen) + along, 0), list.length - 1);
    this.show(next, place);
  }

  show(lane, place) {
    const task = this.lanes[lane].tasks[place];
    const y = lane * this.row;
    const fit = this.canvas.clientHeight - this.axis;
    if (y < this.box.scrollTop || y + this.row > this.box.scrollTop + fit) this.box.scrollTop = y - fit / 2;
    const length = this.to - this.from;
    if (task.started < this.from || task.started > this.to) {
      this.from = Math.min(Math.max(0, task.started - length / 2), Math.max(0, data.end - length));
      this.to = this.from + length;
    }
    this.choose(task);
  }
}

const box = document.getElementById("lanes");
if (box) new Timeline(box);

/** A table in a section, with its search field and, if there is one, its choice. */
function searchable(section, options, rows, choices = {}) {
  const place = document.getElementById(section);
  if (!place) return;
  const field = place.querySelector("input");
  const choice = place.querySelector("select");
  const status = place.querySelector("[role=status]");
  const table = new Table(place, options);
  table.onchange = (shown, all) => {
    status.textContent = shown === all ? `${all.toLocaleString("en")}` : `${shown.toLocaleString("en")} of ${all.toLocaleString("en")}`;
  };
  table.rows = rows;
  const apply = () => table.filter(field.value, choices[choice?.value]);
  field.addEventListener("input", apply);
  choice?.addEventListener("change", apply);
}

searchable("tasks", {
  label: "Tasks",
  sorted: 4,
  columns: [
    { title: "task", text: (t) => t.id, width: "30%" },
    { title: "state", text: (t) => t.state, tone: (t) => (t.success ? "good" : "bad") },
    { title: "ran", text: (t) => span(t.ran), sort: (t) => t.ran, number: true, width: "6.5rem" },
    { title: "waited", text: (t) => span(t.waited), sort: (t) => t.waited, number: true, spare: true, width: "6.5rem" },
    { title: "began", text: (t) => span(t.started), sort: (t) => t.started, number: true, spare: true, width: "6.5rem" },
    { title: "tries", text: (t) => t.tries, sort: (t) => t.tries, number: true, spare: true, width: "4.5rem" },
    { title: "node", text: (t) => t.place, spare: true },
  ],
}, tasks, { failed: (t) => !t.success, again: (t) => t.tries > 1 });

searchable("receipt", {
  label: "Outputs",
  columns: [
    { title: "file", text: (o) => o[1], width: "32%" },
    { title: "bytes", text: (o) => o[2].toLocaleString("en"), sort: (o) => o[2], number: true, width: "7rem" },
    { title: "task", text: (o) => o[0], spare: true, width: "22%" },
    { title: "SHA-256", text: (o) => o[3], spare: true },
  ],
}, data.outputs);
