// The pages of a login. The PIN stays in this page; the platform gets a proof of it.
import { answer, begin, keyPair, makeToken, sign } from "/mpin.js";
import { forget, hasReadCodeOf, identities, identityOf, keep, lost } from "/login-identities.js";
import * as otherDevice from "/login-other-device.js";
import * as quickCode from "/login-quick-code.js";
import * as steps from "/login-steps.js";
import { call, deviceName, find, is, main, notice, on, say, show, view } from "/login-steps.js";
import { fill, plural, text } from "/login-texts.js";

const { kind, projectId, clientId, login, prompt, usesQuickCodes } = main.dataset;
const run = (act) => steps.run(act, failed);

// What the person logs in to, or signs for. A QR code says it of another page.
const session = {
  accessId: main.dataset.accessId,
  pinLength: Number(main.dataset.pinLength),
  verification: main.dataset.verification,
  hash: document.getElementById("hash").textContent,
};

// What a right PIN leads to. Without a goal, the browser is registered, and that is all.
const goals = {
  login: { scope: "oidc", button: "enter-pin.log-in", reached: finish },
  sign: { scope: "dvs-auth", button: "enter-pin.sign", reached: signDocument },
  quickCode: { scope: "reg-code", button: "enter-pin.quick-code", reached: showQuickCode },
};
let goal;
const sessionGoal = () => (session.hash ? goals.sign : goals.login);

function failed(error) {
  view(() => {
    show("failed");
    const refused = error instanceof steps.Refusal;
    const isToken = error.code === "INVALID_ACTIVATION_TOKEN";
    notice(say(isToken ? "failed.token" : refused ? "failed.refused" : "failed.silent"));
    find("#refusal").hidden = !refused || isToken;
    find("#refusal").textContent = refused ? `${error.code}: ${error.message}` : "";
    on("#try-again", "click", again);
  });
}

// Goes to the page of this login, whichever page of it this is.
function again() {
  otherDevice.stopWaiting();
  if (login) location.replace(`/login/${login}?lang=${document.documentElement.lang}`);
  else location.reload();
}

const wait = () => login && otherDevice.wait({ leave, again });

// The platform has the result: the browser goes to the app with it.
function leave() {
  otherDevice.stopWaiting();
  document.getElementById("finish").submit();
}

function finish() {
  if (login) leave();
  else otherDevice.showDone(session.hash);
}

function showRegister(email = "", said = undefined) {
  view(() => {
    show(session.verification ? "verify" : "register", email);
    notice(said);
    const gone = lost();
    find("#lost").hidden = !gone;
    if (gone) find("#lost").textContent = text("register.lost", { email: gone });
    find("#other-identity").hidden = identities().length === 0;
    on("#other-identity", "click", () => showChoose());
    find("#use-quick-code").hidden = !usesQuickCodes;
    on("#use-quick-code", "click", () => showUseQuickCode(find("#email")?.value || email));
    if (session.verification) find("#verify").href = verificationPage(email);
    else find("#email").value = email || gone || "";
    on("#register-form", "submit", (event) => {
      event.preventDefault();
      run(() => sendMail(find("#email").value.trim().toLowerCase()));
    });
  });
}

// The page of the project that makes sure of a person, and sends them back with a link of the platform.
function verificationPage(email) {
  const page = new URL(session.verification);
  if (email) page.searchParams.set("user_id", email);
  if (!page.searchParams.has("access_id")) page.searchParams.set("access_id", session.accessId);
  return page.href;
}

async function sendMail(email) {
  if (session.verification) return showRegister(email);
  const known = identityOf(email);
  const { accessId } = session;
  const body = { userId: email, projectId, accessId, clientId, deviceName: deviceName(), mpinId: known?.mpinId };
  let sent;
  try {
    sent = await call("/verification/email", body);
  } catch (error) {
    if (error.code === "REQUEST_BACKOFF") {
      const seconds = Math.max(1, Math.ceil(Number(error.context.backoff) - Date.now() / 1000));
      return showRegister(email, () => plural("register.backoff", seconds));
    }
    if (error.code === "INVALID_REQUEST_PARAMETERS") return showRegister(email, say("register.bad-email"));
    throw error;
  }
  if (sent.method === "code") showMailCode(email);
  else showMail(email);
}

