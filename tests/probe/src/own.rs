//! What the hooks of a probe answer themselves, where the scenario has set `PROBE_OWN`.

use miracl_core::{
    Category, Visit,
    app::{access::Refused, page::Page, session::LoginOptions},
};

/// The status of an answer of the probe's own.
pub const STATUS: u16 = 418;

/// Whether the scenario asks for this.
fn is_asked_for(what: &str) -> bool {
    std::env::var("PROBE_OWN").is_ok_and(|asked| asked.split(' ').any(|one| one == what))
}

/// The body of the answer to a request that is turned away, which leaves a message, too. With `refusals`.
pub fn refused(visit: impl FnOnce() -> Visit, refused: &Refused) -> Option<String> {
    if !is_asked_for("refusals") {
        return None;
    }
    visit().flash(Category::Info, "Turned away.");
    let login = refused.login_url().unwrap_or("no login");
    Some(format!(
        "{:?}, {}, {login}",
        refused.kind(),
        refused.reply().status
    ))
}

/// Changes what a login asks for. `false` is a veto, for a login that would come back to `/barred`. With `logins`.
pub fn authorize(login: &mut LoginOptions) -> bool {
    if !is_asked_for("logins") {
        return true;
    }
    let extra = [("audience", "orders"), ("state", "of my own")];
    let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned()));
    login.extra.extend(extra);
    login.ui_locales = Some("rm".to_owned());
    match login.return_to.as_deref() {
        Some("/barred") => return false,
        Some("/elsewhere") => login.return_to = Some("https://evil.example/".to_owned()),
        Some("/moved") => login.return_to = Some("/me".to_owned()),
        Some("/long") => login.login_hint = Some("x".repeat(600)),
        _ => {}
    }
    true
}

/// Changes the words of a page, with `words`, or the page as a whole, with `pages`.
pub fn page(page: &mut Page) {
    let kind = format!("{:?}", page.kind());
    if is_asked_for("words") {
        let language = page.accept_language().unwrap_or("en").to_owned();
        page.title = format!("<{kind}>");
        page.sentence = format!("In {language}.");
        page.lang = language;
        for link in &mut page.links {
            link.label = "Onward & upward".to_owned();
        }
    }
    if is_asked_for("pages") {
        let links: Vec<_> = page.links.iter().map(|link| link.url.as_str()).collect();
        page.html = Some(format!("<!doctype html>\n{kind}: {}", links.join(" ")));
        page.policy = Some("default-src 'self'".to_owned());
    }
}
