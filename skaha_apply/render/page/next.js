// What the next apply would do, and which replicas it would not start, and why.

const VERBS = {
  create: "create", replace: "replace", delete: "delete", adopt: "adopt", renew: "renew", retry: "retry",
};
const STATES = { wait: ["waits", "wait"], blocked: ["is blocked", "are blocked"], conflict: ["is in conflict", "are in conflict"] };

function drawNext(view) {
  const { project } = view, { does, does_not: doesNot } = project.next;
  const shown = (items) => items.filter((one) => matches(view.query, one.action, one.entry, one.why, one.example));
  const first = shown(does), second = shown(doesNot);
  const made = card("next", "The next apply");
  if (project.refused) made.append(element("p", { class: "alarm" }, `A safety rule refuses it: ${project.refused}`));
  made.append(element("div", { class: "columns pair" },
    element("div", {}, element("h3", {}, "would do"), lines(first, (one) => VERBS[one.action] || one.action, doesNot.some((one) => one.action === "wait") ? "nothing now; what waits starts as slots and dependencies allow" : "nothing")),
    element("div", {}, element("h3", {}, "would not start"), lines(second, (one) => (STATES[one.action] || [one.action, one.action])[one.count === 1 ? 0 : 1], "nothing waits or is blocked"))));
  const notes = project.notes.map((note) => element("p", { class: "quiet small" }, note));
  made.append(...notes);
  if (project.commands.apply && (does.length || project.open)) {
    if (!does.length) made.append(element("p", { class: "small after" }, "If no apply is running, this one continues:"));
    made.append(command(project.commands.apply, "apply"));
  }
  return made;
}

function lines(items, verb, nothing) {
  if (!items.length) return element("p", { class: "quiet" }, nothing);
  return element("ul", { class: "lines" }, items.map((one) => element("li", {},
    element("span", { class: "count" }, number(one.count)),
    element("div", {}, ` ${verb(one)} `, element("span", { class: "strong" }, one.entry), one.why ? `: ${one.why}` : "",
      one.example && one.count > 1 ? element("span", { class: "quiet small" }, ` (${one.example}, …)`) : ""))));
}
