// Copies what the portal shows, and says which redirect URI a base URL makes. The portal works without it, too.
"use strict";

const said = document.getElementById("said");

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    said.textContent = "Copied";
  } catch {
    // The person can copy what is selected.
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
    said.textContent = "Selected. Press Ctrl+C or Cmd+C.";
  }
  setTimeout(() => {
    button.textContent = label;
    said.textContent = "";
  }, 3000);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

const base = document.getElementById("base-url");
const made = document.getElementById("redirect-uri");

function make() {
  const text = base.value.trim();
  const url = URL.canParse(text) ? new URL(text) : null;
  const fits = url && ["http:", "https:"].includes(url.protocol) && !url.search && !url.hash;
  made.textContent = fits ? `${url.href.replace(/\/+$/, "")}/login` : "the base URL with /login at its end";
}

if (base && made) {
  base.addEventListener("input", make);
  make();
}

const custom = document.getElementById("verification-custom");

if (custom) {
  const address = document.getElementById("verification-url-field");
  const show = () => { address.hidden = !custom.checked; };
  for (const choice of document.querySelectorAll("[name=verification]")) choice.addEventListener("change", show);
  show();
}
