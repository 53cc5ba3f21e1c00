//! One module on one app: the steps of a login, and what the app is asked between them.

use std::pin::{Pin, pin};
use std::task::Poll;

use miracl_platform::{Fault, Platform, RecordedRequest};
use tokio::sync::OwnedMutexGuard;
use url::Url;

use crate::app::App;
use crate::browser::{Answer, Browser, Request};
use crate::callback::Callback;
use crate::judge::{Attempt, Expect, Step};
use crate::person::{Person, answer_without_pin};
use crate::setup::Setup;
use crate::stop::{Checked, Stop, ensure, lacks};

/// How many redirects of its own an app may send before the provider.
const HOPS: usize = 5;

/// An app under test and its provider.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) app: App,
    pub(crate) platform: Platform,
    pub(crate) setup: Setup,
    person: Person,
}

impl Running {
    /// # Errors
    ///
    /// When the provider does not sign the person in.
    pub(crate) fn new(app: App, platform: Platform, setup: Setup) -> Checked<Self> {
        let person = Person::new(&platform)?;
        Ok(Self {
            app,
            platform,
            setup,
            person,
        })
    }
}

/// A running app, used by one module at a time.
pub(crate) type Held = OwnedMutexGuard<Option<Running>>;

/// One module on one app.
#[derive(Debug)]
pub(crate) struct Run {
    held: Held,
    pub(crate) browser: Browser,
    second: Option<Box<Self>>,
}

/// How the start of a login ended.
#[derive(Debug)]
pub(crate) enum Started {
    /// At the provider.
    At(Url),
    /// At the app, with this answer.
    Stopped(Answer),
}

impl Run {
    pub(crate) fn new(held: Held, second: Option<Box<Self>>) -> Checked<Self> {
        let running = held.as_ref().ok_or_else(|| "there is no app".to_owned())?;
        running.platform.clear_requests();
        running.platform.set_fault(None);
        let browser = running.person.at_app.another();
        Ok(Self {
            held,
            browser,
            second,
        })
    }

    fn running(&self) -> &Running {
        self.held
            .as_ref()
            .expect("a run begins with an app and keeps it")
    }

    pub(crate) fn app(&self) -> &App {
        &self.running().app
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.running().platform
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.running().setup
    }

    /// The app at the other provider.
    pub(crate) fn second(&self) -> Checked<&Self> {
        self.second.as_deref().ok_or(Stop::Lacks("a second app"))
    }

    /// Takes the run apart, so that the next module can use the app, or not.
    pub(crate) fn into_held(self) -> (Held, Option<Held>) {
        (self.held, self.second.map(|second| second.held))
    }

