//! PostGraphile over the tables of the generation that serves, in production mode and one process (`bench/peers/postgraphile/`).

use std::path::{Path, PathBuf};

use anyhow::Result;
use tokio::process::Command;

use super::Installation;
use super::instance::Instance;
use super::neighbour;

/// As figures name it; the version is that of its package list.
pub(crate) const NAME: &str = "PostGraphile 5.1.5";

/// Where `./dev bench` has put its packages and the Node.js that it runs on.
const PACKAGES: &str = "CODING_AGENT_BENCH_POSTGRAPHILE";

/// Starts it and waits until it listens, which it does once it has its schema. Nothing where its packages are not there.
pub(crate) async fn start(installation: &Installation, schema: &str) -> Result<Option<Instance>> {
    let Some(kit) = std::env::var_os(PACKAGES) else {
        return Ok(None);
    };
    let packages = Path::new(&kit).join("node_modules");
    let command = |port: u16| {
        let mut command = Command::new(packages.join(".bin/node"));
        command
            .arg(script())
            .args(["--database", &installation.place.database_url])
            .args(["--schema", schema, "--port", &port.to_string()])
            .env("NODE_PATH", &packages)
            // Packages look at either while they load: development costs time for checks, and says so on the first line of the log.
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production");
        Ok(command)
    };
    let mut instance = neighbour::start(installation, "postgraphile", command)?;
    // It knows no such path, and any answer tells that it is there.
    instance.wait_until_answered(|_| true).await?;
    Ok(Some(instance))
}

fn script() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/postgraphile/serve.mjs"))
}
