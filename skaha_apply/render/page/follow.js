// A live page: asks its server for new data, and shows in one line what cannot be read.

const ASK_EVERY = 4; // seconds, unless the data has another number

/** Asks as long as the page is open. A failed request is shown, and repeated. */
async function follow(view) {
  let tag = "";
  for (;;) {
    await untilNextRequest(view.data.ask || ASK_EVERY);
    try {
      const response = await fetch("data.json", {
        cache: "no-store", credentials: "same-origin", headers: tag ? { "If-None-Match": tag } : {},
      });
      if (response.status !== 304) {
        if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
        refresh(view, await response.json());
        tag = response.headers.get("ETag") || "";
      }
      view.lost = "";
    } catch (error) {
      view.lost = `no response from the server of this page (${error.message}); it shows the last data`;
    }
    drawAge(view);
    drawTrouble(view);
  }
}

/** Waits; a page that comes into view again does not wait, because a browser slows hidden pages down. */
function untilNextRequest(seconds) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      resolve();
    };
    const seen = () => { if (!document.hidden) end(); };
    const timer = setTimeout(end, seconds * 1000);
    document.addEventListener("visibilitychange", seen);
  });
}

function drawTrouble(view) {
  const text = [view.lost, ...(view.data.errors || [])].filter(Boolean).join("; ");
  const line = document.getElementById("trouble");
  if (line.textContent !== text) line.textContent = text;
}
