//! What a world is made of, drawn from its seed: sizes, bounds, weather.

use std::time::Duration;

use command_api::handling::HandlingOptions;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::log_store::LogStoreOptions;
use event_store::simulator::Weather;

use crate::random::Random;

/// The make-up of one world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) partitions: u32,
    pub(crate) nodes: usize,
    pub(crate) journalers: usize,
    pub(crate) clients: usize,
    /// Commands of one client, repetitions not counted.
    pub(crate) commands: usize,
    /// Streams of each sort that exist by name from the start, the first one hot.
    pub(crate) streams: usize,
    /// `W`. Small ones let commits expire and the journal's lag stop appends.
    pub(crate) window: u64,
    /// A larger record is refused by the log.
    pub(crate) record_limit: usize,
    pub(crate) weather: Weather,
    /// The way of a process to log and journal.
    pub(crate) latency: Duration,
    pub(crate) handling: HandlingOptions,
    pub(crate) store: LogStoreOptions,
    /// After this time nothing goes wrong any more.
    pub(crate) faults_for: Duration,
    /// Longest rest between two faults.
    pub(crate) between_faults: Duration,
    /// Longest rest of a client between two commands.
    pub(crate) between_commands: Duration,
}

/// The largest commit of one command is below this; a bound on bytes in flight must let it through.
const ROOM_FOR_ONE: usize = 9_000;

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let random = &mut Random::of(seed, "plan");
        let commands = *random.pick(&[8, 12, 16]);
        let faults_for = random.millis(400, 1_500);
        Self {
            seed,
            partitions: *random.pick(&[1, 1, 2, 3]),
            nodes: *random.pick(&[2, 2, 3, 4]),
            journalers: *random.pick(&[1, 1, 2]),
            clients: *random.pick(&[3, 4, 5]),
            commands,
            streams: *random.pick(&[1, 2, 3]),
            window: *random.pick(&[5, 8, 14, 30, 200, DEFAULT_WINDOW]),
            record_limit: *random.pick(&[3_000, 1_048_576]),
            weather: weather(random),
            latency: random.millis(0, 2),
            handling: handling(random),
            store: store(random),
            faults_for,
            between_faults: random.millis(20, 200),
            // As long as things go wrong, there are commands.
            between_commands: 2 * faults_for / u32::try_from(commands).unwrap_or(1),
        }
    }
}

fn weather(random: &mut Random) -> Weather {
    Weather {
        max_delay: random.millis(0, 50),
        duplicate: *random.pick(&[0, 50, 200]),
        lost_answer: *random.pick(&[0, 30, 120]),
        refused: *random.pick(&[0, 30, 100]),
        max_read_delay: random.millis(0, 20),
    }
}

fn handling(random: &mut Random) -> HandlingOptions {
    HandlingOptions {
        queued_commands: *random.pick(&[2, 5, 16_384, 16_384]),
        streams_at_once: *random.pick(&[1, 2, 512]),
        batch_commands: *random.pick(&[1, 3, 256]),
        batch_bytes: *random.pick(&[700, 524_288]),
        strict_rejections: random.chance(300),
        cache_bytes: *random.pick(&[0, 16_777_216, 16_777_216]),
        ..HandlingOptions::default()
    }
}

fn store(random: &mut Random) -> LogStoreOptions {
    LogStoreOptions {
        author: String::new(),
        commit_timeout: random.millis(60, 1_500),
        load_timeout: random.millis(60, 1_500),
        max_in_flight_bytes: *random.pick(&[ROOM_FOR_ONE, 64 << 20, 64 << 20]),
    }
}
