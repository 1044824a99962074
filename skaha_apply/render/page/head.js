// The head: the project, the age of the page, the bar of phases, the expected end, and core-hours.

const SHOWN_ALWAYS = ["done", "failed"];

function drawHead(view) {
  const project = view.project;
  const top = document.getElementById("top");
  fill(top,
    element("div", { class: "head" },
      element("h1", {}, project.name),
      element("p", { id: "age" })),
    project.server ? element("p", { class: "quiet small" }, project.server) : null,
    project.commands.page ? element("div", { id: "remedy", hidden: true }, element("p", { class: "small" }, "This command writes the page again:"), command(project.commands.page, "write this page again")) : "",
    view.data.projects.length > 1 ? projectButtons(view) : "",
    bar(project, view.data),
    legend(view, project),
    figures(project),
  );
  drawAge(view);
  document.title = shortTitle(view.data);
}

function shortTitle(data) {
  return data.projects.map((one) => {
    const failed = one.counts.failed ? `, ${one.counts.failed} failed` : "";
    return `${one.name}: ${one.counts.done || 0} of ${one.total} done${failed}`;
  }).join("; ") || "no project";
}

function projectButtons(view) {
  return element("nav", { class: "projects", "aria-label": "Projects" }, view.data.projects.map((one, place) =>
    element("button", {
      type: "button",
      id: `project-${place}`,
      "aria-pressed": place === view.chosen ? "true" : "false",
      onclick: () => view.choose(place),
    }, `${one.name} (${number(one.counts.done || 0)} of ${number(one.total)})`)));
}

/** `as of 13:52 (4 min ago)`; it is an alarm if the page is older than three polls and work is open. No poll, no alarm. */
function drawAge(view) {
  const { project } = view;
  if (!project) return;
  const age = document.getElementById("age"), now = Date.now() / 1000;
  const seconds = Math.max(0, now - project.at);
  const old = project.open && view.data.poll !== null && seconds > 3 * view.data.poll;
  age.className = old ? "alarm" : "";
  const remedy = document.getElementById("remedy");
  if (remedy) remedy.hidden = !old;
  fill(age, "as of ", time(project.at, now), ` (${duration(seconds)} ago)`, old ? " – out of date" : "");
}

function bar(project, data) {
  const made = element("div", { class: "bar", role: "img", "aria-label": `Phases: ${kindsText(project.numbers, data) || "no replica"}` });
  for (const kind of kinds(data).filter((one) => project.numbers[one])) {
    const part = element("span", { class: `fill-${classOf(kind)}` });
    part.style.flexGrow = String(project.numbers[kind]);
    made.append(part);
  }
  return made;
}

/** A button for each number, which shows exactly the replicas that it counts. */
function legend(view, project) {
  const shown = kinds(view.data).filter((kind) => project.numbers[kind] || SHOWN_ALWAYS.includes(kind));
  const items = shown.map((kind) => [kind, project.numbers[kind] || 0, classOf(kind), "", kindText(kind, project.numbers[kind] || 0)]);
  const again = countOf(project, "again"), slow = countOf(project, "slow");
  if (again) items.push(["again", again, "done", "again", `${number(again)} with more than one attempt`]);
  if (slow) items.push(["slow", slow, "running", "slow", `${number(slow)} slow`]);
  const item = ([kind, count, name, mark, text]) => element("li", {}, count
    ? element("button", { type: "button", id: `show-${kind}`, "data-filter": `${KIND}${kind}`, "aria-pressed": "false", title: "Show only these, or all again", onclick: () => view.setFilter(`${KIND}${kind}`) }, swatch(name, mark), text)
    : element("span", { class: "none" }, swatch(name, mark), text));
  return element("ul", { class: "legend", "aria-label": "Replicas by phase" }, items.map(item));
}

/** Marks the number whose replicas the filter shows. */
function markLegend(query) {
  for (const button of document.querySelectorAll(".legend button")) button.setAttribute("aria-pressed", String(button.dataset.filter === query));
}

function countOf(project, kind) {
  let count = 0;
  for (const entry of project.entries) for (let place = 0; place < entry.size; place += 1) if (isOf(project, entry, place, kind)) count += 1;
  return count;
}

