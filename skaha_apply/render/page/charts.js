// Axes and shapes that the charts share.

const MARGIN = { left: 44, right: 12, top: 10, bottom: 24 };

function frame(width, height, label) {
  return drawing("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

/** A round step so that at most `most` steps are below `value`. */
function roundStep(value, most) {
  const raw = value / most, power = 10 ** Math.floor(Math.log10(raw || 1));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw) || power;
}

function countAxis(top, width, height, scale) {
  const made = [], step = Math.max(1, roundStep(top, 4));
  for (let value = 0; value <= top; value += step) {
    made.push(drawing("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: scale(value), y2: scale(value) }));
    made.push(drawing("text", { x: MARGIN.left - 6, y: scale(value) + 4, "text-anchor": "end" }, number(value)));
  }
  return made;
}

const TIME_STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800];

function timeAxis(first, last, width, height, scale, project) {
  const made = [], most = Math.max(2, Math.floor(width / 110));
  const step = TIME_STEPS.find((one) => (last - first) / one <= most) || 604800;
  const offset = new Date((project.zero + first) * 1000).getTimezoneOffset() * 60;
  const start = Math.ceil((project.zero + first - offset) / step) * step + offset - project.zero;
  for (let at = start; at <= last; at += step) {
    made.push(drawing("line", { class: "axis", x1: scale(at), x2: scale(at), y1: MARGIN.top, y2: height - MARGIN.bottom }));
    made.push(drawing("text", { x: scale(at), y: height - 7, "text-anchor": "middle" }, tickText(project, at, step)));
  }
  return made;
}

function tickText(project, at, step) {
  const date = new Date((project.zero + at) * 1000), two = (value) => String(value).padStart(2, "0");
  if (step < 60) return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return clock(project.zero + at, step >= 86400 ? 0 : project.zero + at).slice(0, step >= 86400 ? 5 : 11);
}

function stairs(points, x, y) {
  return points.map(([at, value], place) => (place ? `H${x(at)}V${y(value)}` : `M${x(at)},${y(value)}`)).join("");
}

function key(kind, text) {
  return element("span", { class: "small quiet" }, drawing("svg", { width: 26, height: 10, "aria-hidden": "true" }, drawing("path", { class: kind, d: "M0,5H26" })), text);
}
