// Making a QuickCode: a registered browser vouches for another device.
import { call, deviceName, find, is, main, notice, on, say, show, view } from "/login-steps.js";
import { plural, text } from "/login-texts.js";

export function showNone(key) {
  view(() => {
    show("no-quick-code");
    notice(say(key));
  });
}

// Asks for a code with the token of a login for it, and shows it while it is good.
export async function make(email, token, { again, back }) {
  let made;
  try {
    made = await call("/verification/quickcode", {
      projectId: main.dataset.projectId,
      jwt: token,
      deviceName: deviceName(),
    });
  } catch (error) {
    if (error.code !== "FORBIDDEN") throw error;
    return showNone("quick-code.off");
  }
  const ends = Date.now() + made.ttlSeconds * 1000;
  const tick = () => {
    const minutes = Math.ceil((ends - Date.now()) / 60000);
    const isGood = minutes > 0;
    find("#quick-code").textContent = isGood ? made.code : "";
    find("#minutes").textContent = isGood ? plural("quick-code.minutes", minutes) : text("quick-code.expired");
    return isGood;
  };
  view(() => {
    show("quick-code", email);
    on("#another-code", "click", again);
    if (back) on("#back-to-login", "click", back);
    else find("#back-to-login").remove();
    tick();
  });
  const ticking = setInterval(() => {
    if (!is("quick-code") || !tick()) clearInterval(ticking);
  }, 5000);
}
