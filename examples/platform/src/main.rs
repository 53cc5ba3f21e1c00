//! Runs the local MIRACL platform until Ctrl-C, or until a service manager stops it.

mod options;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::process::ExitCode;

use miracl_platform::{Platform, PlatformConfig, Project, Stop, variable};
use tracing_subscriber::EnvFilter;

use crate::options::{App, HELP, Options, Wanted};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let options = match options::parse(env::args().skip(1)) {
        Ok(Wanted::Run(options)) => options,
        Ok(Wanted::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprint!("{problem}\n\n{HELP}");
            return ExitCode::FAILURE;
        }
    };
    match run(options).await {
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

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let platform = Platform::start(config(options.groups)?).await?;
    let stop = Stop::listen()?;
    let written = match &options.app {
        Some(app) => Some(register(&platform, app)?),
        None => None,
    };
    let issuer = platform.issuer();
    println!("listening on {issuer}");
    println!("  register an app:  {issuer}/portal");
    println!("  read its mail:    {issuer}/inbox");
    println!("  issuer of an app: {issuer}");
    if let Some(written) = written {
        println!("  your app:         {written}");
    }
    stop.asked_for().await;
    platform.shutdown().await;
    Ok(())
}

/// Registers an app and writes its settings. Says where they are.
fn register(platform: &Platform, app: &App) -> Result<String, Box<dyn Error>> {
    let client = platform.register_app(&app.redirect_uri)?;
    let file = app.settings.display();
    platform
        .write_settings(&client, &app.settings)
        .map_err(|error| format!("{file}: {error}"))?;
    Ok(format!("{}, with the settings in {file}", app.redirect_uri))
}

/// Reads `HOST`, `PORT`, `PLATFORM_DATA` and `PLATFORM_ALLOWED_ORIGINS`, each with the prefix `MIRACL_` or without.
fn config(groups: BTreeMap<String, Vec<String>>) -> Result<PlatformConfig, Box<dyn Error>> {
    let read = |name: &str, default: &str| {
        variable(name, |name| env::var_os(name))
            .map(|given| given.unwrap_or_else(|| (name.to_owned(), default.to_owned())))
    };
    let (name, port) = read("PORT", "5050")?;
    let origins = read("PLATFORM_ALLOWED_ORIGINS", "")?.1;
    let origins = origins.split(',').map(str::trim);
    let origins = origins.filter(|origin| !origin.is_empty());
    Ok(PlatformConfig {
        host: read("HOST", "127.0.0.1")?.1,
        port: port
            .parse()
            .map_err(|_| format!("{name}: {port:?} is not a port"))?,
        groups,
        project: Project {
            allowed_origins: origins.map(str::to_owned).collect(),
            ..Project::default()
        },
        data_dir: Some(read("PLATFORM_DATA", ".miracl/platform")?.1.into()),
        ..PlatformConfig::default()
    })
}
