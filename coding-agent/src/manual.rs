//! `completions` and `man`: made from the description of the command line, so that they cannot say anything else.

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

use crate::arguments::{ManOptions, command_line};

const NAME: &str = "coding-agent";

pub(crate) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), NAME, &mut script);
    std::io::stdout()
        .write_all(&script)
        .context("the completions could not be printed")?;
    Ok(ExitCode::SUCCESS)
}

/// A page for the whole, and one for each command below it: `coding-agent-projections-rebuild.1`.
pub(crate) fn pages(options: &ManOptions) -> anyhow::Result<ExitCode> {
    let folder = options.to.display();
    fs::create_dir_all(&options.to).with_context(|| format!("folder {folder} cannot be made"))?;
    let mut names = Vec::new();
    for page in all_pages() {
        let path = options.to.join(format!("{}.1", page.name));
        fs::write(&path, &page.text).with_context(|| format!("page {} cannot be written", path.display()))?;
        names.push(format!("{}.1", page.name));
    }
    let written = serde_json::json!({ "folder": options.to, "pages": names });
    options
        .output
        .print(&written, || format!("{} pages are in {folder}\n", names.len()))?;
    Ok(ExitCode::SUCCESS)
}

struct Page {
    name: String,
    text: Vec<u8>,
}

fn all_pages() -> Vec<Page> {
    let mut whole = command_line();
    // Gives every command the global flags and its full name.
    whole.build();
    let mut pages = Vec::new();
    add(&whole, NAME.to_owned(), &mut pages);
    pages
}

fn add(command: &Command, name: String, pages: &mut Vec<Page>) {
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        add(below, format!("{name}-{}", below.get_name()), pages);
    }
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone().display_name(name.clone())).title(name.to_uppercase());
    // Writing into a Vec cannot fail.
    let _written = page.render(&mut text);
    pages.push(Page { name, text });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_every_command_with_its_flags_and_exit_codes() {
        let pages = all_pages();
        let page = |name: &str| {
            let page = pages.iter().find(|page| page.name == name).unwrap();
            String::from_utf8(page.text.clone()).unwrap()
        };
        for part in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", "projections"] {
            assert!(page("coding-agent").contains(part), "{part}");
        }
        let rebuild = page("coding-agent-projections-rebuild");
        for part in ["watch", "output", "config", "Exit code"] {
            assert!(rebuild.contains(part), "{part}: {rebuild}");
        }
        assert!(pages.len() > 20, "{}", pages.len());
    }

    #[test]
    fn every_shell_gets_completions_that_know_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_line(), NAME, &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("explain-lag") && script.contains("doctor"), "{shell}");
        }
    }
}