/** A small square as the grid draws it; `mark` is "again" for a corner and "slow" for a ring. */
function swatch(name, mark = "") {
  const made = element("canvas", { "aria-hidden": "true" });
  const scale = Math.max(2, window.devicePixelRatio || 1), size = 14;
  made.width = made.height = size * scale;
  made.style.width = made.style.height = `${size}px`;
  const pen = made.getContext("2d");
  pen.scale(scale, scale);
  const edge = mark === "slow" ? 2 : 0, colors = palette();
  drawSquare(pen, edge, edge, size - 2 * edge, name, colors);
  if (mark === "again") drawCorner(pen, 0, 0, size, colors);
  if (mark === "slow") drawRing(pen, edge, edge, size - 2 * edge, colors.ring, 1.5);
  return made;
}

function figures(project) {
  const { pace, hours: used } = project;
  const items = [["Progress", `${percent(project)} done`, progressNote(project)]];
  items.push(expectedEnd(project));
  items.push(["Core-hours", `${hours(used.used)} used`, `${used.lost ? `${hours(used.lost)} of them lost in attempts that failed or were deleted` : "none lost"}; ${hoursToCome(used)}`]);
  items.push(project.open || pace.elapsed === null
    ? ["Pace", pace.rate ? rate(pace.rate, "done") : "–", paceNote(pace)]
    : ["Duration", duration(pace.elapsed), "from the first session to the last end"]);
  return element("dl", { class: "figures" }, items.map(([name, value, note]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value), note ? element("dd", { class: "more" }, note) : "")));
}

const QUIET = 0.5; // of the time that the rate is computed from, without an end: the rate is that of a burst before

/** What the rate counts: `20 done in the last 40 min; 3 h 10 min so far`. */
function paceNote(pace) {
  if (pace.elapsed === null) return "not started";
  const all = `${duration(pace.elapsed)} so far`;
  if (!pace.rate) return all;
  const quiet = pace.quiet > QUIET * pace.window ? `, none in the last ${duration(pace.quiet)}` : "";
  return pace.window < pace.elapsed ? `${number(pace.recent)} done in the last ${duration(pace.window)}${quiet}; ${all}` : `${number(pace.recent)} done in ${all}${quiet}`;
}

/** The words before a number whose run times are upper bounds, because nobody saw closely when replicas ended. */
function most(one) {
  return one.at_most ? "at most " : "";
}

/** The words before an expected time: a median limits no single run, so it is about that also if it is an upper bound. */
function about(one) {
  return `${most(one)}about`;
}

function hoursToCome(used) {
  if (!used.not_estimated.length) return `${most(used)}${hours(used.to_come)} to come`;
  return used.to_come ? `${most(used)}${hours(used.to_come)} to come and an unknown number for ${named(used.not_estimated)}` : "to come: not known yet";
}

function percent(project) {
  return project.total ? `${Math.floor((100 * (project.counts.done || 0)) / project.total)} %` : "–";
}

function progressNote(project) {
  const failed = project.counts.failed || 0;
  return `${number(project.counts.done || 0)} of ${number(project.total)}${failed ? `, ${number(failed)} failed` : ""}`;
}

function expectedEnd(project) {
  const { pace, at } = project;
  if (!project.open && pace.elapsed !== null) {
    return ["Ended", clock(project.zero + pace.elapsed, at), project.counts.done === project.total ? "all is done" : "see below what is left"];
  }
  if (!project.open) return ["Expected end", "–", "no session has an end"];
  if (pace.left === null) return ["Expected end", "not known yet", "no replica of the open entries has ended"];
  if (pace.not_estimated.length) return ["Expected end", "not known yet", partsOfEnd(project)];
  const span = pace.high - pace.low > 60 ? `between ${clock(at + pace.low, at)} and ${clock(at + pace.high, at)}` : `in ${about(pace)} ${duration(pace.left)}`;
  return ["Expected end", `${about(pace)} ${clock(at + pace.left, at)}`, span];
}

/** When the entries end whose run times are known, and which others have none. */
function partsOfEnd({ pace, at, entries }) {
  const known = entries.filter((entry) => entry.batch && entry.left !== null).map((entry) => entry.name);
  const first = known.length ? `${named(known)}: ${about(pace)} ${clock(at + pace.left, at)}; ` : "";
  return `${first}no replica of ${named(pace.not_estimated)} has ended`;
}

function named(list) {
  return `${list.slice(0, 2).join(", ")}${list.length > 2 ? ` and ${list.length - 2} more` : ""}`;
}
