// Goes on to the app once every frame is there, or has had its time.
"use strict";

const on = document.getElementById("continue");

if (on) {
  const go = () => location.replace(on.href);
  // The window is loaded when its frames are, and a frame that fails is loaded too.
  addEventListener("load", go);
  setTimeout(go, 2000);
}
