// The pages of a login. What this browser keeps of each identity is in its local storage; the PIN is nowhere.
import { answer, begin, keyPair, makeToken } from "/mpin.js";

const main = document.getElementById("login");
const { projectId, accessId, clientId, login, app, prompt } = main.dataset;
const pinLength = Number(main.dataset.pinLength);
const find = (css) => main.querySelector(css);
const on = (css, event, act) => find(css)?.addEventListener(event, act);

// The identities, the one used last first. Another platform on this address has another project.
const KEY = `mpin-${projectId}`;
const identities = () => JSON.parse(localStorage.getItem(KEY) ?? "[]");
const identityOf = (email) => identities().find((identity) => identity.email === email);

function keep(identity) {
  const others = identities().filter(({ email }) => email !== identity.email);
  localStorage.setItem(KEY, JSON.stringify([identity, ...others]));
}

function forget(email) {
  localStorage.setItem(KEY, JSON.stringify(identities().filter((identity) => identity.email !== email)));
}

// A refusal of the platform; its code says why.
class Refusal extends Error {
  constructor({ error, info, context }) {
    super(info);
    Object.assign(this, { code: error, context: context ?? {} });
  }
}

async function call(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body) };
  const headers = { "Content-Type": "application/json", "X-MIRACL-CID": projectId };
  const reply = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" });
  const content = await reply.json();
  if (reply.status !== 200) throw new Refusal(content);
  return content;
}

const deviceName = () => {
  const { userAgentData, platform } = navigator;
  return `Browser on ${userAgentData?.platform || platform || "a computer"}`.slice(0, 100);
};

// Shows a step. `name` is what tests call the page.
function show(step, email, name = step) {
  const template = document.querySelector(`template[data-step="${step}"]`);
  main.replaceChildren(template.content.cloneNode(true));
  document.title = `${template.dataset.title} · Local MIRACL platform`;
  for (const place of main.querySelectorAll(".email")) place.textContent = email;
  for (const place of main.querySelectorAll(".avatar")) place.textContent = initial(email);
  document.body.dataset.page = name;
  find("[autofocus]")?.focus();
}

const initial = (email) => (email ? [...email][0].toUpperCase() : "");

function notice(text) {
  const place = find("#notice");
  if (!place) return;
  const reason = find("#reason") ?? place;
  reason.textContent = text;
  place.hidden = !text;
}

function failed(error) {
  show("failed");
  notice(error instanceof Refusal ? `The platform refused it: ${error.message}.` : "The platform does not answer.");
  on("#try-again", "click", again);
}

// Goes to the page of this login, whichever page of it this is.
function again() {
  if (login) location.replace(`/login/${login}`);
  else location.reload();
}

