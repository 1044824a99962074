// The filter narrows the grid and the lists to replicas that have every word of it.

const KIND = "is:"; // begins a word of the filter that is a kind of replicas

function filterField(view) {
  const input = element("input", { type: "search", id: "filter", autocomplete: "off", spellcheck: "false", placeholder: view.data.public ? "entry or phase" : "name, phase or cause" });
  input.value = view.query;
  input.addEventListener("input", () => view.filter(input.value));
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") view.grid.host.focus(); });
  return element("div", { class: "filter" }, element("label", { for: "filter" }, "Filter"), input);
}

/** Sets the shown places of each entry; returns the number of replicas that match. */
function applyFilter(project, query) {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  let total = 0;
  for (const entry of project.entries) {
    if (terms.length) {
      const texts = searched(project, entry), shown = [];
      for (let place = 0; place < texts.length; place += 1) {
        const has = (term) => (term.startsWith(KIND) ? isOf(project, entry, place, term.slice(KIND.length)) : texts[place].includes(term));
        if (terms.every(has)) shown.push(place);
      }
      entry.shown = shown;
    } else {
      entry.shown = null;
    }
    total += shownCount(entry);
  }
  return total;
}

/** Whether a line of a list has every word of the filter. */
function matches(query, ...texts) {
  const text = texts.join(" ").toLowerCase();
  return query.toLowerCase().split(/\s+/).filter((term) => term && !term.startsWith(KIND)).every((term) => text.includes(term));
}
