//! The campaign of `./dev test`: ninety seconds with everything, a few rounds of several faults each.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use faults::attempt::{self, Outcome};
use faults::campaign::{self, CLIENTS_LOG, CampaignOptions};
use faults::nemesis::Nemesis;
use faults::schedule::{Pace, Schedule, Strike};

/// From the first process to the last check.
const LIMIT: Duration = Duration::from_secs(90);
const FAULTS: Duration = Duration::from_secs(30);
/// What is left is for clients to end, for being level, and for checks.
const FAULTS_END_BY: Duration = Duration::from_secs(65);
const PACE: Pace = Pace {
    strike: (Duration::from_secs(2), Duration::from_secs(4)),
    calm: Duration::from_millis(500),
    singles_first: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled_whatever_fails() {
    let begun = Instant::now();
    let directory = tempfile::Builder::new().prefix("faults-").tempdir().unwrap();
    let left_out = [Nemesis::PostgresDiskFull, Nemesis::ClockJump];
    let nemeses = Nemesis::all()
        .iter()
        .copied()
        .filter(|nemesis| !left_out.contains(nemesis));
    let nemeses: Vec<Nemesis> = nemeses.collect();
    let options = CampaignOptions {
        directory: directory.path().join("run"),
        program: program(),
        lasts: FAULTS,
        faults_end_by: Some(FAULTS_END_BY),
        seed: seed(&nemeses),
        nemeses,
        pace: PACE,
        nodes: 2,
        strict: false,
        clients: 8,
    };
    let evidence = tokio::time::timeout(LIMIT, campaign::run(&options)).await;
    let evidence = evidence.expect("it ends within its time").unwrap();
    eprintln!("{evidence}");
    if !evidence.passed() {
        let kept = directory.keep();
        panic!("see the summary above, and the logs in {}", kept.display());
    }
    let attempts = attempt::read(&options.directory.join(CLIENTS_LOG)).unwrap();
    let met = |wanted: fn(&Outcome) -> bool| attempts.iter().any(|attempt| wanted(&attempt.outcome));
    assert!(met(|outcome| matches!(outcome, Outcome::Done { .. })));
    assert!(met(|outcome| matches!(outcome, Outcome::Refused { .. })));
    assert!(met(|outcome| matches!(outcome, Outcome::Conflict { .. })));
    assert!(met(|outcome| !outcome.is_certain()), "faults are felt by clients");
    assert!(!evidence.rounds.is_empty(), "faults were inflicted");
    campaign::remove(&options.directory).unwrap();
    assert!(begun.elapsed() <= LIMIT, "it took {:?}", begun.elapsed());
}

/// The first seed that kills a broker in the first round: what takes longest to heal is then not what is left out on a busy machine.
fn seed(nemeses: &[Nemesis]) -> u64 {
    let kills = |strike: &Strike| matches!(strike.nemesis, Nemesis::BrokerKill | Nemesis::ControllerKill);
    let kills_first = |seed: &u64| {
        let first = Schedule::new(*seed, nemeses, PACE).next();
        first.is_some_and(|round| round.strikes.iter().any(kills))
    };
    (0..1_000).find(kills_first).unwrap()
}

/// Built by `./dev test` before the tests run.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("CODING_AGENT_TEST_BINARY") {
        return named.into();
    }
    // target/<profile>/deps/it-<hash>
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("coding-agent");
    assert!(path.is_file(), "run ./dev test, which builds it");
    path
}
