import { Batch, Refused } from "./batch.js";
import { Table, span } from "./table.js";

const PAUSE = 1500;
const TAIL = 64 * 1024;
/** Clocks of nodes differ a little: changes are asked for from this long before the last one. */
const OVERLAP = 10_000;
const SELECT = "id,state,creationTime,stateTransitionTime,executionInfo,nodeInfo";

const at = (id) => document.getElementById(id);
const make = (name, className = "", text = "") => Object.assign(document.createElement(name), { className, textContent: text });

const TONES = {
  running: "busy", idle: "good", starttaskfailed: "bad", unusable: "bad", preempted: "bad", unknown: "bad",
};
const tone = (state) => TONES[state] ?? "wait";

/** The key is taken out of the address before anything else happens. */
function handedOver() {
  const key = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("key");
  if (location.hash) history.replaceState(null, "", location.pathname);
  return key;
}

class Live {
  constructor(batch) {
    this.batch = batch;
    this.job = null;
    this.node = null;
    this.settled = new Map();
    this.forget();
    this.table = new Table(at("tasks"), {
      label: "Tasks",
      columns: [
        { title: "task", text: (t) => t.id, open: (t) => this.open(t), width: "30%" },
        { title: "state", text: describe, tone: (t) => ({ succeeded: "good", failed: "bad", running: "busy" })[kind(t)] ?? "" },
        { title: "ran", text: (t) => span(ran(t)), sort: ran, number: true, width: "6.5rem" },
        { title: "waited", text: (t) => span(waited(t)), sort: waited, number: true, spare: true, width: "6.5rem" },
        { title: "retries", text: (t) => t.executionInfo?.retryCount ?? "", number: true, spare: true, width: "5.5rem" },
        { title: "node", text: (t) => t.nodeInfo?.nodeId ?? "", spare: true },
      ],
    });
    const [field, choice, status] = ["input", "select", "[role=status]"].map((s) => at("tasks").querySelector(s));
    this.field = field;
    this.table.onchange = (shown, all) => {
      const number = (n) => n.toLocaleString("en");
      status.textContent = shown === all ? number(all) : `${number(shown)} of ${number(all)}`;
    };
    const filter = () => this.table.filter(field.value, choice.value === "all" ? undefined : (t) => kind(t) === choice.value);
    this.filter = filter;
    field.addEventListener("input", filter);
    choice.addEventListener("change", filter);
    at("task").addEventListener("close", () => (this.opened = null));
    for (const button of at("task").querySelectorAll("[data-file]")) {
      button.addEventListener("click", () => this.choose(button));
    }
  }

  forget() {
    this.tasks = new Map();
    this.since = null;
  }

