//! The app of the page "Keep a user table in Postgres".

use axum::extract::State;
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Redirect, Response, Result};
use axum::{Router, routing::get};
use miracl_axum::{AuthHandler, AuthSuccess, Config, Miracl, MiraclAuth, User};
use sqlx::{PgPool, Row};
use std::{env, error::Error};
use tokio::net::TcpListener;

/// Your table: issuer and id together are the key.
const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS person (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        issuer TEXT NOT NULL,
        id TEXT NOT NULL,
        email TEXT,
        logins BIGINT NOT NULL DEFAULT 1,
        UNIQUE (issuer, id)
    )";

/// Adds a person, or notes their login. One statement, so that two logins at once make one row.
const LOGIN: &str = "
    INSERT INTO person (issuer, id, email) VALUES ($1, $2, $3)
    ON CONFLICT (issuer, id) DO UPDATE SET email = EXCLUDED.email, logins = person.logins + 1";

struct Hooks(PgPool);

impl AuthHandler for Hooks {
    async fn on_auth_success(&self, _: &mut Parts, login: AuthSuccess) -> Result<Response> {
        let user = login.user();
        let confirmed = user.email().filter(|_| user.email_verified());
        let row = sqlx::query(LOGIN)
            .bind(user.issuer())
            .bind(user.id())
            .bind(confirmed);
        // Without its row nobody is logged in: an Err is a veto.
        row.execute(&self.0)
            .await
            .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        Ok(Redirect::to(login.return_to()).into_response())
    }
}

/// Finds the row of the person who is logged in.
async fn members(State(table): State<PgPool>, user: User) -> Result<String, StatusCode> {
    let query = sqlx::query("SELECT number, logins FROM person WHERE issuer = $1 AND id = $2");
    let found = query
        .bind(user.issuer())
        .bind(user.id())
        .fetch_optional(&table);
    let row = found.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let row = row.ok_or(StatusCode::FORBIDDEN)?; // you have deleted them since
    let (number, logins): (i64, i64) = (row.get("number"), row.get("logins"));
    Ok(format!("Member {number}, login {logins}."))
}

/// The whole app. A test calls it with settings of its own.
pub async fn app(config: Config, table: PgPool) -> Result<Router, Box<dyn Error>> {
    sqlx::query(TABLE).execute(&table).await?;
    let auth = MiraclAuth::new(Miracl::new(config)?, Hooks(table.clone()));
    Ok(Router::new()
        .route("/members", get(members))
        .with_state(table)
        .merge(auth.routes()) // /login, /login/start, /logout
        .layer(auth.layer()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let table = PgPool::connect(&env::var("DATABASE_URL")?).await?;
    let app = app(Config::load(None)?, table).await?;
    let listener = TcpListener::bind("127.0.0.1:5000").await?;
    Ok(axum::serve(listener, app).await?)
}
