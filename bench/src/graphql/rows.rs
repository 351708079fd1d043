//! What came of a question: the figures of the program, each beside those of the others.

use super::BENCH;
use super::case::LoadCase;
use crate::closed_loop::Load;
use crate::cost::{self, Used};
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::system::postgraphile;

const BARE: &str = "a bare handler that answers the same bytes";

/// How one server did, with each number of requests in flight.
pub(super) struct Outcome {
    by_in_flight: Vec<Figures>,
}

/// The medians of the rounds with so many in flight.
struct Figures {
    in_flight: usize,
    per_second: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    used: Vec<Used>,
}

impl Outcome {
    pub(super) fn of(loads: Vec<(usize, Vec<Load>)>) -> Self {
        let by_in_flight = loads.into_iter().map(|(in_flight, loads)| {
            let of = |figure: fn(&Load) -> f64| median(loads.iter().map(figure).collect());
            Figures {
                in_flight,
                per_second: of(|load| load.per_second),
                p50_ms: of(|load| load.times.p50()),
                p95_ms: of(|load| load.times.p95()),
                p99_ms: of(|load| load.times.p99()),
                used: loads.into_iter().map(|load| load.used).collect(),
            }
        });
        Self {
            by_in_flight: by_in_flight.collect(),
        }
    }

    /// With as many in flight as gave the most requests/s; none when nothing was measured.
    fn best(&self) -> Option<&Figures> {
        let better = |one: &&Figures, other: &&Figures| one.per_second.total_cmp(&other.per_second);
        self.by_in_flight.iter().max_by(better)
    }
}

/// All rows of a case. A target beside PostGraphile is missed where that is not there.
pub(super) fn rows(
    case: &LoadCase,
    ours: &Outcome,
    bare: &Outcome,
    postgraphile: Option<&Outcome>,
) -> Vec<Measurement> {
    let (Some(best), Some(bare)) = (ours.best(), bare.best()) else {
        return Vec::new();
    };
    let peer = postgraphile.and_then(Outcome::best);
    let (name, wanted) = (case.name, &case.wanted);
    let beside_peer = |row: Measurement, figure: fn(&Figures) -> f64| match peer {
        Some(peer) => row.against(postgraphile::NAME, figure(peer)),
        None => row,
    };
    let rate = Measurement::new(BENCH, name, best.per_second, "requests/s");
    let beside_bare = Measurement::new(BENCH, format!("{name}, of HTTP alone"), best.per_second, "requests/s");
    let beside_bare = beside_bare.against(BARE, bare.per_second);
    let p95 = Measurement::new(BENCH, format!("{name}, p95"), best.p95_ms, "ms");
    let p95 = beside_peer(p95, |figures| figures.p95_ms);
    let mut rows = vec![
        beside_peer(rate, |figures| figures.per_second).wanted(Target::AtLeastTimesLimit(wanted.times_postgraphile)),
        match wanted.of_bare {
            Some(part) => beside_bare.wanted(Target::AtLeastTimesLimit(part)),
            None => beside_bare,
        },
        match wanted.p95_below_ms {
            Some(milliseconds) => p95.wanted(Target::Below(milliseconds)),
            None => p95,
        },
    ];
    for (percentile, figure) in [
        ("p50", (|figures| figures.p50_ms) as fn(&Figures) -> f64),
        ("p99", |figures| figures.p99_ms),
    ] {
        let row = Measurement::new(BENCH, format!("{name}, {percentile}"), figure(best), "ms");
        rows.push(beside_peer(row, figure));
    }
    for (index, figures) in ours.by_in_flight.iter().enumerate() {
        let case = format!("{name}, {} in flight", figures.in_flight);
        let row = Measurement::new(BENCH, case, figures.per_second, "requests/s");
        let beside = postgraphile.and_then(|outcome| outcome.by_in_flight.get(index));
        rows.push(match beside {
            Some(beside) => row.against(postgraphile::NAME, beside.per_second),
            None => row,
        });
    }
    rows.extend(costs(name, best));
    if let Some(peer) = peer {
        rows.extend(costs(&format!("{name}, PostGraphile"), peer));
    }
    rows.extend(costs(&format!("{name}, HTTP alone"), bare));
    rows
}

/// What a thousand requests cost the server, the database and the clients, with as many in flight as gave the most of them.
fn costs(case: &str, figures: &Figures) -> Vec<Measurement> {
    let mut rows = cost::rows_of_processes(BENCH, case, &figures.used.iter().collect::<Vec<_>>());
    let in_flight = as_float(u64::try_from(figures.in_flight).unwrap_or(u64::MAX));
    rows.insert(
        0,
        Measurement::new(BENCH, format!("{case}: measured with"), in_flight, "in flight"),
    );
    rows
}
