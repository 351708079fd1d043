//! `token`: a bearer token from the installation's own key.

use std::time::Duration;

use anyhow::Context as _;
use platform::token::SigningKey;
use replay_tools::OutputFormat;

use crate::arguments::TokenOptions;
use crate::settings::Settings;

pub(crate) fn print(settings: &Settings, options: &TokenOptions) -> anyhow::Result<()> {
    let key = SigningKey::load_or_create(&settings.auth.signing_key_file)?;
    let lifetime = Duration::from_hours(u64::from(options.hours));
    let token = key
        .mint(options.user.as_uuid(), options.role.as_str(), lifetime)
        .context("no token can be made")?;
    match options.output {
        OutputFormat::Text => println!("{token}"),
        OutputFormat::Json => println!(
            "{}",
            serde_json::json!({
                "token": token, "role": options.role, "user": options.user, "expiresInSeconds": lifetime.as_secs(),
            })
        ),
    }
    Ok(())
}
