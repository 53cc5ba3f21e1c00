//! Where this app is: its origin, its host name, its paths, and which requests come from its own pages.

use url::{Position, Url};

use crate::{
    base::replica,
    config::{
        check::Checked,
        options::{Paths, ResponseMode},
    },
    web::{
        cross_origin::{self, CrossOrigin},
        public_path::is_below,
        request::{RequestView, path_of},
        return_to::ReturnTo,
        route::{Mount, Route},
    },
};

/// The longest host that counts as one: a name of 253 characters (RFC 1035 §2.3.4) and a port.
const MAX_HOST: usize = 253 + ":65535".len();

const READ: &[&str] = &["GET", "HEAD"];
const READ_AND_POST: &[&str] = &["GET", "HEAD", "POST"];
const POST: &[&str] = &["POST"];

/// The site of one app.
#[derive(Debug)]
pub(crate) struct Site {
    /// The redirect URI's origin, with the path `/`.
    pub(crate) origin: Url,
    /// How a browser names the redirect URI's host in a request: with the port where it is not the scheme's own.
    pub(crate) host_header: String,
    pub(crate) callback_path: String,
    /// The path of the page after log-out, when it lies on this site.
    signed_out_path: Option<String>,
    /// The paths of the routes, as the app sees them.
    paths: Paths,
    /// What browsers have in front of the app's paths, because a proxy removes it; empty where none does.
    public_path: String,
    /// Where a login ends that has no other place to return to, as browsers see it.
    pub(crate) home_path: String,
    /// The paths that nobody is returned to after a login, as browsers see them.
    own_paths: Vec<String>,
    /// The origins whose pages may send unsafe requests: ours first.
    allowed_origins: Vec<String>,
    response_mode: ResponseMode,
}

/// Whether a text begins as a path does, and not as a host (`//host`).
fn is_local(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//")
}

impl Site {
    pub(crate) fn new(checked: &Checked) -> Self {
        let config = &checked.config;
        let mut site = Self {
            host_header: checked.origin[Position::BeforeHost..Position::AfterPort].to_owned(),
            origin: checked.origin.clone(),
            callback_path: checked.callback_path.clone(),
            signed_out_path: checked.signed_out_path.clone(),
            paths: config.paths.clone(),
            public_path: config.public_path.clone(),
            home_path: String::new(),
            own_paths: Vec::new(),
            allowed_origins: checked.allowed_origins.clone(),
            response_mode: config.response_mode,
        };
        site.home_path = site.public(&config.home_path);
        let mounts = site.mounts();
        site.own_paths = mounts
            .iter()
            .map(|mount| site.link_to(mount.path))
            .collect();
        site
    }

    /// What a browser must be told to come to a path of the app.
    pub(crate) fn link_to(&self, path: &str) -> String {
        format!("{}{path}", self.public_path)
    }

    /// Puts the public path in front of a path of this site that has not got it. Checks nothing.
    pub(crate) fn public(&self, path: &str) -> String {
        match is_local(path) && !is_below(&self.public_path, path) {
            true => self.link_to(path),
            false => path.to_owned(),
        }
    }

