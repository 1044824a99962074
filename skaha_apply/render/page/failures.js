// Failures by cause, as text: how many, an example, when, and the command that reruns them.

function drawFailures(view) {
  const { project, data } = view;
  if (data.public) return publicFailures(project);
  const counts = matchingCauses(project);
  const shown = project.causes.map((cause, place) => ({ ...cause, shown: view.query ? counts[place] : cause.count })).filter((cause) => cause.shown);
  const body = shown.length
    ? element("ol", { class: "lines" }, shown.map((cause) => causeLine(view, cause)))
    : element("p", { class: "quiet" }, project.causes.length ? "No failure matches the filter." : "No failure.");
  const made = card("failures", "Failures by cause", body);
  if (shown.some((cause) => cause.command) && project.commands.apply) {
    made.append(element("p", { class: "small after" }, "These commands mark replicas. After that, the next apply runs them again:"),
      command(project.commands.apply, "apply"));
  }
  return made;
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
