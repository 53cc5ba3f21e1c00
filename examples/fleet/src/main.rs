//! A fleet on your machine: the demos of three frameworks behind one address, sharing the sessions of everybody who
//! logs in.
//!
//! `cargo run -p demo-fleet` starts a Redis, a local MIRACL platform, the three demos, and a proxy in front of them
//! that sends each request to the next one. Reload the page: the response header `x-replica` names another
//! framework each time, and you stay logged in. Log out, and you are logged out of all of them.
//!
//! Each variable may have the prefix `MIRACL_`, which wins.
//!
//! * `PORT`: where the proxy listens, 5000 by default; 0 takes a free port.
//! * `SESSION_STORE`: `redis` by default, which starts one here; the URL of another Redis, of one that Sentinel
//!   watches, or of a cluster; or `cookie`, for sessions that are sealed in the browser's cookies.
//! * `MARKS_STORE`: where the fleet records which sessions have ended, so that every replica knows; by default in
//!   the same Redis.
//!
//! Ctrl-C stops all of it, and nothing is kept: no user, no session. When any part of it ends, all others end, too,
//! and also when this program is killed.
//!
//! What a fleet of yours needs of this is in `settings.rs`: the settings that all replicas share. The rest does
//! what a service manager and a load balancer do for you.

mod child;
mod demos;
mod proxy;
mod redis;
mod settings;

use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;

use miracl_platform::{Client, Platform, PlatformConfig, Stop};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::child::Child;
use crate::settings::{Settings, Shared};

#[tokio::main]
async fn main() -> ExitCode {
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return failed(&error),
    };
    tokio::select! {
        // When this finishes first, everything that `run` has started is dropped, and thereby stopped.
        () = stop.asked_for() => ExitCode::SUCCESS,
        ended = run() => match ended {
            Ok(never) => match never {},
            Err(error) => failed(&*error),
        },
    }
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("demo-fleet stops: {error}");
    ExitCode::FAILURE
}

async fn run() -> Result<Infallible, Box<dyn Error>> {
    let settings = Settings::load()?;
    let programs = demos::programs()?;
    // The port comes first: the callback's URL contains it.
    let listener = TcpListener::bind(("127.0.0.1", settings.port))
        .await
        .map_err(|error| settings.cannot_listen(&error))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let folder = tempfile::tempdir()?;

    let mut children = Vec::new();
    let mut redis = None;
    if settings.needs_redis() {
        let (child, url) = redis::start(folder.path()).await?;
        redis = Some((child.id(), url));
        children.push(child);
    }
    let client_secret = settings::random_key()?;
    let platform = Platform::start(PlatformConfig {
        clients: vec![client(&origin, &client_secret)],
        ..PlatformConfig::default()
    })
    .await?;
    let shared = Shared {
        origin: &origin,
        issuer: platform.issuer(),
        client_secret: &client_secret,
        cookie_key: &settings::random_key()?,
        redis: redis.as_ref().map(|(_, url)| &**url),
    };
    let environment = settings.environment(&shared);
    let mut replicas = Vec::new();
    for (demo, program) in programs {
        let started = demos::start(demo, &program, folder.path(), &environment);
        let (child, replica) = started.await?;
        children.push(child);
        replicas.push(replica);
    }

    println!("listening on {origin}");
    println!("open {origin}/ in a browser: each request goes to the next of");
    for replica in &replicas {
        let (framework, address) = (replica.framework, replica.address);
        println!(
            "  {framework:<6} at {address} (process {})",
            replica.process
        );
    }
    println!("{}", settings.summary());
    if let Some((process, _)) = redis {
        println!("that Redis ends with the rest (process {process})");
    }
    println!("a local MIRACL platform runs at {}/", platform.issuer());
    println!("the e-mails it would send are in {}", platform.inbox_url());
    println!("Ctrl-C stops all of it");

    tokio::select! {
        ended = first_to_end(children) => Err(ended.into()),
        ended = proxy::serve(listener, replicas) => Ok(ended?),
    }
}

/// Waits until one part has ended, ends the others, and says which one it was.
async fn first_to_end(children: Vec<Child>) -> String {
    let mut ends = JoinSet::new();
    for mut child in children {
        ends.spawn(async move { child.end().await });
    }
    match ends.join_next().await {
        Some(Ok(ended)) => ended,
        _ => "a part of it is gone".to_owned(),
    }
}

/// The fleet as an app of the platform: one app, no matter how many replicas it has.
fn client(origin: &str, secret: &str) -> Client {
    let mut client = Client::new(settings::CLIENT_ID, secret, format!("{origin}/login"));
    "A fleet".clone_into(&mut client.name);
    client.post_logout_redirect_uris = vec![format!("{origin}/signed-out")];
    // The platform tells one replica of a log-out, whichever is next.
    client.backchannel_logout_uri = Some(format!("{origin}/backchannel-logout"));
    client
}
