// Sessions over time, the wait in the queue, run times, and what was requested against what was seen.

function drawTime(view) {
  return [
    element("div", { class: "columns pair" }, overTime(view), runTimes(view)),
    usage(view),
  ];
}

function overTime(view) {
  const { project } = view, { series, queue } = project;
  const host = element("div", { class: "plot" });
  const unseen = series.possible.some((value, place) => value > series.running[place]);
  const made = card("time", "Running and queued", element("div", { class: "key" },
    key("line-running", "running"), key("line-queued", "queued"),
    unseen ? key("unseen-end", "end not observed") : "", series.limit ? key("limit", `limit ${number(series.limit)}`) : ""), host,
  element("p", { class: "small" }, queueText(queue)),
  unseen ? element("p", { class: "small quiet" }, "Dashed: with the sessions whose end no listing showed. They ended at some time between two listings.") : "");
  if (!series.t.length) host.append(element("p", { class: "quiet" }, "No session was accepted yet."));
  else view.onResize(host, (width) => host.replaceChildren(seriesChart(project, width)));
  return made;
}

function queueText(queue) {
  if (!queue.n) return "";
  return `Wait in the queue: half of ${plural(queue.n, "session", "sessions")} at most ${duration(queue.p50)}, 90 % at most ${duration(queue.p90)}, the longest ${duration(queue.p100)}.`;
}

function seriesChart(project, width) {
  const { series } = project, height = 210, now = project.at - project.zero;
  const first = series.t[0], last = Math.max(series.t[series.t.length - 1], project.open ? now : 0, first + 1);
  const top = Math.max(1, series.limit || 0, ...series.possible, ...series.queued);
  const x = (at) => MARGIN.left + ((at - first) / (last - first)) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => height - MARGIN.bottom - (value / top) * (height - MARGIN.top - MARGIN.bottom);
  const line = (name) => {
    const points = series.t.map((at, place) => [at, series[name][place]]);
    if (project.open) points.push([Math.max(now, series.t[series.t.length - 1]), series[name][series.t.length - 1]]);
    return points;
  };
  const peak = Math.max(...series.running);
  const made = frame(width, height, `Sessions over time: at most ${peak} running at the same time, at most ${Math.max(...series.queued)} queued`);
  made.append(...countAxis(top, width, height, y), ...timeAxis(first, last, width, height, x, project));
  const running = stairs(line("running"), x, y);
  made.append(
    drawing("path", { class: "area-running", d: `${running}V${y(0)}H${x(first)}Z` }),
    drawing("path", { class: "unseen-end", d: stairs(line("possible"), x, y) }),
    drawing("path", { class: "line-queued", d: stairs(line("queued"), x, y) }),
    drawing("path", { class: "line-running", d: running }));
  if (series.limit) made.append(drawing("line", { class: "limit", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(series.limit), y2: y(series.limit) }));
  return made;
}

function runTimes(view) {
  const entries = view.project.entries.filter((entry) => entry.batch && entry.runs.some(Boolean));
  const made = card("runs", "Run times");
  if (!entries.length) made.append(element("p", { class: "quiet" }, "No replica has ended yet."));
  for (const entry of entries.slice(0, 8)) {
    const host = element("div", {});
    made.append(element("div", { class: "plot runs" }, element("h3", {}, entry.name, " ",
      element("span", { class: "quiet small" }, runText(entry))), host));
    view.onResize(host, (width) => host.replaceChildren(runChart(entry, view.data, width)));
  }
  if (entries.length > 8) made.append(element("p", { class: "quiet" }, `and ${entries.length - 8} more entries`));
  return made;
}

function runText(entry) {
  const median = entry.median === null ? "" : `median ${duration(entry.median)}`;
  const longest = entry.longest === null ? "" : `, the longest now running ${duration(entry.longest)}`;
  return median + longest;
}

