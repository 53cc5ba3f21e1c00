// Waits until the address is confirmed, then shows the next page.
"use strict";

const stage = location.pathname + "/stage";

setInterval(async () => {
  try {
    const answer = await fetch(stage, { cache: "no-store" });
    if (answer.ok && (await answer.text()) !== "mail") location.reload();
  } catch {
    // The platform may be restarting: ask again.
  }
}, 1000);
