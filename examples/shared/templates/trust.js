// A front end of the app's own: it registers this browser, and signs and logs in with a PIN that never leaves it.
import { answer, begin, keyPair, makeToken, sha256, sign } from "./mpin.js";

const { platform, base, timestamp: given } = document.getElementById("trust").dataset;
const find = (id) => document.getElementById(id);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const hashOf = (document) => hex(sha256(new TextEncoder().encode(document)));

// What this browser keeps: the secret without the PIN, and whose it is.
const KEY = `miracl-trust ${platform}`;
const kept = () => JSON.parse(localStorage.getItem(KEY) ?? "null");
const keep = (identity) => localStorage.setItem(KEY, JSON.stringify(identity));
const forget = () => localStorage.removeItem(KEY);

// A refusal, of the platform or of the app.
class Refusal extends Error {
  constructor({ error, info, context }) {
    super(info ?? error);
    Object.assign(this, { code: error, context: context ?? {} });
  }
}

async function call(url, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const credentials = url.startsWith(platform) ? "omit" : "same-origin";
  const headers = { "Content-Type": "application/json" };
  const reply = await fetch(url, { ...options, headers, credentials, cache: "no-store" });
  const content = await reply.json();
  if (reply.status !== 200) throw new Refusal(content);
  return content;
}

const toPlatform = (path, body) => call(new URL(path, platform).href, body);
const toApp = (path, body) => call(`${base}${path}`, body);

function tell(text, category = "danger") {
  find("notice").className = `alert alert-${category}`;
  find("notice").textContent = text;
  find("notice").hidden = !text;
}

function show(id) {
  for (const form of ["ask-code", "register", "prove"]) find(form).hidden = form !== id;
  for (const user of document.querySelectorAll(".user")) user.textContent = kept()?.userId ?? find("user-id").value;
  find(id).querySelector("input:not([value]), input[value='']")?.focus();
}

// Submits a form by a script. Nothing is sent twice, and what goes wrong is told.
function onSubmit(id, act) {
  find(id)?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = find(id).querySelector("[type=submit]");
    if (button.disabled) return;
    button.disabled = true;
    tell("");
    try {
      await act();
    } catch (error) {
      explain(error);
    }
    button.disabled = false;
    find("pin").value = "";
  });
}

function explain(error) {
  const left = Number(error.context?.triesLeft);
  if (error.code === "UNSUCCESSFUL_AUTHENTICATION") {
    return tell(`That is not your PIN. ${left === 1 ? "One try is" : `${left} tries are`} left.`);
  }
  if (error.code === "REVOKED_MPINID" || error.code === "EXPIRED_MPINID") {
    forget();
    show("ask-code");
    return tell("This registration is blocked. Register again.", "warning");
  }
  if (error instanceof Refusal) return tell(error.message);
  return tell(`The platform at ${platform} does not answer. It allows pages of the address that the demo printed.`);
}

// Registers this browser: the app makes sure of the person, and its link is worth an activation token.
async function register(userId, code, pin) {
  const { verificationURL } = await toApp("/trust/register", { user_id: userId, code });
  const link = new URL(verificationURL).searchParams;
  const known = link.get("user_id");
  const confirmed = await toPlatform("/verification/confirmation", { userId: known, code: link.get("code") });
  await makeIdentity(known, confirmed.actToken, pin);
}

async function makeIdentity(userId, activationToken, pin) {
  const keys = keyPair();
  const body = { userId, deviceName: "The demo's own page", activationToken, publicKey: keys.publicKey };
  const { mpinId, dtas, secretUrls } = await toPlatform("/registration", body);
  const shares = await Promise.all(secretUrls.map(async (url) => (await call(url)).dvsClientSecret));
  const token = makeToken(mpinId, keys, shares, pin);
  keep({ userId, mpinId, dtas, token, publicKey: keys.publicKey });
}

// Proves the PIN, and returns the JWT of the project.
async function prove(pin) {
  const identity = kept();
  const { mpinId, dtas, publicKey } = identity;
  const begun = begin(identity);
  const first = { scope: ["jwt"], mpin_id: mpinId, dtas, publicKey, UT: "", U: begun.U };
  const { y } = await toPlatform("/rps/v2/pass1", first);
  const { authOTT } = await toPlatform("/rps/v2/pass2", { mpin_id: mpinId, V: answer(identity, begun, y, pin) });
  const { jwt, dvsRegister } = await toPlatform("/rps/v2/authenticate", { authOTT, wam: "dvs" });
  if (!dvsRegister) return jwt;
  // The platform wants the secret renewed, and the proof repeated with the new one.
  await makeIdentity(identity.userId, dvsRegister.token, pin);
  return prove(pin);
}

// What a PIN leads to, one for each page.
const then = {
  async login(pin) {
    const form = find("session");
    form.elements.jwt.value = await prove(pin);
    form.submit();
  },
  async sign(pin) {
    const identity = kept();
    const text = find("document").value;
    // The app's server gave it with the page. An app of yours keeps it there, to know how old a signature is.
    const timestamp = Number(given);
    const hash = hashOf(text);
    const { mpinId, publicKey, dtas } = identity;
    signed = { signature: { hash, ...sign(identity, hash, timestamp, pin), mpinId, publicKey, dtas }, timestamp };
    find("checked").value = text;
    find("signature").textContent = JSON.stringify(signed, null, 2);
    await check();
  },
  async api(pin) {
    jwt = await prove(pin);
    find("again").disabled = false;
    await callApi(jwt);
  },
};

let signed;
const verdicts = {
  OK: "Valid: this person has signed this document.",
  BadPin: "Not valid: a wrong PIN, or changed since.",
  OtherDocument: "Not valid: it is the signature of another document.",
  UserBlocked: "Not valid: the registration is revoked.",
};

async function check() {
  const { valid, status } = await toApp("/documents/verify", { ...signed, document: find("checked").value });
  find("check").hidden = false;
  find("verdict").className = `alert alert-${valid ? "success" : "danger"}`;
  find("verdict").textContent = verdicts[status] ?? `Not valid: ${status}.`;
}

let jwt;
async function callApi(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const reply = await fetch(`${base}/api/me`, { headers, credentials: "omit", cache: "no-store" });
  find("status").textContent = `${reply.status} ${reply.statusText}`;
  find("body").textContent = [reply.headers.get("www-authenticate"), await reply.text()].filter(Boolean).join("\n");
  find("answer").hidden = false;
}

onSubmit("ask-code", async () => {
  const { code } = await toApp("/trust/register", { user_id: find("user-id").value });
  find("shown").hidden = !code;
  find("no-code").hidden = Boolean(code);
  find("shown-code").textContent = code ?? "";
  show("register");
});
onSubmit("register", async () => {
  await register(find("user-id").value, find("code").value, find("new-pin").value);
  find("code").value = find("new-pin").value = "";
  show("prove");
  tell("This browser is registered.", "success");
});
onSubmit("prove", () => then[find("prove").dataset.then](find("pin").value));
onSubmit("check", check);
find("again")?.addEventListener("click", () => callApi(jwt).catch(explain));
find("without")?.addEventListener("click", () => callApi().catch(explain));
document.querySelector("[data-forget]").addEventListener("click", () => {
  forget();
  show("ask-code");
});
show(kept() ? "prove" : "ask-code");
