const ROW = 32;
const SPARE = 8;

/** A length of time given in milliseconds, in words. */
export function span(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)} s`;
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
  return `${Math.floor(s / 3600)}h ${two((s / 60) % 60)}m`;
}

/**
 * A table that draws only the rows in sight. A column has a title, `text(row)`, and may have `sort(row)`,
 * `tone(row)` (a class for its text), `number` (aligned to the end), `spare` (left out where space is short),
 * `width` (CSS) and `open(row)`, which makes its cells buttons.
 */
export class Table {
  constructor(root, { label, columns, sorted = 0, descending = false }) {
    this.columns = columns;
    this.sorted = sorted;
    this.descending = descending;
    this.all = [];
    this.shown = [];
    this.wanted = "";
    this.keep = () => true;
    this.build(root, label);
  }

  build(root, label) {
    const make = (name, className = "") => Object.assign(document.createElement(name), { className });
    this.box = Object.assign(make("div", "rows virtual"), { tabIndex: 0 });
    this.box.setAttribute("role", "region");
    this.box.setAttribute("aria-label", label);
    this.table = make("table");
    this.table.setAttribute("aria-label", label);
    const row = make("tr");
    this.heads = this.columns.map((column, i) => {
      const cell = make("th", this.classes(column));
      cell.scope = "col";
      if (column.width) cell.style.width = column.width;
      const button = make("button");
      button.type = "button";
      button.addEventListener("click", () => this.sortBy(i));
      cell.append(button);
      row.append(cell);
      return cell;
    });
    const head = make("thead");
    head.append(row);
    this.body = make("tbody");
    this.table.append(head, this.body);
    this.box.append(this.table);
    root.append(this.box);
    this.box.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.later()).observe(this.box);
  }

  classes(column) {
    return [column.number && "number-cell", column.spare && "spare"].filter(Boolean).join(" ");
  }

  /** Shows these rows, in the order that was chosen. */
  set rows(rows) {
    this.all = rows;
    this.arrange();
  }

  /** Shows only rows in which some column has the text, and that `keep` lets through. */
  filter(text, keep = () => true) {
    this.wanted = text.trim().toLowerCase();
    this.keep = keep;
    this.box.scrollTop = 0;
    this.arrange();
  }

  sortBy(i) {
    this.descending = this.sorted === i ? !this.descending : Boolean(this.columns[i].number);
    this.sorted = i;
    this.arrange();
  }

  arrange() {
    const column = this.columns[this.sorted];
    const key = column.sort ?? column.text;
    const has = (row) => this.columns.some((c) => String(c.text(row)).toLowerCase().includes(this.wanted));
    const rows = this.all.filter((row) => this.keep(row) && (this.wanted === "" || has(row)));
    const keyed = rows.map((row) => [key(row), row]);
    const sign = this.descending ? -1 : 1;
    const order = new Intl.Collator(undefined, { numeric: true });
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * (typeof a === "number" ? a - b : order.compare(a, b));
    });
    this.shown = keyed.map(([, row]) => row);
    this.heads.forEach((head, i) => {
      const chosen = i === this.sorted;
      const arrow = !chosen ? "" : this.descending ? " ↓" : " ↑";
      head.firstChild.textContent = this.columns[i].title + arrow;
      head.ariaSort = !chosen ? "none" : this.descending ? "descending" : "ascending";
    });
    this.table.ariaRowCount = String(this.shown.length + 1);
    this.onchange?.(this.shown.length, this.all.length);
    this.drawn = null;
    this.later();
  }

  later() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.draw();
    });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - SPARE);
    const fit = Math.ceil(this.box.clientHeight / ROW) + 2 * SPARE;
    const end = Math.min(this.shown.length, first + Math.max(fit, 24));
    const now = `${first} ${end}`;
    if (this.drawn === now) return;
    this.drawn = now;
    const held = document.activeElement?.closest?.("tr.row")?.ariaRowIndex;
    const rows = [this.gap(first)];
    for (let i = first; i < end; i += 1) rows.push(this.row(i));
    rows.push(this.gap(this.shown.length - end));
    this.body.replaceChildren(...rows);
    if (held) this.body.querySelector(`tr[aria-rowindex="${held}"] .link`)?.focus({ preventScroll: true });
  }

  gap(rows) {
    const row = document.createElement("tr");
    row.className = "gap";
    row.ariaHidden = "true";
    const cell = document.createElement("td");
    cell.style.height = `${rows * ROW}px`;
    row.append(cell);
    return row;
  }

  row(i) {
    const item = this.shown[i];
    const row = document.createElement("tr");
    row.className = "row";
    row.ariaRowIndex = String(i + 2);
    for (const column of this.columns) {
      const cell = document.createElement("td");
      const text = String(column.text(item));
      cell.className = `${this.classes(column)} ${column.tone?.(item) ?? ""}`.trim();
      cell.title = text;
      if (column.open) {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "link" });
        button.textContent = text;
        button.addEventListener("click", () => column.open(item));
        cell.append(button);
      } else {
        cell.textContent = text;
      }
      row.append(cell);
    }
    return row;
  }
}