// The inbox is a page for this machine only.
const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
function offerInbox() {
  find("#inbox").href = login ? `/inbox?login=${login}` : "/inbox";
  find("#inbox").hidden = !isLocal;
  if (!isLocal && is("mail")) find(".hint").textContent = text("no-mail-here");
}

function showMail(email) {
  view(() => {
    show("mail", email);
    offerInbox();
    find("#check-again").hidden = !login;
    find("#check-again").href = `/login/${login}`;
  });
  wait();
}

function showMailCode(email) {
  view(() => {
    show("mail-code", email);
    offerInbox();
    find("#code").title = text("digits", { count: 6 });
    on("#code-form", "submit", (event) => {
      event.preventDefault();
      run(() => confirm(email, find("#code").value, () => notice(say("mail-code.wrong"))));
    });
  });
}

function showUseQuickCode(email) {
  view(() => {
    show("use-quick-code");
    find("#email").value = email;
    find(email ? "#code" : "#email").focus();
    find("#code").title = text("digits", { count: 6 });
    on("#by-mail", "click", () => showRegister(find("#email").value));
    on("#quick-code-form", "submit", (event) => {
      event.preventDefault();
      const typed = find("#email").value.trim();
      const userId = typed.includes("@") ? typed.toLowerCase() : typed;
      run(() => confirm(userId, find("#code").value, () => notice(say("use-quick-code.wrong"))));
    });
  });
}

// Exchanges a link's secret or digits for an activation token, and asks for a PIN.
async function confirm(email, code, wrong) {
  let confirmed;
  try {
    const { accessId } = session;
    confirmed = await call("/verification/confirmation", { userId: email, code, accessId });
  } catch (error) {
    const isWrong = ["UNSUCCESSFUL_VERIFICATION", "INVALID_REQUEST_PARAMETERS"].includes(error.code);
    if (isWrong && wrong) return wrong();
    if (isWrong && goal) return showRegister(email, say("link-used"));
    throw error;
  }
  if (kind === "message" && !goal && confirmed.verificationRedirectUrl) return goOn(email, confirmed);
  showNewPin(email, confirmed.actToken);
}

// An app has made sure of the person: the registration goes on in its login, which ends at its callback.
function goOn(email, { actToken, clientId, scope, state, nonce, verificationRedirectUrl }) {
  const request = { client_id: clientId, redirect_uri: verificationRedirectUrl, response_type: "code", scope };
  const asked = { ...request, state, nonce, prerollid: email, acttoken: actToken };
  const given = Object.entries(asked).filter(([, value]) => value);
  location.replace(`/authorize?${new URLSearchParams(given)}&lang=${document.documentElement.lang}`);
}

function showPin(email, name, words, entered) {
  steps.showPad(email, name, words, (pin) => run(() => entered(pin)));
  const isKnown = name === "enter-pin";
  find("#other-identity").hidden = find("#forgot-pin").hidden = !isKnown;
  find("#make-quick-code").hidden = !isKnown || !usesQuickCodes || goal !== goals.login || !login;
  if (!isKnown) find("#tries-left").remove();
}

function showNewPin(email, token, said = undefined) {
  const length = session.pinLength;
  view(() => {
    const words = {
      title: text("new-pin.title"),
      lead: text("new-pin.lead", { count: length }),
      button: text("continue"),
      length,
    };
    showPin(email, "new-pin", words, (pin) => showRepeatPin(email, token, pin));
    notice(said);
  });
}

function showRepeatPin(email, token, pin) {
  view(() => {
    const words = {
      title: text("repeat-pin.title"),
      lead: text("repeat-pin.lead"),
      button: text("repeat-pin.button"),
      length: pin.length,
    };
    showPin(email, "repeat-pin", words, async (repeated) => {
      if (repeated !== pin) return showNewPin(email, token, say("repeat-pin.differ"));
      await register(email, token, pin);
      if (!goal) return view(() => show("registered", email));
      if (!login) otherDevice.choose(email);
      await enter(email, pin);
    });
  });
}