    /// The requests that the provider received, the oldest first.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.platform().requests()
    }

    /// How often the provider was asked for a step.
    pub(crate) fn count(&self, step: Step) -> usize {
        step.path().map_or(0, |path| self.platform().count(path))
    }

    /// Starts a login with parameters for the login path, and follows the app's own redirects until the provider.
    pub(crate) async fn start_with(&self, parameters: &[(&str, &str)]) -> Checked<Started> {
        let mut url = self.app().url(&self.app().login);
        url.query_pairs_mut().extend_pairs(parameters);
        self.start_at(url).await
    }

    pub(crate) async fn start_at(&self, url: Url) -> Checked<Started> {
        self.start_in(&self.browser, url).await
    }

    /// Starts a login in another browser, as [`start`](Self::start) does.
    async fn start_in(&self, browser: &Browser, url: Url) -> Checked<Started> {
        let mut answer = browser.open(url).await?;
        for _ in 0..HOPS {
            match answer.location() {
                None => return Ok(Started::Stopped(answer)),
                Some(target) if self.app().owns(&target) => answer = browser.open(target).await?,
                Some(target) if self.is_authorization(&target) => return Ok(Started::At(target)),
                Some(target) => {
                    let line = answer.line();
                    return Err(Stop::Failed(format!(
                        "the login leads to a stranger, {target}: {line}"
                    )));
                }
            }
        }
        Err(Stop::Failed(format!(
            "the login does not come to the provider: {}",
            answer.line()
        )))
    }

    fn is_authorization(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.platform().issuer()
            && Some(url.path()) == Step::Authorization.path()
    }

    /// Starts a login that must reach the provider.
    pub(crate) async fn authorize_url(&self) -> Checked<Url> {
        self.authorize_url_in(&self.browser).await
    }

    /// Starts a login in another browser that must reach the provider.
    async fn authorize_url_in(&self, browser: &Browser) -> Checked<Url> {
        let url = self.app().url(&self.app().login);
        match self.start_in(browser, url).await? {
            Started::At(url) => Ok(url),
            Started::Stopped(answer) => Err(Stop::Failed(format!(
                "the login does not begin: {}\n{}",
                answer.line(),
                answer.body
            ))),
        }
    }

    /// The person logs in at the provider, and is sent back.
    pub(crate) async fn approve(&self, authorize_url: &Url) -> Checked<Callback> {
        Callback::of(self.running().person.log_in(authorize_url).await)
    }

    /// Starts a login, logs in at the provider, and returns the callback, which is not delivered yet.
    pub(crate) async fn callback(&self) -> Checked<Callback> {
        let url = self.authorize_url().await?;
        self.approve(&url).await
    }

    /// Delivers the callback in the browser.
    pub(crate) async fn deliver(&self, callback: &Callback) -> Checked<Answer> {
        self.deliver_in(&self.browser, callback).await
    }

    /// Delivers the callback in another browser.
    pub(crate) async fn deliver_in(
        &self,
        browser: &Browser,
        callback: &Callback,
    ) -> Checked<Answer> {
        let request = match &callback.form {
            None => Request::navigate(callback.url.clone()),
            Some(form) => Request::form(callback.url.clone(), form),
        };
        Ok(browser
            .send(request.sent_by(self.platform().issuer()))
            .await?)
    }

    /// A whole login, however it ends.
    pub(crate) async fn attempt(&self) -> Checked<Attempt> {
        self.attempt_with(&[]).await
    }

    /// A whole login with parameters for the login path.
    pub(crate) async fn attempt_with(&self, parameters: &[(&str, &str)]) -> Checked<Attempt> {
        match self.start_with(parameters).await? {
            Started::Stopped(answer) => Ok(Attempt {
                came_back: false,
                answer,
            }),
            Started::At(url) => {
                let callback = self.approve(&url).await?;
                let answer = self.deliver(&callback).await?;
                Ok(Attempt {
                    came_back: true,
                    answer,
                })
            }
        }
    }

    /// A login that must be accepted.
    pub(crate) async fn log_in(&self) -> Checked<Answer> {
        let attempt = self.attempt().await?;
        Expect::Accepted.judge(self, &attempt).await?;
        Ok(attempt.answer)
    }

    /// Logs in as another person at the provider, with a browser of their own: a module may end their session
    /// there.
    pub(crate) fn visitor(&self, email: &str) -> Checked<miracl_platform::Browser> {
        let visitor = self.platform().browser();
        visitor.sign_in(email).map_err(|error| error.to_string())?;
        Ok(visitor)
    }

    /// Logs in, in any browser, as a person who is signed in at the provider. The login must be accepted.
    pub(crate) async fn log_in_as(
        &self,
        visitor: &miracl_platform::Browser,
        browser: &Browser,
    ) -> Checked {
        let url = self.authorize_url_in(browser).await?;
        let callback = Callback::of(answer_without_pin(visitor, &url).await)?;
        let answer = self.deliver_in(browser, &callback).await?;
        ensure!(
            self.probe(browser).await?,
            "nobody is logged in: {}",
            answer.line()
        );
        Ok(())
    }

    /// A login at a provider with a fault, which must be refused in any way.
    ///
    /// Somebody who is logged in and comes back with a `state` of no login may be led on to a page of the app, since
    /// going back in the browser does that. Then no code is sent.
    pub(crate) async fn fail_with(&self, fault: Fault) -> Checked {
        let is_known = self.app().probe.is_some() && self.probe(&self.browser).await?;
        let codes = self.count(Step::Token);
        self.platform().set_fault(Some(fault));
        let attempt = self.attempt().await;
        self.platform().set_fault(None);
        let answer = attempt?.answer;
        let is_led_on = is_known
            && fault == Fault::CallbackWrongState
            && (300..400).contains(&answer.status)
            && self.count(Step::Token) == codes;
        ensure!(
            answer.status >= 400 || is_led_on,
            "the login is not refused: {}",
            answer.line()
        );
        Ok(())
    }

    /// Whether the browser is logged in, after the app gave this answer to a login.
    pub(crate) async fn is_logged_in(&self, answer: &Answer) -> Checked<bool> {
        match &self.app().probe {
            Some(_) => self.probe(&self.browser).await,
            None => {
                let kept = answer.set_cookies().iter().any(|cookie| !cookie.deleted);
                Ok(answer.status < 400 && kept)
            }
        }
    }

    /// Whether a browser is logged in.
    pub(crate) async fn probe(&self, browser: &Browser) -> Checked<bool> {
        let path = lacks(&self.app().probe, "a probe")?;
        let answer = browser.send(Request::fetch(self.app().url(path))).await?;
        match answer.status {
            200 => Ok(true),
            300..=399 | 401 | 403 => Ok(false),
            _ => Err(Stop::Failed(format!(
                "the probe is out of order: {}\n{}",
                answer.line(),
                answer.body
            ))),
        }
    }

    /// Fails unless the browser is logged in.
    pub(crate) async fn ensure_logged_in(&self, when: &str) -> Checked {
        ensure!(
            self.probe(&self.browser).await?,
            "nobody is logged in {when}"
        );
        Ok(())
    }

    /// Fails if the browser is logged in.
    pub(crate) async fn ensure_nobody(&self, browser: &Browser, when: &str) -> Checked {
        ensure!(!self.probe(browser).await?, "somebody is logged in {when}");
        Ok(())
    }
}

/// Waits for all of them at once.
pub(crate) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    let mut all = pin!(std::future::poll_fn(move |context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            Poll::Ready(done.drain(..).flatten().collect())
        } else {
            Poll::Pending
        }
    }));
    all.as_mut().await
}
