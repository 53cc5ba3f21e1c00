//! A server, alone on a CPU, which every framework takes as a reason to have one worker.

use std::{
    ffi::OsString,
    net::TcpListener,
    process::{Command, Stdio},
    time::Duration,
};

use miracl_tests::{Adapter, Demo, DemoBuilder, Redis};

use crate::{
    http::{Connection, Exchange},
    mode::Mode,
    programs::{Programs, SERVER},
    session::Provider,
};

/// How long a server may take to listen under valgrind on a busy machine.
const START: Duration = Duration::from_secs(120);
/// How long it may take to end.
const END: Duration = Duration::from_secs(60);
const CALLGRIND_OUT: &str = "callgrind.out";
/// Where valgrind and its clients find each other: in the directory of the server.
const VGDB_PREFIX: &str = "--vgdb-prefix=./vgdb";

/// Which server to start.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// A demo with its sessions in this store, and a logged-in person.
    Demo(Adapter, Mode),
    /// The same with a claim in the small part of each session, and an admin.
    Rights(Adapter, Mode),
    /// A route under a layer.
    Layer(Adapter, &'static str),
    /// Another library's server: the program, its settings, and the name of its row.
    Peer(crate::peers::Peer),
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    demo: Demo,
    /// The request that does not ask who is logged in.
    pub(crate) bare: Exchange,
    /// The request of a logged-in person.
    pub(crate) whoami: Option<Exchange>,
    /// The request of an admin for what only admins see.
    pub(crate) admin: Option<Exchange>,
    pub(crate) redis: Option<Redis>,
}

impl Server {
    /// Starts a server on a CPU, under valgrind where asked for, and logs a person in.
    pub(crate) fn start(
        which: &Which,
        programs: &Programs,
        provider: &Provider,
        cpu: u32,
        under_valgrind: bool,
    ) -> Result<Self, String> {
        let mut command: Vec<OsString> = ["taskset", "-c", &cpu.to_string()].map(Into::into).into();
        if under_valgrind {
            let out = format!("--callgrind-out-file={CALLGRIND_OUT}");
            let valgrind = ["valgrind", "--tool=callgrind", &out, VGDB_PREFIX];
            command.extend(valgrind.map(OsString::from));
        }
        let set = |builder: DemoBuilder, pairs: &[(&str, String)]| {
            let pairs = pairs.iter();
            pairs.fold(builder, |builder, (name, value)| builder.env(name, value))
        };
        match which {
            Which::Demo(framework, mode) | Which::Rights(framework, mode) => {
                command.push(programs.get(framework.demo)?.into());
                let (store, redis) = mode.store();
                let client = provider.client();
                let builder = Demo::builder(*framework)
                    .env("SESSION_STORE", &store)
                    .env("DATABASE_URL", "sqlite::memory:");
                let asks_rights = matches!(which, Which::Rights(..));
                let (builder, email) = match asks_rights {
                    true => {
                        let builder = builder.env("SESSION_QUICK_CLAIMS", "roles");
                        (builder, provider.admin())
                    }
                    false => (builder, provider.email()),
                };
                let demo = start(set(builder, &client), command)?;
                let cookie = provider.log_in(&demo, &client, email)?;
                let whoami = Exchange {
                    path: "/whoami",
                    cookie: Some(cookie),
                    body: email.to_owned(),
                };
                let admin = Exchange {
                    path: "/admins",
                    ..whoami.clone()
                };
                Ok(Self {
                    bare: bare("/health", "This program is running."),
                    whoami: Some(whoami),
                    admin: asks_rights.then_some(admin),
                    demo,
                    redis,
                })
            }
            Which::Layer(framework, variant) => {
                command.push(programs.get(SERVER)?.into());
                command.extend([framework.name, variant].map(OsString::from));
                Ok(Self {
                    demo: start(Demo::builder(*framework), command)?,
                    bare: bare("/public", "This page is for everyone."),
                    whoami: None,
                    admin: None,
                    redis: None,
                })
            }
            Which::Peer(peer) => {
                command.push(peer.program.clone().into());
                let port = free_port()?;
                let builder = Demo::builder(peer.framework).silent_at(port);
                let settings = peer.settings(port);
                let demo = start(set(builder, &settings), command)?;
                let (bare, whoami) = peer.exchanges(demo.port())?;
                Ok(Self {
                    demo,
                    bare,
                    whoami: Some(whoami),
                    admin: None,
                    redis: None,
                })
            }
        }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.demo.port()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.demo.id()
    }

    /// A new connection to it.
    pub(crate) fn connect(&self) -> Result<Connection, String> {
        Connection::open(self.port())
    }

    /// Has callgrind write what it has counted since it last wrote, and returns the file's text. `number` counts these
    /// calls, from 1.
    pub(crate) fn profile(&self, number: u32) -> Result<String, String> {
        let asked = Command::new("vgdb")
            .args([VGDB_PREFIX, &format!("--pid={}", self.id()), "dump"])
            .current_dir(self.demo.directory())
            .stdin(Stdio::null())
            .output();
        let asked = asked.map_err(|error| format!("vgdb: {error}"))?;
        let file = self
            .demo
            .directory()
            .join(format!("{CALLGRIND_OUT}.{number}"));
        std::fs::read_to_string(&file).map_err(|error| {
            let said = String::from_utf8_lossy(&asked.stderr);
            format!("{}: {error}; vgdb said {said:?}", file.display())
        })
    }

    /// Asks it to end.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.demo.terminate();
        match self.demo.wait_for_end(END) {
            Some(0) => Ok(()),
            // By the signal itself, of which valgrind tells callgrind first.
            None if self.demo.directory().join(CALLGRIND_OUT).exists() => Ok(()),
            code => Err(format!("it ended with {code:?}:\n{}", self.demo.log())),
        }
    }
}

fn start(builder: DemoBuilder, command: Vec<OsString>) -> Result<Demo, String> {
    let started = builder.command(command, START).try_start();
    started.map_err(|refused| format!("it does not start: {refused}"))
}

/// A request for a constant text, without a `Cookie` header.
fn bare(path: &'static str, body: &str) -> Exchange {
    Exchange {
        path,
        cookie: None,
        body: body.to_owned(),
    }
}

fn free_port() -> Result<u16, String> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    Ok(free.map_err(|error| error.to_string())?.port())
}
