//! What is told about a generation that was reached.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use projections::travel::{Certainty, LocatedCut, Tally, Travel};
use serde::Serialize;

/// How it was reached.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reached {
    /// How the cut was found, where a time was given.
    pub located: Option<LocatedCut>,
    /// Records of the log up to the cut.
    pub records: u64,
    /// The generation whose copy it began with.
    pub copied: Option<String>,
    /// It stood already at an earlier cut, and was moved.
    pub moved: bool,
    /// Records that were folded; none when it stood already.
    pub folded: Option<u64>,
    /// How long it took.
    pub seconds: f64,
}

/// A generation that can be asked, and how.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TravelReport {
    /// The generation.
    #[serde(flatten)]
    pub travel: Travel,
    /// How it was reached.
    #[serde(flatten)]
    pub reached: Reached,
    /// Where to ask, with the token of an analyst or admin.
    pub url: String,
    /// A query to begin with.
    pub query: String,
}

impl TravelReport {
    pub(super) fn new(travel: Travel, reached: Reached, url: &str) -> Self {
        Self {
            url: format!("{}/graphql/generations/{}", url.trim_end_matches('/'), travel.name),
            query: query(&travel).to_owned(),
            travel,
            reached,
        }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let Self {
            travel,
            reached,
            url,
            query,
            ..
        } = self;
        let mut text = format!("{} shows ", travel.name);
        text += if travel.purpose == "branch" {
            "a variant of the log"
        } else {
            "the log"
        };
        let _ = match &reached.located {
            Some(located) => writeln!(text, " as of {}: {} records", located.at.to_rfc3339(), reached.records),
            None => writeln!(text, " up to a position: {} records", reached.records),
        };
        let _ = writeln!(text, "cut        {}", cut(travel));
        if let Some(located) = &reached.located {
            let _ = writeln!(text, "certainty  {}", certainty(&located.certainty));
        }
        let models: Vec<&str> = travel.models.iter().map(|model| model.name.as_str()).collect();
        let _ = writeln!(text, "models     {}", models.join(", "));
        let made = match (&reached.folded, &reached.copied) {
            (None, _) => "it stood already; its life was made longer".to_owned(),
            (Some(folded), None) if reached.moved => format!("moved on by {folded} records"),
            (Some(folded), Some(copied)) => format!("from a copy of {copied} and {folded} records"),
            (Some(folded), None) => format!("from {folded} records"),
        };
        let _ = writeln!(text, "made       {made}, in {:.1} s", reached.seconds);
        if travel.parked > 0 {
            let _ = writeln!(
                text,
                "parked     {} streams stand still before an event that cannot be projected: coding-agent projections parked --generation {}",
                travel.parked, travel.generation
            );
        }
        if let Some(tally) = &travel.tally {
            text += &changes(tally);
        }
        let _ = writeln!(text, "kept until {}", travel.expires_at.format("%Y-%m-%d %H:%M:%SZ"));
        let body = serde_json::json!({ "query": query });
        let _ = write!(
            text,
            "\nAsk it with the token of an analyst or admin:\n  curl -s {url} -H \"authorization: Bearer $CODING_AGENT_TOKEN\" \\\n    \
             -H 'content-type: application/json' -d '{body}'\n"
        );
        text
    }
}

/// `0:17 1:4`, or one number where it is the same everywhere.
fn cut(travel: &Travel) -> String {
    let offsets: Vec<u64> = travel.cut.iter().map(|(_, next)| next).collect();
    match offsets.split_first() {
        Some((first, rest)) if rest.iter().all(|next| next == first) => format!("below {first} in every partition"),
        _ => {
            let parts: Vec<String> = travel
                .cut
                .iter()
                .map(|(partition, next)| format!("{partition}:{next}"))
                .collect();
            format!("below {}", parts.join(" "))
        }
    }
}

fn certainty(certainty: &Certainty) -> String {
    if certainty.exact {
        return "exact: everything that the log took until then, and nothing later".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    for stretch in &certainty.clock_went_back {
        let place = stretch
            .partition
            .map_or_else(String::new, |partition| format!(" of partition {partition}"));
        parts.push(format!(
            "the clock{place} went backwards by up to {} ms: {}{} events between offsets {} and {} say that they were recorded before, so the cut lies \
             between those",
            stretch.by_ms,
            if stretch.more { "at least " } else { "" },
            stretch.events,
            stretch.from_offset,
            stretch.to_offset
        ));
    }
    if certainty.in_the_same_millisecond > 0 {
        parts.push(format!(
            "{} events behind the cut were recorded in the same millisecond",
            certainty.in_the_same_millisecond
        ));
    }
    if certainty.just_passed {
        parts.push("the time has only just passed, and the log may still take events with it".to_owned());
    }
    parts.join("; ")
}

fn changes(tally: &Tally) -> String {
    let counts = |counts: &BTreeMap<String, u64>| {
        let each: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        each.join(", ")
    };
    let mut text = String::new();
    for (word, of) in [
        ("dropped    ", &tally.dropped),
        ("removed    ", &tally.removed),
        ("rewritten  ", &tally.rewritten),
        ("left out   ", &tally.left_out.counts),
    ] {
        if !of.is_empty() {
            let _ = writeln!(text, "{word}{}", counts(of));
        }
    }
    for misfit in tally.left_out.first.iter().take(10) {
        let _ = writeln!(
            text,
            "           {} revision {} ({}): {}",
            misfit.stream, misfit.revision, misfit.event_type, misfit.reason
        );
    }
    text
}

/// Something that its read models can answer.
fn query(travel: &Travel) -> &'static str {
    let has = |name: &str| travel.models.iter().any(|model| model.name == name);
    if has("task") {
        "{ tasks(first: 5) { totalCount nodes { title status } } }"
    } else if has("conversation") {
        "{ conversations(first: 5) { totalCount nodes { title status } } }"
    } else if has("statistics") {
        "{ statistics { rows { tasks executions messages } } }"
    } else {
        "{ activity(first: 5) { totalCount nodes { type at } } }"
    }
}
