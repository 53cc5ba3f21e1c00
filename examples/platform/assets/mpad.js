/*
 * mpad.js: the login button of a local MIRACL platform.
 *
 *   <div id="btmpin"></div>
 *   <script src="http://127.0.0.1:5050/mpad.js"
 *           data-authurl="http://127.0.0.1:5000/login/start" data-element="btmpin"></script>
 *
 * Attributes of the script:
 *
 *   data-authurl   where a login begins: your app's own address that redirects to the platform, or
 *                  the authorization URL itself. Required.
 *   data-element   id of the element that gets the button. Required.
 *   data-overlay   "true" opens the login in a dialog over the page instead of leaving it. Closed
 *                  by its × or Esc; its last step opens the callback in the whole window.
 *                  By default the button is a plain link.
 *   data-text      text of the button. By default "Log in with MIRACL".
 *
 * Attributes of the element:
 *
 *   data-prerollid who is logging in: pre-fills the e-mail address, or picks the identity. Added to
 *                  data-authurl as the parameter prerollid.
 *
 * The button is <a class="miracl-login">, the dialog <dialog class="miracl-overlay">, its frame
 * <iframe class="miracl-frame">, its × <button class="miracl-close">.
 *
 * With a Content-Security-Policy your page needs the platform in script-src, and for the dialog in
 * frame-src (beside 'self' if data-authurl is yours). No inline style is used.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  const { authurl, element, overlay, text = "Log in with MIRACL" } = script.dataset;
  const platform = new URL(script.src).origin;

  const CSS = `
    .miracl-login, .miracl-overlay {
      --miracl-accent: #4353e0; --miracl-accent-hover: #3442c4; --miracl-on-accent: #fff; }
    @media (prefers-color-scheme: dark) {
      .miracl-login, .miracl-overlay {
        --miracl-accent: #98a4ff; --miracl-accent-hover: #b3bcff; --miracl-on-accent: #11142a; } }
    .miracl-login { display: inline-flex; align-items: center; justify-content: center; gap: .625em;
      padding: .625rem 1.125rem; border: 1px solid transparent; border-radius: .625rem;
      background: var(--miracl-accent); color: var(--miracl-on-accent);
      font: 600 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
      text-decoration: none; }
    .miracl-login:hover { background: var(--miracl-accent-hover); color: var(--miracl-on-accent); }
    .miracl-login:focus-visible { outline: 2px solid var(--miracl-accent); outline-offset: 2px; }
    .miracl-login svg { width: 1.25em; height: 1.25em; flex: none; }
    .miracl-overlay { box-sizing: border-box; width: min(30rem, 100vw); height: min(47rem, 100dvh); max-width: none;
      max-height: none; margin: auto; padding: 0; border: 0; border-radius: 1rem; overflow: hidden; background: Canvas;
      box-shadow: 0 20px 60px rgb(0 0 0 / .4); }
    .miracl-overlay::backdrop { background: rgb(15 15 35 / .6); }
    .miracl-frame { display: block; width: 100%; height: 100%; border: 0; }
    .miracl-close { position: absolute; top: .15rem; right: .4rem; width: 2.25rem; height: 2.25rem; border: 0;
      padding: 0; border-radius: 50%; background: none; color: inherit; font: 1.625rem/1 system-ui, sans-serif;
      cursor: pointer; }
    .miracl-close:hover { background: rgb(128 128 128 / .25); }
    .miracl-close:focus-visible { outline: 2px solid var(--miracl-accent); }
    @media (max-width: 30rem) { .miracl-overlay { height: 100dvh; border-radius: 0; } }
  `;

  function addStyle() {
    // A constructed sheet works where a Content-Security-Policy forbids inline styles.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  function icon() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const y of [5, 12, 19]) {
      for (const x of [5, 12, 19]) {
        const dot = document.createElementNS(svg.namespaceURI, "circle");
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y);
        dot.setAttribute("r", "2.4");
        dot.setAttribute("fill", "currentColor");
        svg.append(dot);
      }
    }
    return svg;
  }

  function openOverlay(url) {
    const dialog = document.createElement("dialog");
    dialog.className = "miracl-overlay";
    dialog.setAttribute("aria-label", text);

    const frame = document.createElement("iframe");
    frame.className = "miracl-frame";
    frame.title = text;
    frame.src = url;

    const close = document.createElement("button");
    close.className = "miracl-close";
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.textContent = "×";
    close.addEventListener("click", () => dialog.close());

    const listen = (event) => {
      // Only the platform, and only from the frame made here, may say where to go.
      const ours = event.origin === platform && event.source === frame.contentWindow;
      if (ours && event.data && event.data.miracl === "done" && /^https?:/.test(event.data.url)) {
        event.source.postMessage({ miracl: "going" }, platform);
        window.location.assign(event.data.url);
      }
    };
    window.addEventListener("message", listen);
    dialog.addEventListener("close", () => {
      window.removeEventListener("message", listen);
      dialog.remove();
    });

    dialog.append(frame, close);
    document.body.append(dialog);
    dialog.showModal();
  }

  function render() {
    const place = document.getElementById(element);
    if (!place || !authurl) {
      console.error("mpad.js: data-authurl and data-element (the id of an element of this page) are required");
      return;
    }
    const url = new URL(authurl, document.baseURI);
    if (place.dataset.prerollid) url.searchParams.set("prerollid", place.dataset.prerollid);

    const button = document.createElement("a");
    button.className = "miracl-login";
    button.href = url.href;
    button.append(icon(), text);
    if (overlay === "true") {
      button.setAttribute("aria-haspopup", "dialog");
      button.addEventListener("click", (event) => {
        // A click that asks for a new tab gets one.
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        openOverlay(url.href);
      });
    }
    addStyle();
    place.replaceChildren(button);
  }

  if (document.readyState === "loading" && !document.getElementById(element)) {
    document.addEventListener("DOMContentLoaded", render);
  } else {
    render();
  }
})();
