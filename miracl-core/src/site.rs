//! Where this app is: its origin, its host name, its paths, and which requests come from its own pages.

use url::{Position, Url};

use crate::{
    config::{
        check::Checked,
        options::{Paths, ResponseMode},
    },
    web::{
        cross_origin::{self, CrossOrigin},
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
    pub(crate) paths: Paths,
    pub(crate) home_path: String,
    /// The origins whose pages may send unsafe requests: ours first.
    allowed_origins: Vec<String>,
    response_mode: ResponseMode,
}

impl Site {
    pub(crate) fn new(checked: &Checked) -> Self {
        let config = &checked.config;
        Self {
            host_header: checked.origin[Position::BeforeHost..Position::AfterPort].to_owned(),
            origin: checked.origin.clone(),
            callback_path: checked.callback_path.clone(),
            signed_out_path: checked.signed_out_path.clone(),
            paths: config.paths.clone(),
            home_path: config.home_path.clone(),
            allowed_origins: checked.allowed_origins.clone(),
            response_mode: config.response_mode,
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
            Err(refused) if !self.expects_other_sites(request) => Err(refused),
            _ => Ok(()),
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
                    && mount.methods.contains(&"POST")
                    && mount.route != Route::Logout
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

    /// The absolute URL of the home path.
    pub(crate) fn home_url(&self) -> String {
        self.origin
            .join(&self.home_path)
            .map_or_else(|_| self.origin.to_string(), Into::into)
    }

    /// The absolute URL of the login route.
    pub(crate) fn login_start(&self) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&self.paths.login_start);
        url
    }

    /// Whether a URL lies on this site.
    pub(crate) fn is_here(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.origin.origin())
    }

    /// Takes a path to return to, if it is one.
    pub(crate) fn return_to(&self, path: &str) -> Option<ReturnTo> {
        ReturnTo::parse(path, &self.origin, &self.own_paths())
    }

    /// Takes an absolute URL to return to, if it lies on this site.
    pub(crate) fn return_to_url(&self, url: &str) -> Option<ReturnTo> {
        ReturnTo::from_url(url, &self.origin, &self.own_paths())
    }

    /// The routes that nobody is returned to after a login.
    fn own_paths(&self) -> Vec<&str> {
        self.mounts().iter().map(|mount| mount.path).collect()
    }
}
