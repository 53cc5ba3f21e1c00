//! Runs the local MIRACL platform until Ctrl-C, or until a service manager stops it.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use miracl_platform::{Platform, PlatformConfig, Project, Stop};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let platform = Platform::start(config()?).await?;
    let stop = Stop::listen()?;
    let issuer = platform.issuer();
    println!("listening on {issuer}");
    println!("  register an app:  {issuer}/portal");
    println!("  read its mail:    {issuer}/inbox");
    println!("  issuer of an app: {issuer}");
    stop.asked_for().await;
    platform.shutdown().await;
    Ok(())
}

/// Reads `HOST`, `PORT`, `PLATFORM_DATA` and `PLATFORM_ALLOWED_ORIGINS`.
fn config() -> Result<PlatformConfig, Box<dyn Error>> {
    let setting = |name, default: &str| {
        env::var(name).map_or_else(|_| default.to_owned(), |value| value.trim().to_owned())
    };
    let port = setting("PORT", "5050");
    let origins = setting("PLATFORM_ALLOWED_ORIGINS", "");
    let origins = origins.split(',').map(str::trim);
    let origins = origins.filter(|origin| !origin.is_empty());
    Ok(PlatformConfig {
        host: setting("HOST", "127.0.0.1"),
        port: port
            .parse()
            .map_err(|_| format!("PORT is not a port: {port:?}"))?,
        project: Project {
            allowed_origins: origins.map(str::to_owned).collect(),
            ..Project::default()
        },
        data_dir: Some(setting("PLATFORM_DATA", ".miracl/platform").into()),
        ..PlatformConfig::default()
    })
}
