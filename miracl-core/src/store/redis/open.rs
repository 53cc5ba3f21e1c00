//! An open connection, shared by many commands at the same time.

use std::{error::Error, sync::Arc};

use ::redis::{Cmd, FromRedisValue, Pipeline, RedisResult, Value, aio::MultiplexedConnection};
use tokio::task::JoinHandle;

use crate::store::redis::cluster::{self, Order};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A connection that many commands share at the same time.
#[derive(Clone)]
pub(super) struct Open {
    pub(crate) connection: Connection,
    pub(crate) driver: Arc<Driver>,
}

#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(::redis::cluster_async::ClusterConnection),
}

/// The task that reads and writes. It ends with the connection, so that no command is needed to notice that.
pub(super) struct Driver(pub(super) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is sent at a time.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    One(&'a Cmd),
    Several(&'a Pipeline, Order),
}

impl Connection {
    pub(crate) async fn send<T: FromRedisValue>(self, question: Question<'_>) -> RedisResult<T> {
        match (self, question) {
            (Self::Server(mut server), Question::One(command)) => {
                read(server.send_packed_command(command).await?)
            }
            (Self::Cluster(cluster), Question::One(command)) => {
                let sent = Box::pin(cluster::send(cluster, command.clone()));
                read(sent.await?)
            }
            (Self::Server(mut server), Question::Several(commands, _)) => {
                commands.query_async(&mut server).await
            }
            (Self::Cluster(cluster), Question::Several(commands, order)) => {
                commands.query_async(&mut order.within(cluster)).await
            }
        }
    }
}

impl Open {
    pub(crate) fn new(connection: Connection, driver: JoinHandle<()>) -> Self {
        Self {
            connection,
            driver: Arc::new(Driver(driver)),
        }
    }

    pub(super) fn server(connection: MultiplexedConnection, driver: JoinHandle<()>) -> Self {
        Self::new(Connection::Server(connection), driver)
    }
}

fn read<T: FromRedisValue>(answer: Value) -> RedisResult<T> {
    Ok(T::from_redis_value(answer.extract_error()?)?)
}
