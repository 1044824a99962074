// Draws the page from its data. A file never makes a request.

const AGE_EVERY = 5000; // milliseconds

class View {
  constructor(data) {
    this.chosen = 0;
    this.query = "";
    this.lost = "";
    this.watched = [];
    this.live = element("p", { class: "unseen", role: "status", "aria-live": "polite", id: "said" });
    document.body.append(this.live);
    this.grid = new Grid(this);
    document.body.append(this.grid.tip);
    this.panel = new Panel(this);
    this.observer = new ResizeObserver((changes) => {
      for (const change of changes) for (const [host, draw] of this.watched) if (host === change.target) draw(Math.floor(change.contentRect.width));
    });
    this.take(data);
  }

  /** Takes new data and draws all. */
  take(data) {
    const name = this.project && this.project.name, same = data.projects.findIndex((one) => one.name === name);
    this.data = data;
    this.chosen = same >= 0 ? same : Math.min(this.chosen, Math.max(0, data.projects.length - 1));
    for (const project of data.projects) decode(project, data.classes);
    this.project = data.projects[this.chosen];
    this.draw();
  }

  choose(place) {
    this.chosen = place;
    this.project = this.data.projects[place];
    this.grid.cursor = null;
    this.panel.hide();
    this.draw();
    document.getElementById(`project-${place}`).focus();
  }

  draw() {
    const main = document.getElementById("main");
    if (!this.project) {
      document.getElementById("top").replaceChildren(element("h1", {}, "no project"));
      main.replaceChildren(element("p", {}, "The page has no project."));
      return;
    }
    this.observer.disconnect();
    this.watched = [];
    applyFilter(this.project, this.query);
    drawHead(this);
    markLegend(this.query);
    const replicas = card("replicas", "Replicas", gridHelp(this.data), this.grid.host);
    replicas.querySelector("header").append(filterField(this));
    this.failures = drawFailures(this);
    const graph = drawGraph(this);
    this.next = drawNext(this);
    fill(main, replicas,
      element("div", { class: `columns${graph ? " pair" : ""}`, id: "middle" }, graph, this.failures),
      ...drawTime(this).filter(Boolean), this.next);
    for (const [host, redraw] of this.watched) { redraw(Math.max(200, Math.floor(host.clientWidth))); this.observer.observe(host); }
    let width = 0;
    this.onResize(this.grid.host, (now) => { if (now !== width) { width = now; this.grid.draw(); } });
    this.grid.draw();
    this.observer.observe(this.grid.host);
    document.getElementById("foot").replaceChildren(footText(this.data));
  }

  onResize(host, redraw) {
    this.watched.push([host, redraw]);
  }

  filter(query) {
    this.query = query;
    const count = applyFilter(this.project, query);
    markLegend(query);
    this.grid.draw();
    this.failures.replaceWith(this.failures = drawFailures(this));
    this.next.replaceWith(this.next = drawNext(this));
    this.say(query ? `${plural(count, "replica matches", "replicas match")} the filter` : "All replicas are shown");
  }

  /** Sets the filter, or clears it if it has this query already. */
  setFilter(query) {
    const field = document.getElementById("filter");
    field.value = this.query === query ? "" : query;
    this.filter(field.value);
  }

  /** Says a text to readers of a screen. */
  say(text) {
    this.live.textContent = text;
  }

  /** The entry and the place of a replica; null if the page does not have it. */
  find(name) {
    const { project } = this;
    project.places = project.places || new Map(project.entries.flatMap((entry) => entry.label.map((one, place) => [one, [entry, place]])));
    return project.places.get(name) || null;
  }

  openByName(name) {
    const found = this.find(name);
    if (!found) return;
    this.grid.select(...found);
    this.panel.open(...found);
  }
}

function gridHelp(data) {
  const text = data.public
    ? "Each square is a replica; the squares of an entry are sorted by phase. Arrow keys move."
    : "Each square is a replica. Arrow keys move, Enter opens a replica, f goes to the next failure. A corner marks more than one attempt, a ring a slow replica.";
  return element("p", { class: "quiet small", id: "grid-help" }, text);
}

function footText(data) {
  const made = data.public ? "Public page: names, causes, logs and addresses are left out." : "";
  return `Made by skaha-apply. ${made}`;
}

/** Draws new data, and keeps the focus and the open panel, unless the project of the panel is there no more. */
function refresh(view, data) {
  const focused = document.activeElement, id = focused ? focused.id : "", name = view.project && view.project.name;
  const home = focused && !id ? focused.closest("[id]") : null, control = home ? controlsOf(home).indexOf(focused) : -1;
  const spot = [id === "filter" ? focused.selectionStart : 0, window.scrollY];
  const cursor = view.grid.cursor && [view.grid.cursor[0].key, view.grid.cursor[0].label[shownPlace(...view.grid.cursor)]];
  view.grid.cursor = null;
  view.take(data);
  const same = view.project && view.project.name === name;
  if (cursor && same) keepCursor(view, cursor);
  if (view.panel.shown) keepPanel(view, same);
  const host = control >= 0 && document.getElementById(home.id), target = host ? controlsOf(host)[control] : id && document.getElementById(id);
  if (target && target !== document.activeElement) target.focus({ preventScroll: true });
  if (target && id === "filter") target.setSelectionRange(spot[0], spot[0]);
  window.scrollTo(0, spot[1]);
}

function keepCursor(view, [key, name]) {
  const entry = view.project.entries.find((one) => one.key === key), place = entry ? entry.label.indexOf(name) : -1;
  if (place >= 0) view.grid.select(entry, place);
  view.grid.paint();
}

function keepPanel({ project, panel }, same) {
  const [key, name] = panel.shown, entry = same ? project.entries.find((one) => one.key === key) : null;
  const place = entry ? entry.label.indexOf(name) : -1;
  if (place >= 0) panel.update(entry, place);
  else panel.close();
}

function start() {
  const view = new View(JSON.parse(document.getElementById("data").textContent));
  const recolor = () => { cachedPalette = null; if (view.project) { drawHead(view); view.grid.draw(); } };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
  matchMedia("print").addEventListener("change", recolor);
  setInterval(() => drawAge(view), AGE_EVERY);
  if (document.documentElement.dataset.live) {
    drawTrouble(view);
    follow(view);
  }
}

start();
