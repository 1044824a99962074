// The grid: a row for each entry, a square for each replica in the order of the list. It is one tab stop.

const PITCHES = [[60, 22], [600, 16], [4000, 11], [25000, 7], [Infinity, 4]]; // replicas, pixels of a square with its gap
const MOST_ROWS = 300; // of more entries, those with failures come first
const MOST_PIXELS = 1.6e7; // of one canvas

let cachedPalette = null;

function palette() {
  if (!cachedPalette) {
    const known = ["done", "running", "queued", "waiting", "retrying", "blocked", "failed", "other", "mark", "ring", "card", "focus"];
    cachedPalette = Object.fromEntries(known.map((name) => [name, color(name)]));
  }
  return cachedPalette;
}

/** One square: color and shape are those of the phase. Small squares have the outline of the shape only. */
function drawSquare(pen, x, y, size, name, colors) {
  const inset = size >= 10 ? 1 : 0, side = size - 2 * inset, left = x + inset, top = y + inset;
  pen.fillStyle = pen.strokeStyle = colors[name];
  if (name === "queued") {
    pen.lineWidth = size >= 10 ? 2 : 1;
    const half = pen.lineWidth / 2;
    pen.strokeRect(left + half, top + half, side - 2 * half, side - 2 * half);
    return;
  }
  if (name === "waiting") {
    const part = Math.max(1, Math.round(side * 0.25));
    pen.fillRect(left + part, top + part, side - 2 * part, side - 2 * part);
    return;
  }
  pen.fillRect(left, top, side, side);
  if (side < 8) return;
  pen.fillStyle = pen.strokeStyle = colors.mark;
  pen.lineWidth = Math.max(1.5, side / 8);
  const at = (u, v) => [left + u * side, top + v * side];
  const line = (...points) => { pen.beginPath(); points.forEach((point, place) => (place ? pen.lineTo(...at(...point)) : pen.moveTo(...at(...point)))); };
  if (name === "running") { line([0.34, 0.24], [0.34, 0.76], [0.76, 0.5]); pen.fill(); }
  else if (name === "failed") { line([0.25, 0.25], [0.75, 0.75]); pen.stroke(); line([0.75, 0.25], [0.25, 0.75]); pen.stroke(); }
  else if (name === "retrying") { line([0.22, 0.5], [0.5, 0.22], [0.78, 0.5]); pen.stroke(); line([0.5, 0.28], [0.5, 0.8]); pen.stroke(); }
  else if (name === "blocked") { line([0.2, 0.5], [0.8, 0.5]); pen.stroke(); }
  else if (name === "other") { line([0.5, 0.2], [0.8, 0.5], [0.5, 0.8], [0.2, 0.5]); pen.fill(); }
}

class Grid {
  constructor(view) {
    this.view = view;
    this.cursor = null; // [entry, position among the shown replicas]
    this.cell = element("div", { role: "gridcell", id: "cell", class: "unseen" });
    this.tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.host = element("div", {
      id: "grid", role: "grid", tabindex: 0, "aria-labelledby": "replicas-title", "aria-describedby": "grid-help",
      "aria-activedescendant": "cell",
    });
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.host.addEventListener("focus", () => { this.cursor = this.cursor || this.first(); this.moved(); });
    this.host.addEventListener("blur", () => this.paint());
  }

  /** Lays the rows out: entries with a shown replica. */
  draw() {
    const { project } = this.view;
    const shown = project.entries.filter((entry) => shownCount(entry)), whole = Math.max(120, this.host.clientWidth - 4 || 800);
    const total = shown.reduce((sum, entry) => sum + shownCount(entry), 0);
    this.pitch = PITCHES.find(([most]) => total <= most)[1];
    const columns = columnsFor(shown, whole, this.pitch);
    this.host.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const width = Math.floor((whole - (columns - 1) * 24) / columns);
    if (shown.length > MOST_ROWS) shown.sort((one, other) => Boolean(other.counts.failed) - Boolean(one.counts.failed));
    this.rows = shown.slice(0, MOST_ROWS).map((entry) => this.row(entry, width));
    const left = shown.length - this.rows.length;
    fill(this.host,
      element("div", { role: "row", class: "unseen" }, this.cell),
      ...this.rows.map((row) => row.host),
      left > 0 ? element("div", { class: "quiet" }, `and ${plural(left, "more entry", "more entries")}; the filter shows them`) : "",
      total ? "" : element("div", { class: "quiet" }, "No replica matches the filter."),
    );
    this.keepCursor();
    this.paint();
  }

