// A login by QR code. The page that shows the code waits; the page that the code opens finishes the login.
import { noteSession } from "/login-identities.js";
import { call, find, is, main, names, notice, on, poll, say, show, view } from "/login-steps.js";
import { fill, text, write } from "/login-texts.js";

const { login } = main.dataset;
const qr = document.getElementById("qr");

// What goes on at the other device, as the page with the code says it.
let shown;
const part = (id) => document.getElementById(id);

export function showStage() {
  if (!qr || !shown) return;
  const { stage, userId } = shown;
  const keys = { wid: "qr.scanned", user: "qr.user", abort: "qr.aborted", expired: "qr.expired" };
  part("qr-code").hidden = stage !== "new";
  part("qr-status").hidden = !keys[stage];
  part("qr-new").hidden = stage !== "abort" && stage !== "expired";
  if (keys[stage]) write(part("qr-status"), keys[stage], { email: userId });
}

// Waits at the page of a login: `leave` goes on to the app, `again` loads the page of this login.
let left = false;
let waits = false;
export const stopWaiting = () => (left = true);
export function wait({ leave, again }) {
  if (waits) return;
  waits = true;
  part("qr-new")?.addEventListener("click", again);
  poll(async () => {
    if (left) return true;
    const reply = await fetch(`/login/${login}/stage`, { cache: "no-store" });
    const { stage, userId } = await reply.json();
    if (left) return true;
    if (stage === "over") {
      if (!qr && !is("mail")) return false;
      again();
      return true;
    }
    if (stage === "authenticated" || stage === "signed") {
      leave();
      return true;
    }
    if (shown?.stage !== stage || shown.userId !== userId) {
      shown = { stage, userId };
      showStage();
    }
    return false;
  });
}

// The other side: the session whose code this page has read.
let accessId = "";
let state = { status: "wid" };
let ended = false;

async function tell(next) {
  state = next;
  return call("/rps/v2/codeStatus", { wid: accessId, ...state });
}

export const choose = (userId) => tell({ status: "user", userId }).catch(showEnded);

export function showEnded(error) {
  if (ended) return;
  const status = error?.context?.status;
  if (error && error.code !== "INVALID_AUTHENTICATION_SESSION") throw error;
  ended = true;
  hideShell();
  const reasons = { abort: "device-ended.abort", authenticated: "device-ended.done", signed: "device-ended.done" };
  view(() => {
    show("device-ended");
    notice(say(reasons[status] ?? "device-ended.expired"));
  });
}

export function showDone(hash) {
  ended = true;
  hideShell();
  view(() => {
    show("device-done");
    find("h1").textContent = text(hash ? "device-done.title-sign" : "device-done.title");
  });
}

function hideShell() {
  part("cancel").parentElement.hidden = true;
  part("document").hidden = true;
}

// Joins the session of a code, and shows what it is for. `goOn` is called when the person says that it is theirs.
export async function join(id, { goOn, failed, isConfirmed }) {
  accessId = id;
  let about;
  try {
    about = await tell(state);
  } catch (error) {
    if (error.code === "INVALID_AUTHENTICATION_SESSION" || error.code === "INVALID_REQUEST_PARAMETERS") {
      return showEnded({ ...error, code: "INVALID_AUTHENTICATION_SESSION" });
    }
    return failed(error);
  }
  names.app = about.projectName;
  noteSession(accessId);
  const app = document.querySelector(".app");
  app.dataset.text = about.hash ? "sign-for" : "log-in-to";
  app.hidden = false;
  if (about.hash) showDocument(about);
  fill(document, names);
  const cancel = part("cancel");
  cancel.parentElement.hidden = false;
  cancel.addEventListener("click", () => {
    const aborted = { code: "INVALID_AUTHENTICATION_SESSION", context: { status: "abort" } };
    tell({ status: "abort" }).then(() => showEnded(aborted), showEnded);
  });
  poll(async () => {
    if (ended) return true;
    try {
      await tell(state);
    } catch (error) {
      if (error.code !== "INVALID_AUTHENTICATION_SESSION") return false;
      showEnded(error);
    }
    return ended;
  });
  if (isConfirmed) return goOn(about);
  view(() => {
    show("device");
    find("h1").textContent = text(about.hash ? "device.title-sign" : "device.title");
    write(find(".lead"), about.hash ? "device.lead-sign" : "device.lead", names);
    on("#go-on", "click", () => goOn(about));
  });
}

function showDocument({ description, hash }) {
  part("document").hidden = false;
  part("description").textContent = description;
  part("no-description").hidden = Boolean(description);
  part("hash").textContent = hash;
}
