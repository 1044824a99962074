// Decodes the columns of replicas: runs of equal values, and names without their common prefix.

function values(column) {
  if (!column) return [];
  if (column.v) return column.v;
  const found = [];
  for (let place = 0; place < column.r.length; place += 2) {
    for (let left = column.r[place + 1]; left > 0; left -= 1) found.push(column.r[place]);
  }
  return found;
}

function names(column) {
  if (column.v) return column.v.map((rest) => column.p + rest);
  return Array.from({ length: column.n }, (_, place) => column.p + (column.a + place));
}

/** Adds to each entry of a project what the drawings read: the class, the name and the search text of each replica. */
function decode(project, classes) {
  project.numbers = { ...project.counts, ...project.waits };
  const classOfWord = project.words.map(([, name]) => classes.indexOf(name));
  for (const entry of project.entries) {
    const columns = entry.replicas;
    entry.numbers = { ...entry.counts, ...entry.waits };
    entry.word = values(columns.word);
    entry.phase = Uint8Array.from(entry.word, (word) => classOfWord[word]);
    entry.label = names(columns.names);
    entry.attempts = values(columns.attempt);
    entry.cause = values(columns.k);
    entry.again = entry.cause.map((cause) => cause > project.causes.length); // failed, and run again
    entry.slow = new Set(columns.slow);
    entry.shown = null; // the places that match the filter; null for all
    entry.size = entry.phase.length;
  }
  return project;
}

/** What numbers count: the groups, with the parts of the queue in place of `queued`. */
function kinds({ groups, parts }) {
  return groups.flatMap((group) => (group === "queued" ? parts : [group]));
}

const KIND_TEXTS = {
  server: () => "queued at the server", slot: (count) => `${count === 1 ? "waits" : "wait"} for a slot (limits)`,
  dependency: (count) => `${count === 1 ? "waits" : "wait"} for a dependency`, start: (count) => `${count === 1 ? "waits" : "wait"} for the next apply`,
};

/** The class that draws a kind. */
function classOf(kind) {
  if (kind === "server") return "queued";
  return KIND_TEXTS[kind] ? "waiting" : kind;
}

/** `53 queued at the server`, `21 done`. */
function kindText(kind, count) {
  return `${number(count)} ${KIND_TEXTS[kind] ? KIND_TEXTS[kind](count) : kind}`;
}

function kindsText(numbers, data) {
  return kinds(data).filter((kind) => numbers[kind]).map((kind) => kindText(kind, numbers[kind])).join(", ");
}

/** Whether a replica counts in the number of a kind, or is slow, or was tried again (`again`). */
function isOf(project, entry, place, kind) {
  if (kind === "slow") return entry.slow.has(place);
  if (kind === "again") return entry.attempts[place] > 1;
  const [, group, part] = project.words[entry.word[place]];
  return kind === (part || group);
}

/** What the filter searches for each replica: its name, its phase, its entry and the causes of its failures. */
function searched(project, entry) {
  if (entry.text) return entry.text;
  const texts = values(entry.replicas.c), before = values(entry.replicas.b);
  entry.text = entry.label.map((name, place) => {
    const [word, group] = project.words[entry.word[place]];
    const slow = entry.slow.has(place) ? " slow" : "";
    const tried = entry.attempts[place] > 1 ? " attempts" : "";
    const queued = group === "waiting" ? " queued" : "";
    const again = entry.again[place] ? ` failed retry retried ${project.texts[before[place]]}` : "";
    return `${name} ${word} ${group}${queued} ${entry.name}${slow}${tried}${again} ${texts.length ? project.texts[texts[place]] : ""}`.toLowerCase();
  });
  return entry.text;
}

/** All that is known of one replica. */
function replica(project, entry, place) {
  const columns = entry.replicas;
  const one = (name) => { const list = values(columns[name]); return list.length ? list[place] : null; };
  const [word, group] = project.words[entry.word[place]];
  return {
    name: entry.label[place],
    word,
    group,
    slow: entry.slow.has(place),
    attempt: one("attempt"), of: one("of"),
    accepted: one("a"), wait: one("w"), ran: one("d"),
    cause: project.texts[one("c") || 0], before: project.texts[one("b") || 0], reason: project.texts[one("y") || 0],
    cores: one("cores"), ram: one("ram"), gpus: one("gpus"),
    usedCores: one("uc"), usedRam: one("ur"), id: one("ids"), numbered: one("numbered"),
    earlier: columns.again[String(place)] || [],
  };
}

/** The replica as commands name it: `reduce/3` for `reduce-3`. */
function pattern(one) {
  const name = one.numbered ? one.name.replace(/-(\d+)$/, "/$1") : one.name;
  return /^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