// Makes the secret of this browser, and keeps what is left of it without the PIN.
async function register(email, activationToken, pin) {
  const keys = keyPair();
  const body = { userId: email, deviceName: deviceName(), activationToken, publicKey: keys.publicKey };
  const made = await call("/registration", body);
  // The address is the issuer's; this page may be open under another name of this machine.
  const fetchShare = async (url) => {
    const { pathname, search } = new URL(url);
    return (await call(pathname + search)).dvsClientSecret;
  };
  const shares = await Promise.all(made.secretUrls.map(fetchShare));
  const token = makeToken(made.mpinId, keys, shares, pin);
  const { mpinId, dtas } = made;
  keep({ email, mpinId, publicKey: keys.publicKey, dtas, token, pinLength: pin.length });
}

function showEnterPin(email, said = undefined) {
  const identity = identityOf(email);
  if (!identity) return showRegister(email);
  if (identity.blocked) return showBlocked(email);
  if (kind === "other-device" || kind === "message") otherDevice.choose(email);
  view(() => {
    // The project may ask for another length by now; this PIN was chosen before.
    const length = identity.pinLength ?? session.pinLength;
    const words = { title: text("enter-pin.title"), lead: "", button: text(goal.button), length };
    showPin(email, "enter-pin", words, (pin) => enter(email, pin));
    on("#other-identity", "click", () => showChoose());
    on("#forgot-pin", "click", () => run(() => sendMail(email)));
    on("#make-quick-code", "click", () => {
      goal = goals.quickCode;
      showEnterPin(email);
    });
    notice(said);
    const left = identityOf(email).triesLeft;
    find("#notice").hidden = !said && !left;
    if (left) find("#tries-left").textContent = plural("tries-left", left);
    else find("#tries-left").remove();
  });
}

// Proves the PIN to the platform.
async function prove(email, pin) {
  const identity = identityOf(email);
  const { mpinId, dtas, publicKey } = identity;
  const begun = begin(identity);
  const first = { scope: [goal.scope], mpin_id: mpinId, dtas, publicKey, UT: "", U: begun.U };
  const { y } = await call("/rps/v2/pass1", first);
  const V = answer(identity, begun, y, pin);
  const WID = goal.scope === "oidc" ? session.accessId : undefined;
  const { authOTT } = await call("/rps/v2/pass2", { mpin_id: mpinId, WID, V });
  return call("/rps/v2/authenticate", { authOTT, wam: "dvs" });
}

async function enter(email, pin) {
  const identity = identityOf(email);
  let result;
  try {
    result = await prove(email, pin);
    if (result.dvsRegister) {
      // The platform wants the secret renewed, and the proof repeated with the new one.
      await register(email, result.dvsRegister.token, pin);
      result = await prove(email, pin);
    }
  } catch (error) {
    if (error.code === "UNSUCCESSFUL_AUTHENTICATION") {
      keep({ ...identity, triesLeft: Number(error.context.triesLeft) });
      return showEnterPin(email, say("enter-pin.wrong"));
    }
    if (error.code === "REVOKED_MPINID" || error.code === "EXPIRED_MPINID") {
      keep({ ...identity, blocked: error.code });
      return showBlocked(email);
    }
    if (error.code === "INVALID_AUTHENTICATION_SESSION") return login ? again() : otherDevice.showEnded(error);
    throw error;
  }
  keep({ ...identityOf(email), triesLeft: undefined });
  await goal.reached(email, pin, result);
}

async function signDocument(email, pin) {
  const identity = identityOf(email);
  const { mpinId, publicKey, dtas } = identity;
  const { accessId, hash } = session;
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = { hash, ...sign(identity, hash, timestamp, pin), mpinId, publicKey, dtas, timestamp };
  const sent = { wid: accessId, status: "signed", userId: email, signature: btoa(JSON.stringify(signature)) };
  try {
    await call("/rps/v2/codeStatus", sent);
  } catch (error) {
    if (error.code === "INVALID_AUTHENTICATION_SESSION") return login ? again() : otherDevice.showEnded(error);
    throw error;
  }
  finish();
}

function showQuickCode(email, pin, { jwt }) {
  const back = login && (() => {
    goal = sessionGoal();
    showEnterPin(email);
  });
  return quickCode.make(email, jwt, { again: () => showEnterPin(email), back });
}

function showBlocked(email) {
  const { blocked } = identityOf(email);
  view(() => {
    show("blocked", email);
    notice(say(blocked === "EXPIRED_MPINID" ? "blocked.unknown" : "blocked.revoked"));
    on("#register-again", "click", () => run(() => sendMail(email)));
    on("#other-identity", "click", () => showChoose());
  });
}