  row(entry, width) {
    const canvas = element("canvas", { "aria-hidden": "true" });
    const count = shownCount(entry), across = Math.max(1, Math.floor(width / this.pitch)), down = Math.ceil(count / across);
    const height = down * this.pitch + 2;
    const scale = Math.min(window.devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (width * height)));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const host = element("div", { class: "row" }, rowHead(entry, this.view.project, this.view.data), canvas);
    const row = { entry, canvas, scale, across, host };
    canvas.addEventListener("mousemove", (event) => this.hover(row, event));
    canvas.addEventListener("mouseleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("click", (event) => this.click(row, event));
    return row;
  }

  paint() {
    for (const row of this.rows || []) this.paintRow(row);
  }

  paintRow({ entry, canvas, scale, across }) {
    const pen = canvas.getContext("2d"), colors = palette(), { pitch } = this;
    const classes = this.view.data.classes, gap = pitch >= 7 ? 2 : 1, size = pitch - gap;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, canvas.width / scale + 1, canvas.height / scale + 1);
    const count = shownCount(entry);
    for (let spot = 0; spot < count; spot += 1) {
      const place = shownPlace(entry, spot);
      const x = 1 + (spot % across) * pitch, y = 1 + Math.floor(spot / across) * pitch;
      drawSquare(pen, x, y, size, classes[entry.phase[place]], colors);
      if (entry.attempts[place] > 1) drawCorner(pen, x, y, size, colors);
      if (entry.slow.has(place)) drawRing(pen, x, y, size, colors.ring, 1.5);
    }
    if (this.cursor && this.cursor[0] === entry && document.activeElement === this.host) {
      const spot = this.cursor[1];
      drawRing(pen, 1 + (spot % across) * pitch, 1 + Math.floor(spot / across) * pitch, size, colors.focus, 3);
    }
  }

  spot(row, event) {
    const box = row.canvas.getBoundingClientRect(), shrink = row.canvas.clientWidth / box.width || 1;
    const column = Math.floor(((event.clientX - box.left) * shrink) / this.pitch);
    const spot = Math.floor(((event.clientY - box.top) * shrink) / this.pitch) * row.across + column;
    return column < row.across && spot >= 0 && spot < shownCount(row.entry) ? spot : null;
  }

  hover(row, event) {
    const spot = this.spot(row, event);
    this.tip.hidden = spot === null;
    if (spot === null) return;
    this.tip.textContent = this.label(row.entry, shownPlace(row.entry, spot));
    const left = Math.min(event.clientX + 14, window.innerWidth - this.tip.offsetWidth - 8);
    this.tip.style.transform = `translate(${left}px, ${event.clientY + 16}px)`;
  }

  click(row, event) {
    const spot = this.spot(row, event);
    if (spot === null) return;
    this.cursor = [row.entry, spot];
    this.host.focus({ preventScroll: true });
    this.moved(false);
    this.open();
  }

  label(entry, place) {
    const { project } = this.view;
    const [word] = project.words[entry.word[place]];
    if (this.view.data.public) return word;
    const parts = [entry.label[place], word];
    if (entry.attempts[place] > 1) parts.push(`attempt ${entry.attempts[place]}`);
    if (entry.again[place]) parts.push("failed before");
    if (entry.slow.has(place)) parts.push("slow");
    return parts.join(", ");
  }

  first() {
    const row = (this.rows || [])[0];
    return row ? [row.entry, 0] : null;
  }

  keepCursor() {
    if (!this.cursor) return;
    const known = this.rows.some((row) => row.entry === this.cursor[0]);
    this.cursor = known ? [this.cursor[0], Math.min(this.cursor[1], shownCount(this.cursor[0]) - 1)] : this.first();
  }

  /** Puts the cursor on a replica, if the filter shows it. */
  select(entry, place) {
    const spot = entry.shown ? entry.shown.indexOf(place) : place;
    if (spot >= 0) this.cursor = [entry, spot];
  }

  moved(scroll = true) {
    if (!this.cursor) return;
    const [entry, spot] = this.cursor, text = this.label(entry, shownPlace(entry, spot));
    this.cell.textContent = text;
    this.view.say(`${text}, ${number(spot + 1)} of ${number(shownCount(entry))} in ${entry.name}`);
    this.paint();
    if (scroll) this.show(entry, spot);
  }

  show(entry, spot) {
    const row = this.rows.find((one) => one.entry === entry);
    if (!row) return;
    const box = row.canvas.getBoundingClientRect(), y = box.top + Math.floor(spot / row.across) * this.pitch;
    if (y < 40 || y > window.innerHeight - 60) window.scrollBy(0, y - window.innerHeight / 2);
  }

  open() {
    if (this.cursor && !this.view.data.public) this.view.panel.open(this.cursor[0], shownPlace(...this.cursor));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.cursor) return;
    const row = this.rows.find((one) => one.entry === this.cursor[0]);
    const moves = {
      ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      ArrowDown: () => this.down(row), ArrowUp: () => this.up(row),
      Home: () => { this.cursor[1] = 0; }, End: () => { this.cursor[1] = shownCount(row.entry) - 1; },
      f: () => this.nextFailed(1), F: () => this.nextFailed(-1),
    };
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.open(); return; }
    if (event.key === "Escape") { this.view.panel.close(); return; }
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
    this.moved();
  }

  step(by) {
    const [entry, spot] = this.cursor, next = spot + by;
    if (next >= 0 && next < shownCount(entry)) { this.cursor = [entry, next]; return; }
    const place = this.rows.findIndex((one) => one.entry === entry), row = this.rows[place + by];
    if (row) this.cursor = [row.entry, by > 0 ? 0 : shownCount(row.entry) - 1];
  }

  down(row) {
    const [entry, spot] = this.cursor, count = shownCount(entry);
    if (spot + row.across < count) { this.cursor = [entry, spot + row.across]; return; }
    if (Math.floor(spot / row.across) < Math.floor((count - 1) / row.across)) { this.cursor = [entry, count - 1]; return; }
    const next = this.rows[this.rows.indexOf(row) + 1];
    if (next) this.cursor = [next.entry, Math.min(spot % row.across, shownCount(next.entry) - 1)];
  }

  up(row) {
    const [entry, spot] = this.cursor;
    if (spot - row.across >= 0) { this.cursor = [entry, spot - row.across]; return; }
    const before = this.rows[this.rows.indexOf(row) - 1];
    if (!before) return;
    const count = shownCount(before.entry), start = Math.floor((count - 1) / before.across) * before.across;
    this.cursor = [before.entry, Math.min(start + (spot % before.across), count - 1)];
  }

  nextFailed(by) {
    const failed = this.view.data.classes.indexOf("failed");
    const before = this.cursor;
    for (;;) {
      const [entry, spot] = this.cursor;
      this.step(by);
      if (this.cursor[0] === entry && this.cursor[1] === spot) { this.cursor = before; return; }
      const [now, place] = [this.cursor[0], shownPlace(...this.cursor)];
      if (now.phase[place] === failed || now.again[place]) return;
    }
  }
}