// Runs what a click began, once.
let busy = false;
async function run(act) {
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

function showRegister(email = "", text = "") {
  show("register");
  find("#email").value = email;
  notice(text);
  find("#other-identity").hidden = identities().length === 0;
  on("#other-identity", "click", showChoose);
  on("#register-form", "submit", (event) => {
    event.preventDefault();
    run(() => sendMail(find("#email").value.trim().toLowerCase()));
  });
}

async function sendMail(email) {
  const known = identityOf(email);
  const body = { userId: email, projectId, accessId, clientId, deviceName: deviceName(), mpinId: known?.mpinId };
  let sent;
  try {
    sent = await call("/verification/email", body);
  } catch (error) {
    if (error.code === "REQUEST_BACKOFF") {
      const seconds = Math.max(1, Math.ceil(Number(error.context.backoff) - Date.now() / 1000));
      const wait = seconds === 1 ? "a second" : `${seconds} seconds`;
      return showRegister(email, `A message was sent to this address just now. Try again in ${wait}.`);
    }
    if (error.code === "INVALID_REQUEST_PARAMETERS") {
      return showRegister(email, "That does not look like an e-mail address.");
    }
    throw error;
  }
  if (sent.method === "code") showMailCode(email);
  else showMail(email);
}

function showMail(email) {
  show("mail", email);
  find("#inbox").href = `/inbox?login=${login}`;
  find("#check-again").href = `/login/${login}`;
  const waiting = setInterval(async () => {
    if (document.body.dataset.page !== "mail") return clearInterval(waiting);
    try {
      const reply = await fetch(`/login/${login}/stage`, { cache: "no-store" });
      if (reply.ok && (await reply.text()) === "over") again();
    } catch {
      // The platform may be restarting: ask again.
    }
  }, 1000);
}

function showMailCode(email) {
  show("mail-code", email);
  find("#inbox").href = `/inbox?login=${login}`;
  on("#code-form", "submit", (event) => {
    event.preventDefault();
    run(() => confirm(email, find("#code").value));
  });
}

// Exchanges what came by mail for an activation token, and asks for a PIN.
async function confirm(email, code) {
  let confirmed;
  try {
    confirmed = await call("/verification/confirmation", { userId: email, code });
  } catch (error) {
    if (error.code !== "UNSUCCESSFUL_VERIFICATION") throw error;
    if (document.body.dataset.page === "mail-code") return notice("That is not the code, or it is too old.");
    const text = "This link has been used, or is too old. Ask for another message.";
    if (login) return showRegister(email, text);
    return failed(error);
  }
  showNewPin(email, confirmed.actToken);
}

function showPin(email, name, { title, lead, button }, entered) {
  show("pin", email, name);
  document.title = `${title} · Local MIRACL platform`;
  find("h1").textContent = title;
  find(".lead").textContent = lead;
  find(".lead").hidden = !lead;
  find("#submit-pin").textContent = button;
  find("#other-identity").hidden = find("#forgot-pin").hidden = name !== "enter-pin";
  if (name !== "enter-pin") find("#tries-left").remove();
  const pin = find("#pin");
  pin.maxLength = pinLength;
  pin.pattern = `[0-9]{${pinLength}}`;
  pin.title = `${pinLength} digits`;
  pin.placeholder = "◦".repeat(pinLength);
  on("#pad", "click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.digit === undefined) pin.value = button.id === "back" ? pin.value.slice(0, -1) : "";
    else if (pin.value.length < pinLength) pin.value += button.dataset.digit;
    pin.focus();
  });
  pin.addEventListener("input", () => (pin.value = pin.value.replace(/[^0-9]/g, "")));
  on("#pin-form", "submit", (event) => {
    event.preventDefault();
    const value = pin.value;
    pin.value = "";
    if (value.length !== pinLength) return notice(`A PIN has ${pinLength} digits.`);
    run(() => entered(value));
  });
}

function showNewPin(email, token, text = "") {
  const words = {
    title: "Choose a PIN",
    lead: `${pinLength} digits. It works on this browser only.`,
    button: "Continue",
  };
  showPin(email, "new-pin", words, (pin) => showRepeatPin(email, token, pin));
  notice(text);
}

function showRepeatPin(email, token, pin) {
  const words = { title: "Repeat your PIN", lead: "Once more, to be sure.", button: "Save the PIN" };
  showPin(email, "repeat-pin", words, async (repeated) => {
    if (repeated !== pin) return showNewPin(email, token, "The two PINs differ. Choose one again.");
    await register(email, token, pin);
    if (!login) return show("registered", email);
    await logIn(email, pin);
  });
}

// Makes the secret of this browser, and keeps what is left of it without the PIN.
async function register(email, activationToken, pin) {
  const keys = keyPair();
  const body = { userId: email, deviceName: deviceName(), activationToken, publicKey: keys.publicKey };
  const made = await call("/registration", body);
  // The address is the issuer's; this page may be open under the other name of this machine.
  const fetchShare = async (url) => {
    const { pathname, search } = new URL(url);
    return (await call(pathname + search)).dvsClientSecret;
  };
  const shares = await Promise.all(made.secretUrls.map(fetchShare));
  const token = makeToken(made.mpinId, keys, shares, pin);
  keep({ email, mpinId: made.mpinId, publicKey: keys.publicKey, dtas: made.dtas, token });
}

function showEnterPin(email) {
  const identity = identityOf(email);
  if (!identity) return showRegister(email);
  if (identity.blocked) return showBlocked(email);
  const words = { title: "Enter your PIN", lead: "", button: "Log in" };
  showPin(email, "enter-pin", words, (pin) => logIn(email, pin));
  on("#other-identity", "click", showChoose);
  on("#forgot-pin", "click", () => run(() => sendMail(email)));
  showTries(identity.triesLeft);
}

