//! What came of a question: the figures of the program, each beside those of the others.

use super::BENCH;
use super::case::LoadCase;
use crate::closed_loop::Load;
use crate::cost::{self, Used};
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::system::postgraphile;

/// Of the most requests/s: a server that reaches so many is busy.
const SATURATED: f64 = 0.95;
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

    /// The most requests/s, with however many in flight.
    fn most_per_second(&self) -> f64 {
        let rates = self.by_in_flight.iter().map(|figures| figures.per_second);
        rates.fold(0.0, f64::max)
    }

    /// With as few in flight as keep it busy: more of them bring nothing but waiting. None when nothing was measured.
    fn saturated(&self) -> Option<&Figures> {
        let enough = self.most_per_second() * SATURATED;
        self.by_in_flight.iter().find(|figures| figures.per_second >= enough)
    }
}

/// All rows of a case. A target beside PostGraphile is missed where that is not there.
pub(super) fn rows(
    case: &LoadCase,
    ours: &Outcome,
    bare: &Outcome,
    postgraphile: Option<&Outcome>,
) -> Vec<Measurement> {
    let (name, wanted) = (case.name, &case.wanted);
    let rate = |case: String| Measurement::new(BENCH, case, ours.most_per_second(), "requests/s");
    let beside_peer = match postgraphile {
        Some(peer) => rate(name.to_owned()).against(postgraphile::NAME, peer.most_per_second()),
        None => rate(name.to_owned()),
    };
    let beside_bare = rate(format!("{name}, of HTTP alone")).against(BARE, bare.most_per_second());
    let mut rows = vec![
        beside_peer.wanted(Target::AtLeastTimesLimit(wanted.times_postgraphile)),
        match wanted.of_bare {
            Some(part) => beside_bare.wanted(Target::AtLeastTimesLimit(part)),
            None => beside_bare,
        },
    ];
    rows.extend(percentiles(case, ours, postgraphile));
    for (index, figures) in ours.by_in_flight.iter().enumerate() {
        let case = format!("{name}, {} in flight", figures.in_flight);
        let row = Measurement::new(BENCH, case, figures.per_second, "requests/s");
        let beside = postgraphile.and_then(|outcome| outcome.by_in_flight.get(index));
        rows.push(match beside {
            Some(beside) => row.against(postgraphile::NAME, beside.per_second),
            None => row,
        });
    }
    rows.extend(costs(name, ours));
    if let Some(peer) = postgraphile {
        rows.extend(costs(&format!("{name}, PostGraphile"), peer));
    }
    rows.extend(costs(&format!("{name}, HTTP alone"), bare));
    rows
}

/// How long requests take of a server that is kept busy.
fn percentiles(case: &LoadCase, ours: &Outcome, postgraphile: Option<&Outcome>) -> Vec<Measurement> {
    let (Some(figures), peer) = (ours.saturated(), postgraphile.and_then(Outcome::saturated)) else {
        return Vec::new();
    };
    let row = |percentile: &str, figure: fn(&Figures) -> f64| {
        let row = Measurement::new(BENCH, format!("{}, {percentile}", case.name), figure(figures), "ms");
        match peer {
            Some(peer) => row.against(postgraphile::NAME, figure(peer)),
            None => row,
        }
    };
    let p95 = row("p95", |figures| figures.p95_ms);
    vec![
        row("p50", |figures| figures.p50_ms),
        match case.wanted.p95_below_ms {
            Some(milliseconds) => p95.wanted(Target::Below(milliseconds)),
            None => p95,
        },
        row("p99", |figures| figures.p99_ms),
    ]
}

/// What a thousand requests cost the server, the database and the clients while the server is kept busy.
fn costs(case: &str, outcome: &Outcome) -> Vec<Measurement> {
    let Some(figures) = outcome.saturated() else {
        return Vec::new();
    };
    let mut rows = cost::rows_of_processes(BENCH, case, &figures.used.iter().collect::<Vec<_>>());
    let in_flight = as_float(u64::try_from(figures.in_flight).unwrap_or(u64::MAX));
    rows.insert(
        0,
        Measurement::new(BENCH, format!("{case}: measured with"), in_flight, "in flight"),
    );
    rows
}
