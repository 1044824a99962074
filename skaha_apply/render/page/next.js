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
  const waits = nowText(project);
  if (!does.length && waits) made.append(element("p", {}, waits));
  made.append(element("div", { class: does.length ? "columns pair" : "columns" },
    does.length || !waits ? element("div", {}, element("h3", {}, "would do"), lines(first, (one) => VERBS[one.action] || one.action, does.length ? "no line matches the filter" : "nothing")) : "",
    element("div", {}, element("h3", {}, "would not start"), lines(second, (one) => (STATES[one.action] || [one.action, one.action])[one.count === 1 ? 0 : 1], "nothing waits or is blocked"))));
  const notes = project.notes.map((note) => element("p", { class: "quiet small" }, note));
  made.append(...notes);
  if (project.commands.apply && (does.length || waits)) {
    if (!does.length) made.append(element("p", { class: "small after" }, "An apply that waits starts them. If none is running, this one does:"));
    made.append(command(project.commands.apply, "apply"));
  }
  return made;
}

/** `Nothing to start now: 40 of 40 slots are taken; 345 start as slots become free`; "" if nothing waits. */
function nowText({ waits, counts, next }) {
  const slot = waits.slot || 0, dependency = waits.dependency || 0, again = counts.retrying || 0;
  const parts = [
    ...next.full,
    slot ? `${number(slot)} ${slot === 1 ? "starts" : "start"} as slots become free` : "",
    dependency ? `${number(dependency)} after ${dependency === 1 ? "its dependencies" : "their dependencies"}` : "",
    again ? `${number(again)} ${again === 1 ? "is" : "are"} retried after a wait` : "",
  ].filter(Boolean);
  return slot + dependency + again ? `Nothing to start now: ${parts.join("; ")}.` : "";
}

function lines(items, verb, nothing) {
  if (!items.length) return element("p", { class: "quiet" }, nothing);
  return element("ul", { class: "lines" }, items.map((one) => element("li", {},
    element("span", { class: "count" }, number(one.count)),
    element("div", {}, ` ${verb(one)} `, element("span", { class: "strong" }, one.entry), one.why ? `: ${one.why}` : "",
      one.example && one.count > 1 ? element("span", { class: "quiet small" }, ` (${one.example}, …)`) : "",
      one.command ? command(one.command, `mark the failed replicas of ${one.entry}`) : ""))));
}
