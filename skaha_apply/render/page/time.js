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
  const made = card("time", "Running and queued", element("div", { class: "key" },
    key("line-running", "running"), key("line-queued", "queued"),
    series.unseen ? key("unseen-end", "end not observed") : "", series.limit ? key("limit", `limit ${number(series.limit)}`) : ""), host,
  element("p", { class: "small" }, queueText(queue)),
  series.unseen ? element("p", { class: "small quiet" }, unseenText(series.unseen)) : "");
  if (!series.t.length) host.append(element("p", { class: "quiet" }, "No session was accepted yet."));
  else view.onResize(host, (width) => host.replaceChildren(seriesChart(project, width)));
  return made;
}

function unseenText(count) {
  return `Dashed: ${plural(count, "session", "sessions")} ended between two listings, so nobody knows when. `
    + "The dashed line counts them until the listing that showed the end, the solid line until the last one that showed them running.";
}

function queueText(queue) {
  const parts = [];
  if (queue.n) parts.push(`half of ${plural(queue.n, "started session", "started sessions")} at most ${duration(queue.p50)}, 90 % at most ${duration(queue.p90)}, the longest ${duration(queue.p100)}`);
  if (queue.waiting === 1) parts.push(`1 waits now, for ${duration(queue.oldest)}`);
  if (queue.waiting > 1) parts.push(`${number(queue.waiting)} wait now, the longest for ${duration(queue.oldest)}`);
  return parts.length ? `Wait in the queue: ${parts.join("; ")}.` : "";
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
    view.onResize(host, (width) => host.replaceChildren(runChart(entry, width)));
  }
  if (entries.length > 8) made.append(element("p", { class: "quiet" }, `and ${entries.length - 8} more entries`));
  if (entries.length) made.append(element("p", { class: "small quiet" }, `The server ends a session after ${Math.round(view.data.deadline / 86400)} days.`));
  return made;
}

function runText(entry) {
  return [
    entry.median === null ? "" : `median ${entry.at_most ? "at most " : ""}${duration(entry.median)}`,
    entry.vague ? `without ${plural(entry.vague, "replica", "replicas")} whose end was not seen closely` : "",
    entry.longest === null ? "" : `the longest now running ${duration(entry.longest)}`,
    entry.timeout ? `timeout ${duration(entry.timeout)}` : "",
  ].filter(Boolean).join(", ");
}

const PER_DECADE = 6; // bins
const LEAST_BINS = 9; // on an axis
const TIMES = [
  ...[1, 2, 5, 10, 20, 30].map((value) => [value, `${value} s`]), ...[1, 2, 5, 10, 20, 30].map((value) => [60 * value, `${value} min`]),
  ...[1, 2, 5, 10].map((value) => [3600 * value, `${value} h`]), ...[1, 2, 5, 10].map((value) => [86400 * value, `${value} d`]),
];

function binOf(seconds) {
  return Math.log10(Math.max(1, seconds)) * PER_DECADE;
}

/** A histogram on a logarithmic axis, which ends near the longest time. */
function runChart(entry, width) {
  const height = 96, bins = entry.runs, most = Math.max(...bins);
  const first = Math.max(0, bins.findIndex(Boolean) - 1), last = bins.findLastIndex(Boolean) + 1;
  const end = Math.max(first + LEAST_BINS, last + 1, binOf(entry.longest || 0) + 1);
  const x = (bin) => MARGIN.left + ((bin - first) / (end - first)) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => height - MARGIN.bottom - (value / most) * (height - MARGIN.top - MARGIN.bottom);
  const made = frame(width, height, `Run times of ${entry.name}: ${runText(entry)}`);
  made.append(drawing("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(0), y2: y(0) }));
  made.append(drawing("text", { x: MARGIN.left - 6, y: y(most) + 8, "text-anchor": "end" }, number(most)));
  bins.forEach((count, bin) => {
    if (count) made.append(drawing("rect", { class: "bin", x: x(bin), y: Math.min(y(count), y(0) - 1.5), width: Math.max(1.5, x(bin + 1) - x(bin) - 1), height: Math.max(1.5, y(0) - y(count)) }));
  });
  let before = -100;
  for (const [seconds, text] of TIMES) {
    const at = x(binOf(seconds));
    if (at < MARGIN.left - 1 || at - before < 52 || at > width - MARGIN.right - 12) continue;
    before = at;
    made.append(drawing("text", { x: at, y: height - 7, "text-anchor": "middle" }, text));
  }
  for (const [seconds, kind, text] of [[entry.timeout, "limit", "timeout"], [entry.longest, "longest", "the longest now running"]]) {
    if (!seconds || binOf(seconds) < first || binOf(seconds) > end) continue;
    made.append(drawing("line", { class: kind, x1: x(binOf(seconds)), x2: x(binOf(seconds)), y1: MARGIN.top, y2: y(0) }, drawing("title", {}, `${text} ${duration(seconds)}`)));
  }
  return made;
}

/** What attempts show of a request: it was too small, it was exceeded, or less is enough. */
function requestText(name, one) {
  if (one.failed) return `${name}: ${one.more ? "request more, " : ""}${plural(one.failed, "attempt", "attempts")} failed near ${one.near} GB`;
  if (one.over) return `${name}: more than requested`;
  return one.would_do === null ? "" : `${name}: ${one.would_do} would do for 99 %`;
}

function usage(view) {
  const entries = view.project.entries.filter((entry) => entry.use.cores.n || entry.use.ram.n || entry.use.ram.most !== null);
  if (!entries.length) return "";
  const title = "Requested, and the highest seen in use";
  if (entries.every((entry) => entry.use.cores.seen === null && entry.use.ram.seen === null)) {
    return card("use", title, element("p", { class: "quiet" }, "No listing has shown yet what sessions use, so there is nothing to compare with the requests."));
  }
  const seen = (one, unit) => (one.seen === null ? "–" : `${one.seen}${unit}`);
  const advice = (entry) => [requestText("cores", entry.use.cores), requestText("ram", entry.use.ram)].filter(Boolean).join("; ");
  const rows = entries.slice(0, 40).map((entry) => element("tr", {},
    element("td", {}, entry.name),
    element("td", { class: "number" }, amount(entry.use.cores.least, entry.use.cores.most, "")),
    element("td", { class: "number" }, seen(entry.use.cores, "")),
    element("td", { class: "number" }, amount(entry.use.ram.least, entry.use.ram.most, " GB")),
    element("td", { class: "number" }, seen(entry.use.ram, " GB")),
    element("td", { class: advice(entry) ? "advice" : null }, advice(entry)),
    element("td", { class: "quiet" }, entry.image)));
  const heads = [["Entry", ""], ["Cores", "number"], ["Most cores seen", "number"], ["RAM", "number"], ["Most RAM seen", "number"], ["", ""], ["Image", ""]];
  return card("use", title, element("div", { class: "wide", tabindex: 0, role: "group", "aria-label": "Resources of each entry" },
    element("table", {}, element("thead", {}, element("tr", {}, heads.map(([text, kind]) => (text ? element("th", { scope: "col", class: kind || null }, text) : element("td", {}))))),
      element("tbody", {}, rows))));
}