/** Many short rows stand next to each other. */
function columnsFor(entries, width, pitch) {
  const longest = Math.max(0, ...entries.map(shownCount)) * pitch;
  return entries.length <= 6 ? 1 : Math.max(1, Math.min(4, Math.floor(width / Math.max(300, longest + 24))));
}

function shownCount(entry) {
  return entry.shown ? entry.shown.length : entry.size;
}

function shownPlace(entry, spot) {
  return entry.shown ? entry.shown[spot] : spot;
}

/** The mark of more than one attempt: a corner. */
function drawCorner(pen, x, y, size, colors) {
  const part = Math.max(2, Math.round(size * 0.4));
  pen.fillStyle = colors.ring;
  pen.beginPath();
  pen.moveTo(x + size - part, y);
  pen.lineTo(x + size, y);
  pen.lineTo(x + size, y + part);
  pen.fill();
}

function drawRing(pen, x, y, size, stroke, width) {
  pen.strokeStyle = stroke;
  pen.lineWidth = width;
  pen.strokeRect(x - 0.5, y - 0.5, size + 1, size + 1);
}

/** The name of an entry, and the numbers of its shown replicas. */
function rowHead(entry, project, data) {
  const numbers = {};
  for (let spot = 0; spot < shownCount(entry); spot += 1) {
    const [, group, part] = project.words[entry.word[shownPlace(entry, spot)]], kind = part || group;
    numbers[kind] = (numbers[kind] || 0) + 1;
  }
  const slow = !entry.shown && entry.slow.size ? `, ${number(entry.slow.size)} slow` : "";
  return element("div", { class: "row-head" },
    element("span", { class: "strong" }, entry.name),
    element("span", { class: "quiet small" }, kindsText(numbers, data) + slow));
}
