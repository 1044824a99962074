// The panel: what is known of one replica, the end of its log, and commands to copy.

const RERUN = ["done", "failed", "other"]; // what `mark rerun` is for; all else runs by itself

class Panel {
  constructor(view) {
    this.view = view;
    this.host = document.getElementById("panel");
    this.shown = null; // the key of the entry and the name of the replica, while the panel is open
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.host.hidden) { event.preventDefault(); this.close(); }
    });
    this.host.addEventListener("keydown", (event) => { if (event.key === "Tab") this.keepFocus(event); });
  }

  /** Keeps the focus in the panel: after its last control comes its first one. */
  keepFocus(event) {
    const controls = controlsOf(this.host), last = controls[controls.length - 1];
    const [from, to] = event.shiftKey ? [controls[0], last] : [last, controls[0]];
    if (document.activeElement !== from) return;
    event.preventDefault();
    to.focus();
  }

  open(entry, place) {
    this.shown = [entry.key, entry.label[place]];
    fill(this.host, this.parts(entry, place));
    this.host.hidden = false;
    this.host.scrollTop = 0;
    const log = this.log();
    if (log) log.scrollTop = log.scrollHeight;
    controlsOf(this.host)[0].focus();
  }

  /** Shows new data of the open replica; the focus and what is scrolled stay. Without a change, so does a selected text. */
  update(entry, place) {
    const made = filled(this.host.cloneNode(false), {}, this.parts(entry, place));
    if (made.isEqualNode(this.host)) return;
    const focused = controlsOf(this.host).indexOf(document.activeElement), { scrollTop } = this.host, before = this.log();
    const spot = before && before.scrollHeight - before.clientHeight - before.scrollTop > 4 ? before.scrollTop : null; // null: its end
    this.host.replaceChildren(...made.childNodes);
    this.host.scrollTop = scrollTop;
    const log = this.log(), controls = controlsOf(this.host);
    if (log) log.scrollTop = spot === null ? log.scrollHeight : spot;
    if (focused >= 0) controls[Math.min(focused, controls.length - 1)].focus({ preventScroll: true });
  }

  log() {
    return this.host.querySelector("pre");
  }

  parts(entry, place) {
    const { project } = this.view, one = replica(project, entry, place);
    return [
      element("div", { class: "panel-head" }, element("h2", { id: "panel-title" }, one.name),
        element("button", { type: "button", onclick: () => this.close() }, "Close")),
      element("p", {}, swatch(one.group), ` ${one.word}`, one.of > 1 ? (one.attempt ? `, attempt ${one.attempt} of ${one.of}` : `, not started, up to ${one.of} attempts`) : "", one.slow ? ", slow: over 3 times the median" : ""),
      one.cause ? element("p", { class: "strong" }, one.cause) : "",
      one.reason ? element("p", { class: "quiet" }, one.reason) : "",
      attempts(project, one),
      facts(entry, one),
      log(project, one),
      commands(project, one),
    ];
  }

  hide() {
    this.host.hidden = true;
    this.shown = null;
  }

  close() {
    if (this.host.hidden) return;
    this.hide();
    this.view.grid.host.focus({ preventScroll: true });
  }
}

function attempts(project, one) {
  const rows = one.earlier.map(([attempt, word, accepted, wait, ran, cause, , ram]) =>
    ({ attempt, word: project.words[word][0], accepted, wait, ran, cause: project.texts[cause], ram }));
  if (one.accepted !== null) {
    rows.push({ attempt: one.attempt, word: one.word, accepted: one.accepted, wait: one.wait, ran: one.ran, cause: one.cause, ram: one.usedRam });
  }
  if (!rows.length) return "";
  const missing = one.attempt > 1 && !one.earlier.length ? element("p", { class: "small quiet" }, "Earlier attempts are not on this page.") : "";
  const heads = ["Attempt", "Result", "Accepted", "Queued", "Ran", "RAM seen"];
  const body = rows.map((row) => {
    const now = Math.max(0, project.at - project.zero - row.accepted);
    const queued = row.wait === null ? (row.ran === null ? duration(now) : "") : duration(row.wait);
    const ran = row.wait === null ? "" : row.ran === null ? `${duration(Math.max(0, now - row.wait))} so far` : duration(row.ran);
    const result = row.cause && row.cause !== one.cause ? `${row.word}: ${row.cause}` : row.word;
    const cells = [row.attempt, result, time(project.zero + row.accepted, project.at), queued, ran, row.ram === null ? "" : `${row.ram} GB`];
    return element("tr", {}, cells.map((cell, place) => element("td", { "data-name": heads[place], class: cell === "" ? "empty" : null }, cell)));
  });
  return element("section", {}, element("h3", {}, "Attempts"), element("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Attempts" },
    element("table", { class: "attempts" }, element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, body))), missing);
}

function facts(entry, one) {
  const seen = (value, unit) => (value === null ? "" : `, at most ${value}${unit} seen in use`);
  const rows = [
    ["Entry", entry.name],
    ["Cores", one.cores === null ? `flexible${seen(one.usedCores, "")}` : `${one.cores} requested${seen(one.usedCores, "")}`],
    ["RAM", one.ram === null ? `flexible${seen(one.usedRam, " GB")}` : `${one.ram} GB requested${seen(one.usedRam, " GB")}`],
    one.gpus ? ["GPUs", `${one.gpus} requested`] : null,
    entry.image ? ["Image", entry.image] : null,
    one.id ? ["Session", one.id] : null,
  ].filter(Boolean);
  return element("section", {}, element("h3", {}, "Resources"), element("table", {}, element("tbody", {}, rows.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))))));
}

function log(project, one) {
  const found = project.logs[one.name];
  if (!found) return "";
  const [attempt, lines] = found;
  const head = `Log of attempt ${attempt}, ${lines.length === 1 ? "its last line" : `its last ${lines.length} lines`}`;
  return element("section", {}, element("h3", {}, head), element("pre", { tabindex: 0, role: "group", "aria-label": head }, lines.join("\n")));
}

function commands(project, one) {
  if (one.group === "failed" && project.commands.rerun) return steps(project, one);
  const known = [["logs", "Print the log"], ["show", "Print the history"], ["rerun", "Run it again at the next apply"]];
  const useful = { logs: hasRun(one), show: true, rerun: one.accepted !== null && RERUN.includes(one.group) };
  const items = known.filter(([name]) => project.commands[name] && useful[name]).map(([name, what]) =>
    element("li", {}, element("p", { class: "small quiet" }, what), filledCommand(project, one, name, what)));
  return items.length ? element("section", {}, element("h3", {}, "Commands"), element("ul", {}, items)) : "";
}

/** Whether a session of the replica has started, so that it can have a log. */
function hasRun(one) {
  return one.earlier.length > 0 || (one.accepted !== null && !["queued", "waiting"].includes(one.group));
}

function filledCommand(project, one, name, what) {
  return command(project.commands[name].replace("REPLICA", pattern(one)), what);
}

/** What to do about a final failure, in its order. */
function steps(project, one) {
  const items = [
    ["Fix the cause. The log and the history show it.", ["logs", "show"]], ["Mark the replica.", ["rerun"]], ["Apply.", ["apply"]],
  ];
  return element("section", {}, element("h3", {}, "To run it again"), element("ol", { class: "steps" }, items.map(([text, names]) =>
    element("li", {}, element("p", {}, text), names.filter((name) => project.commands[name]).map((name) => filledCommand(project, one, name, `${text} (${name})`))))));
}
