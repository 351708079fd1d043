//! Pid files: only the recorded process is ever found and ended.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use xtask::services::log_file;
use xtask::services::process::{RecordedProcess, Signal};

const PATIENCE: Duration = Duration::from_secs(10);

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.path().join("service.pid")
    }

    /// A shell that waits for ever; its command line holds the directory, which is the mark.
    fn spawn(&self, script: &str) -> RecordedProcess {
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(self.directory.path());
        RecordedProcess::spawn(command, &self.pid_file(), &self.mark(), &self.log()).unwrap()
    }

    fn mark(&self) -> String {
        self.directory.path().to_string_lossy().into_owned()
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("service.log")
    }
}

/// A process that was never recorded; killed when the test ends.
struct Stranger(Child);

impl Stranger {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap())
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_recorded_process_is_found_again_and_can_be_ended() {
    let place = Place::new();
    let mut started = place.spawn("while :; do sleep 1; done");
    let mut found = RecordedProcess::find(&place.pid_file()).unwrap();
    assert_eq!(found.pid(), started.pid());
    found.signal(Signal::KILL).unwrap();
    started.wait_for_end(PATIENCE).unwrap();
    assert!(!found.is_running());
    assert!(!place.pid_file().exists());
}

#[test]
fn a_process_that_ignores_the_polite_signal_is_killed() {
    let place = Place::new();
    let mut process = place.spawn("trap '' TERM; while :; do sleep 1; done");
    process.end(Signal::TERM, Duration::from_millis(200)).unwrap();
    assert!(!process.is_running());
}

#[test]
fn a_paused_process_can_be_ended() {
    let place = Place::new();
    let mut process = place.spawn("exec sleep 60");
    process.signal(Signal::STOP).unwrap();
    assert!(process.is_running());
    process.end(Signal::TERM, PATIENCE).unwrap();
    assert!(!process.is_running());
}

#[test]
fn a_number_that_now_belongs_to_another_process_is_ignored() {
    let place = Place::new();
    let mut ours = place.spawn("exec sleep 60");
    let recorded = fs::read_to_string(place.pid_file()).unwrap();
    let mut stranger = Stranger::new();
    let reused = recorded.replacen(&ours.pid().to_string(), &stranger.0.id().to_string(), 1);
    fs::write(place.pid_file(), reused).unwrap();
    assert!(RecordedProcess::find(&place.pid_file()).is_none());
    ours.kill().unwrap();
    assert!(stranger.is_running());
}

#[test]
fn a_process_whose_command_line_lacks_the_mark_is_ignored() {
    let place = Place::new();
    let mut ours = place.spawn("while :; do sleep 1; done");
    let recorded = fs::read_to_string(place.pid_file()).unwrap();
    fs::write(place.pid_file(), recorded.replace(&place.mark(), "/somewhere/else")).unwrap();
    assert!(RecordedProcess::find(&place.pid_file()).is_none());
    ours.kill().unwrap();
}

#[test]
fn a_pid_file_that_is_missing_damaged_or_without_a_mark_names_nobody() {
    let place = Place::new();
    assert!(RecordedProcess::find(&place.pid_file()).is_none());
    for text in ["", "abc\n1\nx\n", "1\n", "1\n99\n\n"] {
        fs::write(place.pid_file(), text).unwrap();
        assert!(RecordedProcess::find(&place.pid_file()).is_none(), "{text:?}");
    }
}

#[test]
fn a_program_that_does_not_exist_is_named_in_the_error() {
    let place = Place::new();
    let command = Command::new("no-such-program-here");
    let error = RecordedProcess::spawn(command, &place.pid_file(), "x", &place.log()).unwrap_err();
    assert!(format!("{error:#}").contains("no-such-program-here"));
}

#[test]
fn an_error_quotes_the_log_of_the_newest_process_only() {
    let place = Place::new();
    place.spawn("echo the first wrote this").wait_for_end(PATIENCE).unwrap();
    assert!(log_file::quote(&place.log()).ends_with("the first wrote this"));
    place.spawn(":").wait_for_end(PATIENCE).unwrap();
    let quoted = log_file::quote(&place.log());
    assert!(quoted.contains("wrote nothing"), "{quoted}");
    assert!(quoted.contains(&*place.log().to_string_lossy()), "{quoted}");
}
