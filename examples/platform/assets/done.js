// Leaves the frame: the app must open in the whole window.
"use strict";

const url = document.getElementById("continue").href;

if (window.top === window) {
  location.replace(url);
} else {
  // mpad.js in the page around this frame may navigate without a further click, and answers that it does. The address
  // holds a code, so only its app may read it.
  const app = new URL(url).origin;
  // Without an answer no mpad.js is listening. To navigate as well would open the callback twice.
  const alone = setTimeout(() => {
    window.top.location.href = url;
  }, 3000);
  window.addEventListener("message", (event) => {
    const ours = event.origin === app && event.source === window.parent;
    if (ours && event.data && event.data.miracl === "going") clearTimeout(alone);
  });
  window.parent.postMessage({ miracl: "done", url }, app);
}