function showChoose(said = undefined) {
  if (identities().length === 0) return showRegister();
  view(() => {
    show("choose");
    notice(said);
    const part = document.querySelector('template[data-part="identity"]');
    for (const { email, blocked } of identities()) {
      const item = part.content.cloneNode(true);
      const [pick, remove] = item.querySelectorAll("button");
      pick.dataset.email = remove.dataset.email = email;
      item.querySelector(".avatar").textContent = steps.initial(email);
      item.querySelector(".name").textContent = email;
      item.querySelector(".badge").textContent = text("choose.blocked");
      item.querySelector(".badge").hidden = !blocked;
      remove.setAttribute("aria-label", text("choose.remove", { email }));
      pick.addEventListener("click", () => showEnterPin(email));
      remove.addEventListener("click", () => showRemove(email));
      find(".identities").append(item);
    }
    on("#add-identity", "click", () => showRegister());
  });
}

function showRemove(email) {
  view(() => {
    show("remove", email);
    on("#keep", "click", () => showChoose());
    on("#confirm-remove", "click", () => {
      forget(email);
      showChoose(say("choose.removed", { email }));
    });
  });
}

// The shortest way that leaves no doubt who logs in.
function choosePerson() {
  const typed = main.dataset.hint;
  const hint = typed?.includes("@") ? typed.toLowerCase() : typed;
  // The app has made sure of the person itself.
  if (main.dataset.actToken && hint) return showNewPin(hint, main.dataset.actToken);
  const known = identities();
  if (prompt === "create") return showRegister();
  if (prompt === "select_account") return showChoose();
  if (hint) return identityOf(hint) ? showEnterPin(hint) : showRegister(hint);
  if (known.length === 0) return showRegister();
  return known.length === 1 ? showEnterPin(known[0].email) : showChoose();
}

// Finishes the session of a QR code, at once where the person has said before that it is theirs.
function join(accessId, goOn, isConfirmed) {
  const joined = (about) => {
    session.accessId = accessId;
    session.pinLength = Number(about.pinLength) || session.pinLength;
    session.hash = about.hash;
    main.dataset.hint = about.prerollId;
    goal = sessionGoal();
    goOn();
  };
  return otherDevice.join(accessId, { goOn: joined, failed, isConfirmed });
}

function start() {
  const { code, userId, accessId } = main.dataset;
  if (kind === "quick-code") {
    goal = goals.quickCode;
    if (!usesQuickCodes) return quickCode.showNone("quick-code.off");
    const known = identities();
    if (known.length === 0) return quickCode.showNone("quick-code.nobody");
    return known.length === 1 ? showEnterPin(known[0].email) : showChoose();
  }
  if (kind === "other-device") return join(location.hash.slice(1), choosePerson, false);
  const confirmIt = () => run(() => confirm(userId, code));
  if (kind === "message") {
    if (hasReadCodeOf(accessId)) return join(accessId, confirmIt, true);
    if ("goesOn" in main.dataset) return confirmIt();
    return view(() => {
      show("other-browser", userId);
      on("#go-on", "click", confirmIt);
    });
  }
  goal = sessionGoal();
  if (document.getElementById("qr")) wait();
  // The app wants another device to do it.
  if (!accessId) return undefined;
  if (code) return confirmIt();
  return choosePerson();
}

// Where the page is in a frame of another site, browsers keep what it stores apart.
function isApart() {
  if (window.top === window) return false;
  const parents = location.ancestorOrigins;
  if (!parents) return main.dataset.isApart === "true";
  return [...parents].some((origin) => new URL(origin).hostname !== location.hostname);
}

fill(document, steps.names);
document.getElementById("apart").hidden = !isApart();
document.getElementById("no-description").hidden = Boolean(document.getElementById("description").textContent);
steps.offerLanguages((lang) => {
  otherDevice.showStage();
  // The page after this one speaks it, too.
  if (login) fetch(`/login/${login}/stage?lang=${lang}`, { cache: "no-store" }).catch(() => {});
});
document.querySelector("form.cancel")?.addEventListener("submit", otherDevice.stopWaiting);
start();
// A page that comes back from the browser's memory belongs to a login that may be over.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
