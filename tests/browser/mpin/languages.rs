//! The login pages in three languages.

use miracl_platform::Project;
use miracl_tests::{Adapter, Chrome, scenarios};

use super::Stage;
use crate::{EMAIL, PIN, arrived, enter_pin, page};

scenarios![
    the_pages_speak_the_language_of_the_browser_from_the_first_to_the_last,
    a_person_goes_on_in_another_language_where_they_are,
];

/// A language, with words of its pages: to register, to wait for mail, to choose a PIN, to enter it, a wrong one.
const LANGUAGES: [(&str, [&str; 5]); 3] = [
    (
        "en",
        [
            "Who are you?",
            "Check your mail",
            "Choose a PIN",
            "Enter your PIN",
            "2 tries left",
        ],
    ),
    (
        "ro",
        [
            "Cine sunteți?",
            "Verificați-vă e-mailul",
            "Alegeți un PIN",
            "Introduceți PIN-ul",
            "2 încercări rămase",
        ],
    ),
    (
        "fr",
        [
            "Qui êtes-vous",
            "Consultez vos messages",
            "Choisissez un code PIN",
            "Saisissez votre code PIN",
            "2 essais restants",
        ],
    ),
];

async fn assert_speaks(chrome: &Chrome, lang: &str, words: &str) {
    chrome.wait_for_text(words).await;
    assert_eq!(
        chrome.script("return document.documentElement.lang").await,
        lang
    );
}

async fn the_pages_speak_the_language_of_the_browser_from_the_first_to_the_last(adapter: Adapter) {
    for (lang, [register, mail, new_pin, pin, wrong]) in LANGUAGES {
        let chrome = Chrome::start_speaking(lang).await;
        let stage = Stage::begin_in(chrome, adapter, Project::default(), |_| {}).await;
        let chrome = &stage.chrome;
        stage.start().await;
        page(chrome, "register").await;
        assert_speaks(chrome, lang, register).await;
        chrome.screenshot(&format!("31-register-{lang}")).await;
        chrome.type_into("#email", EMAIL).await;
        chrome.click("#register").await;
        page(chrome, "mail").await;
        assert_speaks(chrome, lang, mail).await;
        stage.confirm().await;
        page(chrome, "new-pin").await;
        assert_speaks(chrome, lang, new_pin).await;
        stage.choose_pin(PIN).await;
        arrived(chrome, &stage.demo, "/").await;
        stage.start().await;
        page(chrome, "enter-pin").await;
        assert_speaks(chrome, lang, pin).await;
        enter_pin(chrome, "0000").await;
        assert_speaks(chrome, lang, wrong).await;
        // No text is missing: its key would stand in its place.
        let bare = "return [...document.querySelectorAll('[data-text]')]\
                    .filter((it) => it.textContent === it.dataset.text).length";
        assert_eq!(chrome.script(bare).await, 0);
    }
}

async fn a_person_goes_on_in_another_language_where_they_are(adapter: Adapter) {
    let stage = Stage::begin(adapter, Project::default()).await;
    let chrome = &stage.chrome;
    stage.start().await;
    page(chrome, "register").await;
    chrome.type_into("#email", EMAIL).await;
    chrome.click("[data-lang=\"ro\"]").await;
    assert_speaks(chrome, "ro", "Cine sunteți?").await;
    // What was typed is still there.
    chrome.click("#register").await;
    page(chrome, "mail").await;
    stage.confirm().await;
    // The link has been used: a page that was loaded again would have nothing to go on with.
    page(chrome, "new-pin").await;
    assert_speaks(chrome, "ro", "Alegeți un PIN").await;
    chrome.click("[data-lang=\"fr\"]").await;
    assert_speaks(chrome, "fr", "Choisissez un code PIN").await;
    stage.choose_pin(PIN).await;
    arrived(chrome, &stage.demo, "/").await;
}
