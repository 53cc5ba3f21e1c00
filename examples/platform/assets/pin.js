// The PIN pad. Without this script the field alone does the work.
"use strict";

const pin = document.getElementById("pin");
const pad = document.getElementById("pad");
const form = document.getElementById("pin-form");

pad.hidden = false;
// The pad is on the screen, so a phone must not cover it with its keyboard.
pin.setAttribute("inputmode", "none");
// Browsers ignore autofocus in a frame of another site.
if (window.top !== window) pin.focus();

pad.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.digit !== undefined) {
    if (pin.value.length < pin.maxLength) pin.value += button.dataset.digit;
  } else if (button.id === "back") {
    pin.value = pin.value.slice(0, -1);
  } else {
    pin.value = "";
  }
  pin.focus();
});

pin.addEventListener("input", () => {
  pin.value = pin.value.replace(/[^0-9]/g, "");
});

// Two submissions would count as two tries.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  delete form.dataset.sent;
  pin.value = "";
});
