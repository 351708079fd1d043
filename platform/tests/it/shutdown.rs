use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use platform::shutdown::Shutdown;

/// Set in the process that receives the signals: this test binary once more, running one test.
const SIGNALLED: &str = "PLATFORM_TEST_SIGNALLED_PROCESS";

#[tokio::test]
async fn a_request_reaches_children_but_not_the_parent() {
    let parent = Shutdown::new();
    let (one, other) = (parent.child(), parent.child());

    one.trigger();
    one.requested().await;
    assert!(one.is_requested() && !parent.is_requested() && !other.is_requested());

    parent.clone().trigger();
    other.requested().await;
    assert!(other.is_requested());
}

#[test]
fn either_signal_makes_the_request_and_the_process_ends_well() {
    if std::env::var_os(SIGNALLED).is_some() {
        return in_signalled_process(|| {});
    }
    for signal in ["TERM", "INT"] {
        let (mut process, mut lines) = start("shutdown::either_signal_makes_the_request_and_the_process_ends_well");
        wait_for(&mut lines, "caught");
        send(signal, &process);
        wait_for(&mut lines, "requested");
        assert_eq!(process.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    if std::env::var_os(SIGNALLED).is_some() {
        return in_signalled_process(|| {
            loop {
                std::thread::park();
            }
        });
    }
    let (mut process, mut lines) = start("shutdown::a_second_signal_ends_the_process_at_once");
    wait_for(&mut lines, "caught");
    send("TERM", &process);
    wait_for(&mut lines, "requested");
    send("INT", &process);
    assert_eq!(process.wait().unwrap().code(), Some(130));
}

fn in_signalled_process(then: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let shutdown = Shutdown::new();
        shutdown.on_signals().unwrap();
        say("caught");
        shutdown.requested().await;
        say("requested");
    });
    then();
}

/// Past the capture of the test harness, which keeps `println!` to itself.
fn say(word: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "\n{word}").unwrap();
    output.flush().unwrap();
}

fn start(test: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(SIGNALLED, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    (process, lines)
}

fn wait_for(lines: &mut impl Iterator<Item = String>, word: &str) {
    assert!(
        lines.any(|line| line == word),
        "the process ended before it said {word:?}"
    );
}

fn send(signal: &str, process: &Child) {
    // The shell's own `kill`: the program of that name is not on every machine.
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", process.id())])
        .status()
        .unwrap();
    assert!(sent.success());
}