    /// Every route of the login, where it is mounted and the methods it answers. A page after log-out that lies
    /// elsewhere, or is the root, is not among them.
    pub(crate) fn mounts(&self) -> Vec<Mount<'_>> {
        let paths = &self.paths;
        let callback = match self.response_mode {
            ResponseMode::Query => READ,
            ResponseMode::FormPost => READ_AND_POST,
        };
        let mount = |route, path, methods| Mount {
            route,
            path,
            methods,
        };
        let mut mounts = vec![
            mount(Route::Callback, &*self.callback_path, callback),
            mount(Route::LoginStart, &paths.login_start, READ),
            mount(Route::LoginInitiate, &paths.login_initiate, READ_AND_POST),
            mount(Route::Logout, &paths.logout, READ_AND_POST),
            mount(Route::BackChannelLogout, &paths.backchannel_logout, POST),
            mount(Route::FrontChannelLogout, &paths.frontchannel_logout, READ),
        ];
        let optional = [
            (Route::LoginJwt, &paths.login_jwt, POST),
            (Route::AppLoginUrl, &paths.app_login_url, POST),
            (Route::AppToken, &paths.app_token, POST),
            (Route::VerifyUser, &paths.verify_user, READ_AND_POST),
            (Route::Session, &paths.session, READ),
            (Route::SessionRefresh, &paths.session_refresh, POST),
        ];
        for (route, path, methods) in optional {
            mounts.extend(path.as_deref().map(|path| mount(route, path, methods)));
        }
        let signed_out = self.signed_out_path.as_deref();
        mounts.extend(signed_out.map(|path| mount(Route::SignedOut, path, READ)));
        mounts
    }

    /// Whether a browser that asks for this path is about to log in, or comes back from it.
    #[inline]
    pub(crate) fn expects_route(&self, method: &str, path: &str) -> bool {
        (path == self.paths.login_start || path == self.callback_path) && READ.contains(&method)
    }

    /// Checks that an unsafe request comes from a page of this site, or is one that other sites send on purpose.
    #[inline(always)]
    pub(crate) fn check_origin(&self, request: &impl RequestView) -> Result<(), CrossOrigin> {
        match cross_origin::check(request, &self.allowed_origins) {
            Err(refused) if !self.expects_other_sites(request) => {
                self.tell_of_posted_callback(request);
                Err(refused)
            }
            _ => Ok(()),
        }
    }

    /// Tells the log of a callback that another site posts, where this replica expects it in the query.
    fn tell_of_posted_callback(&self, request: &impl RequestView) {
        if request.method() == "POST" && self.is_callback(request) {
            tracing::warn!(
                replica = replica::name(),
                "another site posted a callback, and this replica expects it in the query: `response_mode` \
                 (RESPONSE_MODE) differs between replicas, or the provider does not heed it. If this line stands \
                 alone, somebody may have made the request up"
            );
        }
    }

    /// Whether a request is one that other sites send on purpose: a callback by `form_post`, a login that a third party
    /// initiates, or a logout token. None of them is trusted for where it comes from.
    fn expects_other_sites(&self, request: &impl RequestView) -> bool {
        let target = request.path_and_query();
        let path = path_of(&target);
        request.method() == "POST"
            && self.mounts().iter().any(|mount| {
                mount.path == path
                    && matches!(
                        mount.route,
                        Route::Callback | Route::LoginInitiate | Route::BackChannelLogout
                    )
                    && mount.methods.contains(&"POST")
            })
    }

    /// The redirect URI's host name.
    pub(crate) fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    /// The host name of a request, where it is another than the redirect URI's.
    pub(crate) fn other_host(&self, request: &impl RequestView) -> Option<String> {
        let host = request.host().filter(|host| host.len() <= MAX_HOST)?;
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        if name.eq_ignore_ascii_case(self.host()) {
            return None;
        }
        // The rare case: it may be another spelling of the same name.
        let url = Url::parse(&format!("http://{host}/")).ok()?;
        let name = url.host_str()?;
        (name != self.host()).then(|| name.to_owned())
    }

    /// Whether a request is for the callback's path.
    pub(crate) fn is_callback(&self, request: &impl RequestView) -> bool {
        let target = request.path_and_query();
        let rest = target.strip_prefix(&self.callback_path);
        rest.is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'?', ..]))
    }

    /// Whether a request begins a session by a project JWT.
    pub(crate) fn is_login_jwt(&self, request: &impl RequestView) -> bool {
        let target = request.path_and_query();
        self.paths.login_jwt.as_deref() == Some(path_of(&target))
    }

    /// The absolute URL of the home path.
    pub(crate) fn home_url(&self) -> String {
        self.origin
            .join(&self.home_path)
            .map_or_else(|_| self.origin.to_string(), Into::into)
    }

    /// The absolute URL of the login route.
    pub(crate) fn login_start(&self) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&self.link_to(&self.paths.login_start));
        url
    }

    /// The path of the log-out route, for a form.
    pub(crate) fn logout(&self) -> String {
        self.link_to(&self.paths.logout)
    }

    /// Whether a URL lies on this site.
    pub(crate) fn is_here(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            url.origin() == self.origin.origin() && is_below(&self.public_path, url.path())
        })
    }

    /// Takes a path to return to, if it is one: from a parameter or from the app, with the public path or without.
    pub(crate) fn return_to(&self, path: &str) -> Option<ReturnTo> {
        self.below(ReturnTo::parse(
            &self.public(path),
            &self.origin,
            &self.own_paths,
        ))
    }

    /// Takes the path of a request, as the app sees it, to return to, if that is possible.
    pub(crate) fn return_here(&self, path: &str) -> Option<ReturnTo> {
        let path = is_local(path).then(|| self.link_to(path))?;
        self.below(ReturnTo::parse(&path, &self.origin, &self.own_paths))
    }

    /// Takes an absolute URL to return to, if it lies on this site.
    pub(crate) fn return_to_url(&self, url: &str) -> Option<ReturnTo> {
        self.below(ReturnTo::from_url(url, &self.origin, &self.own_paths))
    }

    /// Only what is below the public path after dot segments are removed.
    fn below(&self, path: Option<ReturnTo>) -> Option<ReturnTo> {
        path.filter(|path| is_below(&self.public_path, path.as_str()))
    }
}

#[cfg(test)]
mod tests;
