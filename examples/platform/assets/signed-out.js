// Goes on to the app once every frame has loaded, or the time for it is over.
"use strict";

const on = document.getElementById("continue");

if (on) {
  const go = () => location.replace(on.href);
  // The window has loaded when its frames have, and a frame that fails counts as loaded.
  addEventListener("load", go);
  setTimeout(go, 2000);
}
