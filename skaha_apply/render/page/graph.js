// The graph of entries in layers: from left to right on a wide screen, downwards on a narrow one.

const BOX = { width: 168, height: 58 };
const MOST_BOXES = 40;

function drawGraph(view) {
  const { project } = view;
  if (project.entries.length < 2 || !project.edges.length) return "";
  const host = element("div", { class: "plot" });
  const made = card("graph", "Entries and their dependencies", host);
  view.onResize(host, (width) => host.replaceChildren(graph(project, kinds(view.data), width)));
  return made;
}

function graph(project, shown, width) {
  const entries = project.entries.slice(0, MOST_BOXES), layers = layersOf(entries, project.layers);
  const deepest = layers.length, widest = Math.max(...layers.map((layer) => layer.length));
  const across = deepest * BOX.width + (deepest - 1) * 110 <= width;
  const boxes = place(layers, across, width, across ? deepest : widest);
  const last = [...boxes.values()];
  const high = Math.max(...last.map((box) => box.y + BOX.height)) + 4, wide = Math.max(...last.map((box) => box.x + box.width)) + 4;
  const lines = project.edges.filter((edge) => boxes.has(edge.from) && boxes.has(edge.to));
  const text = lines.map((edge) => `${edge.to} needs ${edge.from}: ${edge.label}`).join("; ");
  return drawing("svg", { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, role: "img", "aria-label": `Dependencies: ${text}` },
    lines.map((edge) => edgeOf(boxes.get(edge.from), boxes.get(edge.to), edge.label, across)),
    entries.filter((entry) => boxes.has(entry.key)).map((entry) => boxOf(entry, boxes.get(entry.key), shown)));
}

/** The keys of the shown entries by layer: an entry is in a later layer than its dependencies. */
function layersOf(entries, layers) {
  const keys = new Set(entries.map((entry) => entry.key));
  return layers.map((layer) => layer.filter((key) => keys.has(key))).filter((layer) => layer.length);
}

function place(layers, across, width, count) {
  const boxes = new Map();
  if (across) {
    const gap = layers.length > 1 ? Math.min(190, (width - layers.length * BOX.width - 4) / (layers.length - 1)) : 0;
    const highest = Math.max(...layers.map((layer) => layer.length)) * (BOX.height + 22);
    layers.forEach((layer, column) => layer.forEach((key, row) => {
      const free = (highest - layer.length * (BOX.height + 22)) / 2;
      boxes.set(key, { x: 2 + column * (BOX.width + gap), y: 2 + free + row * (BOX.height + 22), width: BOX.width });
    }));
    return boxes;
  }
  const size = Math.max(70, Math.min(BOX.width, (width - 8 - (count - 1) * 12) / count));
  layers.forEach((layer, row) => layer.forEach((key, column) => {
    const free = (width - layer.length * (size + 12) + 12) / 2;
    boxes.set(key, { x: Math.max(2, free + column * (size + 12)), y: 2 + row * (BOX.height + 52), width: size });
  }));
  return boxes;
}

function edgeOf(from, to, label, across) {
  const start = across ? [from.x + from.width, from.y + BOX.height / 2] : [from.x + from.width / 2, from.y + BOX.height];
  const end = across ? [to.x - 7, to.y + BOX.height / 2] : [to.x + to.width / 2, to.y - 7];
  const middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
  const path = across
    ? `M${start} C${[middle[0], start[1]]} ${[middle[0], end[1]]} ${end}`
    : `M${start} C${[start[0], middle[1]]} ${[end[0], middle[1]]} ${end}`;
  const tip = across ? [[0, -5], [8, 0], [0, 5]] : [[-5, 0], [0, 8], [5, 0]];
  const points = tip.map(([x, y]) => [end[0] - (across ? 1 : 0) + x, end[1] - (across ? 0 : 1) + y].join(",")).join(" ");
  return [
    drawing("path", { class: "edge", d: path }),
    drawing("polygon", { class: "head-of-edge", points }),
    drawing("text", { class: "label", x: middle[0], y: middle[1] - (across ? 7 : -4), "text-anchor": "middle" }, label),
  ];
}

function boxOf(entry, box, shown) {
  const room = Math.floor((box.width - 16) / 7.4), name = entry.name.length > room ? `${entry.name.slice(0, room - 1)}…` : entry.name;
  const inner = box.width - 20, parts = [];
  let x = box.x + 10;
  for (const kind of shown.filter((one) => entry.numbers[one])) {
    const part = (inner * entry.numbers[kind]) / entry.total;
    parts.push(drawing("rect", { class: `fill-${classOf(kind)}`, x, y: box.y + BOX.height - 15, width: Math.max(part, 1.5), height: 7 }));
    x += part;
  }
  const failed = entry.counts.failed ? `, ${number(entry.counts.failed)} failed` : "";
  return [
    drawing("rect", { class: "box", x: box.x, y: box.y, width: box.width, height: BOX.height, rx: 8 }, drawing("title", {}, entry.name)),
    drawing("text", { class: "title", x: box.x + 10, y: box.y + 19 }, name),
    drawing("text", { x: box.x + 10, y: box.y + 35 }, box.width < 130 ? `${number(entry.counts.done || 0)}/${number(entry.total)}` : `${number(entry.counts.done || 0)} of ${number(entry.total)}${failed}`),
    parts,
  ];
}