  /** Looks again and again while somebody sees the page. */
  async run() {
    for (;;) {
      if (!document.hidden) {
        try {
          await this.look();
          say("good", "live");
        } catch (error) {
          if (error instanceof Refused && [401, 403].includes(error.status)) return error;
          say("bad", error instanceof Refused ? error.message : "the service does not answer");
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  async look() {
    const [pools, jobs] = await Promise.all([this.batch.list(["pools"]), this.batch.list(["jobs"])]);
    const nodes = await Promise.all(pools.map((pool) =>
      this.batch.list(["pools", pool.id, "nodes"], { $select: "id,state,runningTasksCount" })));
    const counts = await Promise.all(jobs.map((job) => this.counts(job)));
    this.showPools(pools, nodes);
    this.showJobs(jobs, counts);
    if (!jobs.some((job) => job.id === this.job)) this.select(jobs.at(0)?.id ?? null);
    if (this.job !== null) await this.lookAtTasks(counts[jobs.findIndex((job) => job.id === this.job)]);
    if (this.opened) await this.showFile();
  }

  /** What a completed job counts changes no more. */
  async counts(job) {
    const known = this.settled.get(job.url + job.eTag);
    if (known) return known;
    const { taskCounts } = await this.batch.get(["jobs", job.id, "taskcounts"]);
    if (job.state === "completed") this.settled.set(job.url + job.eTag, taskCounts);
    return taskCounts;
  }

  async lookAtTasks(counts) {
    const job = this.job;
    const list = async () => {
      const query = { $select: SELECT };
      if (this.since) {
        const from = new Date(Date.parse(this.since) - OVERLAP).toISOString();
        query.$filter = `stateTransitionTime ge DateTime'${from}'`;
      }
      const found = await this.batch.list(["jobs", job, "tasks"], query);
      if (job !== this.job) return;
      for (const task of found) {
        this.tasks.set(task.id, task);
        if (this.since === null || task.stateTransitionTime > this.since) this.since = task.stateTransitionTime;
      }
    };
    await list();
    const total = counts.active + counts.running + counts.completed;
    if (job === this.job && this.tasks.size > total) {
      // Some were deleted, which no change tells.
      this.forget();
      await list();
    }
    if (job === this.job) this.table.rows = [...this.tasks.values()];
  }

  select(job) {
    this.job = job;
    this.forget();
    this.table.rows = [];
    at("job").textContent = job ?? "";
    at("tasks").hidden = job === null;
    for (const button of document.querySelectorAll("button.job")) {
      button.ariaPressed = String(button.textContent === job);
    }
  }

  showPools(pools, nodes) {
    at("pools").hidden = false;
    const items = pools.map((pool, i) => {
      const item = make("div", "item");
      item.dataset.id = pool.id;
      const target = pool.targetDedicatedNodes + pool.targetLowPriorityNodes;
      const facts = [pool.vmSize, `${nodes[i].length} of ${target} nodes`, pool.allocationState];
      if (pool.state !== "active") facts.push(pool.state);
      item.append(make("h3", "mono", pool.id), make("p", "quiet", facts.join(" · ")));
      for (const error of pool.resizeErrors ?? []) item.append(make("p", "bad", error.message ?? error.code));
      item.append(this.legend(nodes[i]), this.grid(nodes[i]));
      return item;
    });
    replace("pools", items.length ? items : [make("p", "quiet", "There is no pool.")]);
  }

  legend(nodes) {
    const states = new Map();
    for (const node of nodes) states.set(node.state, (states.get(node.state) ?? 0) + 1);
    const line = make("p");
    for (const [state, count] of [...states].sort()) line.append(make("span", `key ${tone(state)}`, `${count} ${state}`));
    return line;
  }

  grid(nodes) {
    const grid = make("div", nodes.length > 150 ? "nodes many" : "nodes");
    for (const node of nodes) {
      const running = node.runningTasksCount ?? 0;
      const square = make("button", `node ${tone(node.state)}`, running > 0 ? String(running) : tone(node.state) === "bad" ? "!" : "");
      square.type = "button";
      square.dataset.id = node.id;
      square.title = `${node.id}: ${node.state}, ${running} running`;
      square.ariaLabel = square.title;
      square.addEventListener("click", () => {
        this.field.value = node.id;
        this.filter();
      });
      grid.append(square);
    }
    return grid;
  }

  showJobs(jobs, counts) {
    at("jobs").hidden = false;
    const items = jobs.map((job, i) => {
      const { active, running, succeeded, failed } = counts[i];
      const item = make("div", "item");
      item.dataset.id = job.id;
      const head = make("h3", "mono");
      const button = make("button", "job", job.id);
      button.type = "button";
      button.ariaPressed = String(job.id === this.job);
      button.addEventListener("click", () => {
        this.select(job.id);
        this.look().catch(() => {});
      });
      head.append(button);
      const reason = job.executionInfo?.terminateReason;
      const state = [job.state, reason, job.poolInfo?.poolId && `on ${job.poolInfo.poolId}`].filter(Boolean).join(" · ");
      const line = make("p");
      for (const [count, name, tint] of [[active, "waiting", "wait"], [running, "running", "busy"], [succeeded, "succeeded", "good"], [failed, "failed", "bad"]]) {
        if (count > 0) line.append(make("span", `key ${tint}`, `${count.toLocaleString("en")} ${name}`));
      }
      item.append(head, make("p", "quiet", state), bar([[succeeded, "good"], [failed, "bad"], [running, "busy"]], active), line);
      return item;
    });
    replace("jobs", items.length ? items : [make("p", "quiet", "There is no job.")]);
  }

  open(task) {
    this.opened = { job: this.job, id: task.id, file: "stdout.txt" };
    at("task-id").textContent = task.id;
    at("content").textContent = "";
    at("size").textContent = "";
    this.press("stdout.txt");
    at("task").showModal();
    this.showFile().catch(() => {});
  }

  choose(button) {
    if (!this.opened) return;
    this.opened.file = button.dataset.file;
    this.press(button.dataset.file);
    this.showFile().catch(() => {});
  }

  press(file) {
    for (const button of at("task").querySelectorAll("[data-file]")) button.ariaPressed = String(button.dataset.file === file);
  }

  async showFile() {
    const opened = this.opened;
    const { job, id, file } = opened;
    const tail = await this.batch.tail(job, id, file, TAIL);
    if (this.opened !== opened || opened.file !== file) return;
    this.showFacts(this.tasks.get(id));
    const box = at("content");
    const text = tail?.text ?? "";
    const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
    if (box.textContent !== text) {
      box.textContent = text;
      if (atEnd) box.scrollTop = box.scrollHeight;
    }
    at("size").textContent = tail === null ? `${file} is not there (yet, or any more)`
      : tail.length > TAIL ? `the last ${TAIL / 1024} KiB of ${tail.length.toLocaleString("en")} bytes`
      : `${tail.length.toLocaleString("en")} bytes`;
  }

  showFacts(task) {
    if (!task) return;
    const info = task.executionInfo ?? {};
    const failure = info.failureInfo;
    const details = (failure?.details ?? []).map((d) => d.value);
    const facts = [
      ["state", describe(task)],
      ["node", task.nodeInfo?.nodeId],
      ["ran", span(ran(task))],
      ["waited", span(waited(task))],
      ["failure", failure && [failure.code, failure.message, ...details].filter(Boolean).join(": ")],
    ].filter(([, value]) => value);
    at("facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
  }
}

function kind(task) {
  if (task.state !== "completed") return task.state === "preparing" ? "running" : task.state;
  return task.executionInfo?.result === "success" ? "succeeded" : "failed";
}

function describe(task) {
  const code = task.executionInfo?.exitCode;
  if (kind(task) === "failed") return code === undefined ? "failed" : `failed, exit code ${code}`;
  return kind(task) === "active" ? "waiting" : kind(task);
}

function ran(task) {
  const { startTime, endTime } = task.executionInfo ?? {};
  return startTime ? Math.max(0, (endTime ? Date.parse(endTime) : Date.now()) - Date.parse(startTime)) : null;
}

function waited(task) {
  const { startTime, endTime } = task.executionInfo ?? {};
  const until = startTime ?? endTime;
  return Math.max(0, (until ? Date.parse(until) : Date.now()) - Date.parse(task.creationTime));
}

/** Shares of a whole, one beside the other. */
function bar(parts, rest) {
  const SVG = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(SVG, "svg");
  const whole = parts.reduce((sum, [count]) => sum + count, rest) || 1;
  svg.setAttribute("viewBox", `0 0 ${whole} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  let x = 0;
  for (const [count, tint] of parts) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y: 0, width: count, height: 1, class: tint })) rect.setAttribute(name, value);
    svg.append(rect);
    x += count;
  }
  return svg;
}

/** Puts the items into a section unless they look as those that are there; what has the focus keeps it. */
function replace(section, items) {
  const list = at(section).querySelector(".list");
  const look = items.map((item) => item.outerHTML).join("");
  if (list.look === look) return;
  list.look = look;
  const held = list.contains(document.activeElement) ? document.activeElement : null;
  const place = held && [held.closest(".item")?.dataset.id, held.dataset.id];
  list.replaceChildren(...items);
  if (!place) return;
  const item = items.find((i) => i.dataset.id === place[0]);
  const same = place[1] ? [...(item?.querySelectorAll(".node") ?? [])].find((n) => n.dataset.id === place[1]) : item?.querySelector("button");
  same?.focus({ preventScroll: true });
}

function say(tint, text) {
  const status = at("status");
  if (status.textContent !== text) Object.assign(status, { className: `badge ${tint}`, textContent: text });
}

/** Asks for a key until one is let in. */
async function start() {
  const handed = handedOver();
  const known = await (await fetch("account", { credentials: "omit" })).json();
  at("account").textContent = `${known.account} at ${location.host}`;
  if (!globalThis.crypto?.subtle) {
    say("bad", "a browser signs only on https and on this machine's own addresses");
    return;
  }
  let key = handed ?? known.key;
  for (;;) {
    let why;
    if (key) {
      try {
        const batch = await Batch.open(known.account, key);
        await batch.list(["jobs"], { $select: "id" });
        at("enter").hidden = true;
        why = await new Live(batch).run();
      } catch (error) {
        why = error;
      }
    }
    say("wait", "waiting for the key");
    at("enter").hidden = false;
    at("refused").textContent = why ? "That key is not let in." : "";
    key = await new Promise((resolve) => {
      const form = at("enter").querySelector("form");
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        resolve(at("key").value);
        at("key").value = "";
      }, { once: true });
    });
  }
}

start().catch(() => say("bad", "the service does not answer"));
