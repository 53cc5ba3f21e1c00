// Leaves the frame: the app must open in the whole window.
"use strict";

const url = document.getElementById("continue").href;

if (window.top === window) {
  location.replace(url);
} else {
  // mpad.js in the page around this frame may navigate without a further click. The address holds a
  // code, so only its app may read it.
  window.parent.postMessage({ miracl: "done", url }, new URL(url).origin);
  setTimeout(() => {
    window.top.location.href = url;
  }, 500);
}