/** A histogram on a logarithmic axis, from a second to the deadline of the server. */
function runChart(entry, data, width) {
  const height = 96, bins = entry.runs, perDecade = 6, most = Math.max(...bins);
  const first = Math.max(0, bins.findIndex(Boolean) - 2), end = Math.log10(data.deadline) * perDecade + 0.6;
  const x = (bin) => MARGIN.left + ((bin - first) / (end - first)) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => height - MARGIN.bottom - (value / most) * (height - MARGIN.top - MARGIN.bottom);
  const made = frame(width, height, `Run times of ${entry.name}: ${runText(entry)}; the server ends a session after ${duration(data.deadline)}`);
  made.append(drawing("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(0), y2: y(0) }));
  made.append(drawing("text", { x: MARGIN.left - 6, y: y(most) + 8, "text-anchor": "end" }, number(most)));
  bins.forEach((count, bin) => {
    if (count) made.append(drawing("rect", { class: "bin", x: x(bin), y: Math.min(y(count), y(0) - 1.5), width: Math.max(1.5, x(bin + 1) - x(bin) - 1), height: Math.max(1.5, y(0) - y(count)) }));
  });
  let before = -100;
  for (const [seconds, text] of [[1, "1 s"], [10, "10 s"], [60, "1 min"], [600, "10 min"], [3600, "1 h"], [36000, "10 h"], [86400, "1 d"]]) {
    const at = x(Math.log10(seconds) * perDecade);
    if (at < MARGIN.left - 1 || at - before < 46 || at > width - MARGIN.right - 70) continue;
    before = at;
    made.append(drawing("text", { x: at, y: height - 7, "text-anchor": "middle" }, text));
  }
  const deadline = x(Math.log10(data.deadline) * perDecade);
  made.append(drawing("line", { class: "deadline", x1: deadline, x2: deadline, y1: MARGIN.top, y2: y(0) }),
    drawing("text", { x: deadline + 6, y: height - 7, "text-anchor": "end" }, `limit ${Math.round(data.deadline / 86400)} d`));
  if (entry.timeout) {
    const at = x(Math.log10(Math.max(1, entry.timeout)) * perDecade);
    made.append(drawing("line", { class: "limit", x1: at, x2: at, y1: MARGIN.top, y2: y(0) }, drawing("title", {}, `timeout ${duration(entry.timeout)}`)));
  }
  return made;
}

function usage(view) {
  const entries = view.project.entries.filter((entry) => entry.use.cores.n || entry.use.ram.n || entry.use.ram.most !== null);
  if (!entries.length) return "";
  const seen = (one, unit) => (one.seen === null ? "–" : `${one.seen}${unit}`);
  const advice = (entry) => [["cores", entry.use.cores, ""], ["ram", entry.use.ram, ""]]
    .filter(([, one]) => one.would_do !== null).map(([name, one]) => `${name}: ${one.would_do} would do for 99 %`).join("; ");
  const rows = entries.slice(0, 40).map((entry) => element("tr", {},
    element("td", {}, entry.name),
    element("td", { class: "number" }, amount(entry.use.cores.least, entry.use.cores.most, "")),
    element("td", { class: "number" }, seen(entry.use.cores, "")),
    element("td", { class: "number" }, amount(entry.use.ram.least, entry.use.ram.most, " GB")),
    element("td", { class: "number" }, seen(entry.use.ram, " GB")),
    element("td", {}, advice(entry)),
    element("td", { class: "quiet" }, entry.image)));
  const heads = [["Entry", ""], ["Cores", "number"], ["cores seen", "number"], ["RAM", "number"], ["RAM seen", "number"], ["", ""], ["Image", ""]];
  return card("use", "Requested, and the highest seen in use", element("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Resources of each entry" },
    element("table", {}, element("thead", {}, element("tr", {}, heads.map(([text, kind]) => (text ? element("th", { scope: "col", class: kind || null }, text) : element("td", {}))))),
      element("tbody", {}, rows))));
}
