// Failures by cause, as text: how many, examples, when, and the command that reruns them; those that are retried apart.

function drawFailures(view) {
  const { project, data } = view;
  const made = card("failures", data.public ? "Failures by entry" : "Failures by cause");
  if (data.public) return publicFailures(made, project);
  const counts = matchingCauses(project), first = project.causes.length;
  const shownOf = (causes, start) => causes.map((cause, place) => ({ ...cause, shown: counts[start + place] })).filter((cause) => cause.shown);
  const failed = shownOf(project.causes, 0), retried = shownOf(project.retries, first);
  made.append(failed.length
    ? element("ol", { class: "lines" }, failed.map((cause) => causeLine(view, cause)))
    : element("p", { class: "quiet" }, noFailure(project, view.query)));
  if (failed.some((cause) => cause.command) && project.commands.apply) {
    const stopped = project.next.does_not.filter((one) => one.command).map((one) => one.entry);
    const more = stopped.length ? ` When all of them are marked, ${stopped.join(", ")} ${stopped.length > 1 ? "continue" : "continues"} too.` : "";
    made.append(element("p", { class: "small after" }, `These commands mark replicas.${more} After that, the next apply runs them again:`),
      command(project.commands.apply, "apply"));
  }
  if (retried.length) {
    made.append(element("h3", { class: "after", id: "retried" }, "Failed before, and run again by themselves"),
      element("ol", { class: "lines", "aria-labelledby": "retried" }, retried.map((cause) => retriedLine(view, cause))));
  }
  return made;
}

function noFailure(project, query) {
  if (query && project.causes.length) return "No final failure matches the filter.";
  return project.retries.length ? "No replica has failed for good." : "No failure.";
}

/** How many shown replicas failed for each cause; final failures come first. */
function matchingCauses(project) {
  const counts = [...project.causes, ...project.retries].map(() => 0);
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
  return line(view, cause, [
    element("p", { class: "quiet small" }, "for example ", replicaLink(view, cause.examples[0]), cause.detail ? `: ${cause.detail}` : ""),
    element("p", { class: "quiet small" }, whenText(view.project, cause)),
    cause.for_all ? element("p", { class: "small" }, "Too many names for one command; this one marks all failed replicas, whatever the cause:") : "",
    cause.command ? command(cause.command, `rerun ${cause.cause}`) : "",
  ]);
}

function retriedLine(view, cause) {
  const more = cause.count - cause.examples.length;
  const names = cause.examples.map((name, place) => [place ? ", " : "", replicaLink(view, name), attemptText(view, name)]);
  return line(view, cause, [
    element("p", { class: "quiet small" }, names, more > 0 ? ` and ${number(more)} more` : "", cause.detail ? `; the first one: ${cause.detail}` : ""),
    element("p", { class: "quiet small" }, whenText(view.project, cause)),
  ]);
}

function line(view, cause, texts) {
  return element("li", {}, element("span", { class: "count" }, number(cause.shown)),
    element("div", {}, element("span", { class: "strong" }, " ", cause.cause), texts));
}

function replicaLink(view, name) {
  return element("button", { type: "button", class: "link", onclick: () => view.openByName(name) }, name);
}

/** ` (attempt 2 of 2 is queued)` for a replica that failed and runs again. */
function attemptText(view, name) {
  const found = view.find(name);
  if (!found) return "";
  const one = replica(view.project, ...found), states = { queued: "is queued", running: "is running" };
  const state = states[one.group] || "has not started", next = states[one.group] ? one.attempt : one.attempt + 1;
  return ` (attempt ${next}${one.of >= next ? ` of ${one.of}` : ""} ${state})`;
}

function whenText(project, cause) {
  const at = (seconds) => time(project.zero + seconds, project.at);
  if (cause.first === null) return "";
  return cause.first === cause.last ? ["failed at ", at(cause.first)] : ["first ", at(cause.first), ", last ", at(cause.last)];
}

function publicFailures(made, project) {
  const list = (items) => element("ol", { class: "lines" }, items.map((one) => element("li", {},
    element("span", { class: "count" }, number(one.count)), element("div", {}, one.entry))));
  made.append(project.failed.length ? list(project.failed)
    : element("p", { class: "quiet" }, project.retried.length ? "No replica has failed for good." : "No failure."));
  if (project.retried.length) made.append(element("h3", { class: "after" }, "Failed before, and run again by themselves"), list(project.retried));
  return made;
}
