//! Runs the local MIRACL platform until Ctrl-C, or until a service manager stops it.

mod options;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::process::ExitCode;

use miracl_platform::{Platform, PlatformConfig, Stop, variable};
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
    let config = config(options.groups)?;
    let is_on_network = config.allow_network && ["0.0.0.0", "::"].contains(&config.host.as_str());
    let platform = Platform::start(config).await?;
    allow_origins(&platform)?;
    let stop = Stop::listen()?;
    let written = match &options.app {
        Some(app) => Some(register(&platform, app)?),
        None => None,
    };
    let issuer = platform.issuer();
    println!("listening on {issuer}");
    if is_on_network {
        println!(
            "  everybody on this network can open its login pages; the portal and the inbox are for this machine"
        );
    }
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

/// Reads `HOST`, `PORT`, `PLATFORM_ALLOW_NETWORK` and `PLATFORM_DATA`, each with the prefix `MIRACL_` or without.
fn config(groups: BTreeMap<String, Vec<String>>) -> Result<PlatformConfig, Box<dyn Error>> {
    let (name, port) = read("PORT", "5050")?;
    let port = port
        .parse()
        .map_err(|_| format!("{name}: {port:?} is not a port"))?;
    let (name, allowed) = read("PLATFORM_ALLOW_NETWORK", "0")?;
    let allow_network = match allowed.as_str() {
        "1" => true,
        "0" | "" => false,
        _ => return Err(format!("{name}: {allowed:?} is neither 1 nor 0").into()),
    };
    Ok(PlatformConfig {
        host: read("HOST", "127.0.0.1")?.1,
        allow_network,
        port,
        groups,
        data_dir: Some(read("PLATFORM_DATA", ".miracl/platform")?.1.into()),
        ..PlatformConfig::default()
    })
}

/// Adds the origins of `PLATFORM_ALLOWED_ORIGINS` to those of the project.
fn allow_origins(platform: &Platform) -> Result<(), Box<dyn Error>> {
    let origins = read("PLATFORM_ALLOWED_ORIGINS", "")?.1;
    let mut project = platform.project();
    let before = project.allowed_origins.len();
    for origin in origins.split(',').map(str::trim) {
        let is_known = project.allowed_origins.iter().any(|known| known == origin);
        if !origin.is_empty() && !is_known {
            project.allowed_origins.push(origin.to_owned());
        }
    }
    if project.allowed_origins.len() > before {
        platform.set_project(project);
    }
    Ok(())
}

/// Returns the name and the value of a variable.
fn read(name: &str, default: &str) -> Result<(String, String), Box<dyn Error>> {
    let given = variable(name, |name| env::var_os(name))?;
    Ok(given.unwrap_or_else(|| (name.to_owned(), default.to_owned())))
}
