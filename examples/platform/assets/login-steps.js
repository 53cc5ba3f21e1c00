// The steps that a login page shows, and how it speaks to the platform.
import { fill, speak, text } from "/login-texts.js";

export const main = document.getElementById("login");
export const find = (css) => main.querySelector(css);
export const on = (css, event, act) => find(css)?.addEventListener(event, act);
export const is = (page) => document.body.dataset.page === page;

// What the texts of the page name.
export const names = { app: main.dataset.app, address: main.dataset.network };
const PLATFORM = "Local MIRACL platform";

// A refusal of the platform; its code says why.
export class Refusal extends Error {
  constructor({ error, info, context }) {
    super(info);
    Object.assign(this, { code: error, context: context ?? {} });
  }
}

export async function call(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const headers = { "Content-Type": "application/json", "X-MIRACL-CID": main.dataset.projectId };
  const reply = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
  const content = await reply.json();
  if (reply.status !== 200) throw new Refusal(content);
  return content;
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Asks again and again until `ask` returns true: every second at first, then less often, and in the end no more.
export async function poll(ask) {
  const began = Date.now();
  const passed = () => Date.now() - began;
  for (let wait = 1000; passed() < 20 * 60 * 1000; wait = passed() < 60 * 1000 ? 1000 : Math.min(wait * 1.2, 5000)) {
    await pause(wait);
    try {
      if (await ask()) return;
    } catch (error) {
      if (error instanceof Refusal) return;
      // The platform may be restarting.
    }
  }
}

export const deviceName = () => {
  const { userAgentData, platform } = navigator;
  return `Browser on ${userAgentData?.platform || platform || "a computer"}`.slice(0, 100);
};

// Shows a step, and again in another language. `name` is what tests call the page.
let current = () => {};
export function view(render) {
  current = render;
  render();
}

export function show(step, email = "", name = step) {
  const template = document.querySelector(`template[data-step="${step}"]`);
  main.replaceChildren(template.content.cloneNode(true));
  fill(main, { ...names, email });
  for (const place of main.querySelectorAll(".email")) place.textContent = email;
  for (const place of main.querySelectorAll(".avatar")) place.textContent = initial(email);
  document.body.dataset.page = name;
  entitle(find("h1")?.textContent);
  find("[autofocus]")?.focus();
}

export function entitle(title) {
  document.title = title ? `${title} · ${PLATFORM}` : PLATFORM;
}

export const initial = (email) => (email ? [...email][0].toUpperCase() : "");

// Says something above the step; `say` gives the text in the language of the moment.
export function notice(say) {
  const place = find("#notice");
  if (!place) return;
  const words = say?.() ?? "";
  (find("#reason") ?? place).textContent = words;
  place.hidden = !words;
}

export const say = (key, values) => () => text(key, values);

// Shows the page in another language, and keeps what was typed, but for a PIN.
async function switchTo(lang) {
  await speak(lang);
  const typed = [...main.querySelectorAll("input:not([type=password])")].map(({ id, value }) => [id, value]);
  fill(document, names);
  current();
  for (const [id, value] of typed) document.getElementById(id).value = value;
  const address = new URL(location.href);
  address.searchParams.set("lang", lang);
  history.replaceState(null, "", address);
  for (const button of document.querySelectorAll("[data-lang]")) {
    if (button.dataset.lang === lang) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

export function offerLanguages(chosen) {
  const languages = document.querySelector(".languages");
  languages.hidden = false;
  languages.addEventListener("click", ({ target }) => {
    const { lang } = target.dataset;
    if (lang) switchTo(lang).then(() => chosen(lang));
  });
}

// Runs what a click began, once.
let busy = false;
export async function run(act, failed) {
  if (busy) return;
  busy = true;
  try {
    await act();
  } catch (error) {
    failed(error);
  } finally {
    busy = false;
  }
}

// Shows the pad. A PIN of the right length goes to `entered`, and nowhere else.
export function showPad(email, name, { title, lead, button, length }, entered) {
  show("pin", email, name);
  find("h1").textContent = title;
  entitle(title);
  find(".lead").textContent = lead;
  find(".lead").hidden = !lead;
  find("#submit-pin").textContent = button;
  const pin = find("#pin");
  pin.maxLength = length;
  pin.pattern = `[0-9]{${length}}`;
  pin.title = text("digits", { count: length });
  pin.placeholder = "◦".repeat(length);
  on("#pad", "click", ({ target }) => {
    const key = target.closest("button");
    if (!key) return;
    if (key.dataset.digit === undefined) pin.value = key.id === "back" ? pin.value.slice(0, -1) : "";
    else if (pin.value.length < length) pin.value += key.dataset.digit;
    pin.focus();
  });
  pin.addEventListener("input", () => (pin.value = pin.value.replace(/[^0-9]/g, "")));
  on("#pin-form", "submit", (event) => {
    event.preventDefault();
    const value = pin.value;
    pin.value = "";
    if (value.length !== length) return notice(say("pin.length", { count: length }));
    entered(value);
  });
}
