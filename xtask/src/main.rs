//! The program that `./dev` calls.

use std::process::ExitCode;

fn main() -> ExitCode {
    match xtask::menu::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
