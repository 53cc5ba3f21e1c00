//! The nodes of a cluster, each with its part of the keys.
//!
//! The client library knows which node has a key, and stays connected to all of them. We decide what is sent a second
//! time: only what a node says it has not done.

use std::time::Duration;

use ::redis::{
    Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value, aio::ConnectionLike, cluster::ClusterClient,
    cluster_async::ClusterConnection, cluster_routing::SingleNodeRoutingInfo, cmd, pipe,
};
use tokio::{task::JoinSet, time::sleep};

use crate::store::redis::address::{Address, Host};

/// How often a command is redirected to the node that now has its key.
const REDIRECTS: u32 = 4;
/// By how much the pause before a redirection grows each time: nodes learn of a change one after the other.
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Cluster {
    client: ClusterClient,
}

impl Cluster {
    /// Uses no network.
    pub(super) fn new(address: &Address, limit: Duration) -> RedisResult<Self> {
        let nodes = address.hosts.iter().map(|Host { name, port }| {
            let info = ::redis::ConnectionAddr::Tcp(name.clone(), *port);
            ::redis::IntoConnectionInfo::into_connection_info(info)
                .map(|info| info.set_redis_settings(address.login.clone()))
        });
        let client = ClusterClient::builder(nodes.collect::<RedisResult<Vec<_>>>()?)
            // A node's connection reports its end this way.
            .use_protocol(ProtocolVersion::RESP3)
            // Its own retries would repeat what a node may have done already.
            .retries(0)
            // While it connects to one node, commands to the others may have to wait.
            .connection_timeout(limit / 4)
            .response_timeout(limit)
            .overall_response_timeout(None)
            .build()?;
        Ok(Self { client })
    }

    pub(super) async fn connect(&self) -> RedisResult<ClusterConnection> {
        self.client.get_async_connection().await
    }
}

/// The order of commands that may go to different nodes.
#[derive(Clone, Copy)]
pub(super) enum Order {
    AsGiven,
    Any,
}

impl Order {
    pub(super) fn within(self, cluster: ClusterConnection) -> Commands {
        Commands {
            cluster,
            order: self,
        }
    }
}

/// Takes commands to the nodes that have their keys, each on its own.
pub(super) struct Commands {
    cluster: ClusterConnection,
    order: Order,
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(send(self.cluster.clone(), command.clone()))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        _: usize,
        _: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let all = commands.cmd_iter().cloned();
        match self.order {
            Order::AsGiven => Box::pin(async move {
                let mut answers = Vec::with_capacity(commands.len());
                for command in all {
                    answers.push(send(self.cluster.clone(), command).await?);
                }
                Ok(answers)
            }),
            Order::Any => Box::pin(async move {
                let mut sent = JoinSet::new();
                for (place, command) in all.enumerate() {
                    let cluster = self.cluster.clone();
                    sent.spawn(async move { (place, send(cluster, command).await) });
                }
                let mut answers = vec![Value::Nil; sent.len()];
                while let Some(answered) = sent.join_next().await {
                    let (place, answer) = answered.map_err(std::io::Error::other)?;
                    answers[place] = answer?;
                }
                Ok(answers)
            }),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

/// Sends a command to the node that has its key, and on to where that node says that the key is now.
pub(crate) async fn send(mut cluster: ClusterConnection, command: Cmd) -> RedisResult<Value> {
    let mut moved = 0;
    loop {
        let answer = cluster.req_packed_command(&command).await;
        let error = match answer.and_then(Value::extract_error) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        match error.kind() {
            // The client asks all nodes again who has which keys. As long as the node with the key is silent, others
            // still name it.
            ErrorKind::Server(ServerErrorKind::Moved) => {
                moved += 1;
                if moved > REDIRECTS {
                    return Err(not_there(&error));
                }
                sleep(PAUSE * moved).await;
            }
            ErrorKind::Server(ServerErrorKind::Ask) => {
                return ask(&mut cluster, &command, error).await;
            }
            _ => return Err(error),
        }
    }
}

/// Sends a command to a node that is about to have its key.
async fn ask(
    cluster: &mut ClusterConnection,
    command: &Cmd,
    error: RedisError,
) -> RedisResult<Value> {
    let to = error
        .redirect_node()
        .and_then(|(node, _)| node.rsplit_once(':'));
    let Some((host, Ok(port))) = to.map(|(host, port)| (host, port.parse())) else {
        return Err(error);
    };
    let node = SingleNodeRoutingInfo::ByAddress {
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
    };
    let mut both = pipe();
    both.add_command(cmd("ASKING")).add_command(command.clone());
    let answers = cluster.route_pipeline(both, 0, 2, node).await?;
    answers
        .into_iter()
        .next_back()
        .unwrap_or(Value::Nil)
        .extract_error()
}

/// The error of a redirection whose node cannot be reached. It names the node.
fn not_there(error: &RedisError) -> RedisError {
    let node = error.redirect_node().map_or("unknown", |(node, _)| node);
    let detail = format!("it belongs to {node}");
    (
        ErrorKind::Io,
        "the node that has the key cannot be reached",
        detail,
    )
        .into()
}