function showTries(left) {
  if (!left) return find("#tries-left").remove();
  find("#tries-left").textContent = left === 1 ? "1 try left" : `${left} tries left`;
  find("#notice").hidden = false;
}

// Proves the PIN. If the platform asks for it, the secret is renewed, and the proof repeated.
async function prove(email, pin) {
  const identity = identityOf(email);
  const { mpinId, dtas, publicKey } = identity;
  const begun = begin(identity);
  const first = { scope: ["oidc"], mpin_id: mpinId, dtas, publicKey, UT: "", U: begun.U };
  const { y } = await call("/rps/v2/pass1", first);
  const V = answer(identity, begun, y, pin);
  const { authOTT } = await call("/rps/v2/pass2", { mpin_id: mpinId, WID: accessId, V });
  return call("/rps/v2/authenticate", { authOTT, wam: "dvs" });
}

async function logIn(email, pin) {
  const identity = identityOf(email);
  try {
    const result = await prove(email, pin);
    if (result.dvsRegister) await register(email, result.dvsRegister.token, pin);
  } catch (error) {
    if (error.code === "UNSUCCESSFUL_AUTHENTICATION") {
      keep({ ...identity, triesLeft: Number(error.context.triesLeft) });
      showEnterPin(email);
      return notice("That is not your PIN.");
    }
    if (error.code === "REVOKED_MPINID" || error.code === "EXPIRED_MPINID") {
      keep({ ...identity, blocked: error.code });
      return showBlocked(email);
    }
    if (error.code === "INVALID_AUTHENTICATION_SESSION") return again();
    throw error;
  }
  // The platform has the result: the browser goes to the app with it.
  keep({ ...identityOf(email), triesLeft: undefined });
  document.getElementById("finish").submit();
}

function showBlocked(email) {
  const { blocked } = identityOf(email);
  show("blocked", email);
  const unknown = blocked === "EXPIRED_MPINID";
  notice(
    unknown
      ? "The platform does not know this registration any more. It has to be registered again."
      : "The PIN was wrong 3 times in a row, or the registration was revoked.",
  );
  on("#register-again", "click", () => run(() => sendMail(email)));
  on("#other-identity", "click", showChoose);
}

function showChoose(text = "") {
  if (identities().length === 0) return showRegister();
  show("choose");
  if (typeof text === "string") notice(text);
  const part = document.querySelector('template[data-part="identity"]');
  for (const { email, blocked } of identities()) {
    const item = part.content.cloneNode(true);
    const [pick, remove] = item.querySelectorAll("button");
    pick.dataset.email = remove.dataset.email = email;
    item.querySelector(".avatar").textContent = initial(email);
    item.querySelector(".name").textContent = email;
    item.querySelector(".badge").hidden = !blocked;
    remove.setAttribute("aria-label", `Remove ${email} from this browser`);
    pick.addEventListener("click", () => showEnterPin(email));
    remove.addEventListener("click", () => showRemove(email));
    find(".identities").append(item);
  }
  on("#add-identity", "click", () => showRegister());
}

function showRemove(email) {
  show("remove", email);
  on("#keep", "click", () => showChoose());
  on("#confirm-remove", "click", () => {
    forget(email);
    showChoose(`${email} was removed from this browser.`);
  });
}

// The shortest way that leaves no doubt who logs in.
function start() {
  const { code, userId, actToken } = main.dataset;
  const typed = main.dataset.hint;
  const hint = typed?.includes("@") ? typed.toLowerCase() : typed;
  if (code && login) return run(() => confirm(userId, code));
  if (code) {
    show("other-browser", userId);
    return on("#go-on", "click", () => run(() => confirm(userId, code)));
  }
  // The app has made sure of the person itself.
  if (actToken && hint) return showNewPin(hint, actToken);
  const known = identities();
  if (prompt === "create") return showRegister();
  if (prompt === "select_account") return showChoose();
  if (hint) return identityOf(hint) ? showEnterPin(hint) : showRegister(hint);
  if (known.length === 0) return showRegister();
  return known.length === 1 ? showEnterPin(known[0].email) : showChoose();
}

start();
// A page that comes back from the browser's memory belongs to a login that may be over.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
