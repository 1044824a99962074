// Failures by cause, as text: how many, an example, when, and the command that reruns them.

const MOST_RETRIED = 10; // causes of replicas that run again

function drawFailures(view) {
  const { project, data } = view;
  if (data.public) return publicFailures(project);
  const counts = matchingCauses(project);
  const shown = project.causes.map((cause, place) => ({ ...cause, shown: view.query ? counts[place] : cause.count })).filter((cause) => cause.shown);
  const again = retriedCauses(view);
  const nothing = project.causes.length ? "No failure matches the filter." : again.length ? "No replica has failed for good." : "No failure.";
  const body = shown.length
    ? element("ol", { class: "lines" }, shown.map((cause) => causeLine(view, cause)))
    : element("p", { class: "quiet" }, nothing);
  const made = card("failures", "Failures by cause", body);
  if (again.length) made.append(retriedList(view, again));
  if (shown.some((cause) => cause.command) && project.commands.apply) {
    made.append(element("p", { class: "small after" }, "These commands mark replicas. After that, the next apply runs them again:"),
      command(project.commands.apply, "apply"));
  }
  return made;
}

/** The causes of replicas that failed before and have another attempt, of those that the filter shows. */
function retriedCauses(view) {
  const { project, data } = view, found = new Map();
  const over = ["done", "failed"].map((name) => data.classes.indexOf(name));
  for (const entry of project.entries) {
    for (let spot = 0; spot < (entry.hasEarlier ? shownCount(entry) : 0); spot += 1) {
      const place = shownPlace(entry, spot), text = over.includes(entry.phase[place]) ? "" : earlierCause(project, entry, place);
      if (!text) continue;
      if (!found.has(text)) found.set(text, { text, count: 0, example: entry.label[place] });
      found.get(text).count += 1;
    }
  }
  return [...found.values()].sort((one, other) => other.count - one.count);
}

function retriedList(view, causes) {
  const most = causes.slice(0, MOST_RETRIED), rest = causes.length - most.length;
  return element("section", {}, element("h3", {}, "Failed before, and run again by themselves"),
    element("ol", { class: "lines" }, most.map((cause) => element("li", {},
      element("span", { class: "count" }, number(cause.count)),
      element("div", {}, " ", cause.text, element("p", { class: "quiet small" }, "for example ",
        element("button", { type: "button", class: "link", onclick: () => view.openByName(cause.example) }, cause.example)))))),
    rest ? element("p", { class: "quiet small" }, `and ${plural(rest, "more cause", "more causes")}`) : "");
}

/** How many shown replicas failed for each cause. */
function matchingCauses(project) {
  const counts = project.causes.map(() => 0);
  for (const entry of project.entries) {
    if (!entry.cause.length) continue;
    for (let spot = 0; spot < shownCount(entry); spot += 1) {
      const cause = entry.cause[shownPlace(entry, spot)];
      if (cause) counts[cause - 1] += 1;
    }
  }
  return counts;
}

function causeLine(view, cause) {
  const { project } = view;
  const at = (seconds) => time(project.zero + seconds, project.at);
  const when = cause.first === null ? "" : cause.first === cause.last ? ["at ", at(cause.first)] : ["first ", at(cause.first), ", last ", at(cause.last)];
  const again = cause.again ? `${number(cause.again)} of them ${cause.again === 1 ? "is" : "are"} retried; ` : "";
  return element("li", {},
    element("span", { class: "count" }, number(cause.shown)),
    element("div", {},
      element("span", { class: "strong" }, " ", cause.cause),
      element("p", { class: "quiet small" }, again, "for example ",
        element("button", { type: "button", class: "link", onclick: () => view.openByName(cause.example) }, cause.example), cause.detail ? `: ${cause.detail}` : ""),
      element("p", { class: "quiet small" }, when),
      cause.for_all ? element("p", { class: "small" }, "Too many names for one command; this one marks all failed replicas, whatever the cause:") : "",
      cause.command ? command(cause.command, `rerun ${cause.cause}`) : ""));
}

function publicFailures(project) {
  const items = project.failed.map((one) => element("li", {},
    element("span", { class: "count" }, number(one.count)), element("div", {}, one.entry)));
  return card("failures", "Failures by entry", items.length ? element("ol", { class: "lines" }, items) : element("p", { class: "quiet" }, "No failure."));
}
