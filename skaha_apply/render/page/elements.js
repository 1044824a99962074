// Makes elements. Text is always set as text, and a style only through its property, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child that is no element becomes text. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Replaces what an element contains; a child that is null, false or "" is left out. */
function fill(host, ...children) {
  host.replaceChildren();
  return filled(host, {}, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

function card(id, title, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  return element("section", { class: "card", id, "aria-labelledby": `${id}-title` }, element("header", {}, heading), ...children);
}

/** A command in full, with a button that copies it. */
function command(text, what) {
  const words = text.split(" ").map((word, place) => [place ? " " : "", element("span", {}, word)]); // a line ends at a space only
  const code = element("code", { tabindex: 0 }, words);
  const button = element("button", { type: "button", "aria-label": `Copy the command: ${what}` }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text, code)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return element("div", { class: "command" }, code, button);
}

async function copy(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    try { return document.execCommand("copy"); } catch { return false; }
  }
}

/** What the focus can be on in an element, in its order. */
function controlsOf(host) {
  return [...host.querySelectorAll("button, input, [tabindex='0']")];
}

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
