//! The words of the page. Everything that comes from elsewhere is escaped.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use projections::administration::parked::ParkedRecord;
use projections::administration::{GenerationRecord, ProcessRecord};

pub(super) const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#1b1f24;background:#fff}\
table{border-collapse:collapse;width:100%;margin:.5em 0 2em}th,td{text-align:left;padding:.35em .8em .35em 0;border-bottom:1px solid #d8dee4;\
vertical-align:top}th{font-weight:600}.number{text-align:right}.bad{color:#a40e26;font-weight:600}progress{width:10em}\
form{margin:1em 0}input{font:inherit;width:30em;max-width:100%}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}.bad{color:#ff7b72}}";

/// How many parked streams are shown.
const PARKED_SHOWN: usize = 100;
/// A process that has not looked in for so long hangs or is gone.
const SILENT_SECONDS: f64 = 15.0;

/// What is shown.
pub(super) struct Shown {
    pub(super) generations: Vec<GenerationRecord>,
    /// For how long the first event that a generation does not cover has been in the log.
    pub(super) seconds: BTreeMap<String, f64>,
    pub(super) parked: Vec<ParkedRecord>,
    pub(super) processes: Vec<ProcessRecord>,
    pub(super) at: DateTime<Utc>,
}

pub(super) fn overview(shown: &Shown) -> String {
    let generations = table(
        &[
            "Generation",
            "State",
            "Made for",
            "Done",
            "Behind",
            "Seconds",
            "Level since",
            "Read models",
        ],
        shown
            .generations
            .iter()
            .map(|generation| of_generation(generation, shown)),
        "There is none: no projector has run on this database yet.",
    );
    let parked = table(
        &["Generation", "Stream", "Revision", "Type", "Tried", "Why", "Since"],
        shown.parked.iter().take(PARKED_SHOWN).map(of_parked),
        "No stream stands still.",
    );
    let more = shown.parked.len().saturating_sub(PARKED_SHOWN);
    let more = if more > 0 {
        format!("<p>and {more} more</p>")
    } else {
        String::new()
    };
    let processes = table(
        &["Process", "Generation", "Partitions", "Looked in", "Since"],
        shown.processes.iter().map(of_process),
        "No process follows a generation.",
    );
    let body = format!(
        "<h1>Projections</h1>\n<p>As of {}. <a href=\"/admin/projections\">Again</a></p>\n<h2>Generations</h2>\n{generations}\
         <h2>Streams that stand still</h2>\n{parked}{more}<h2>Processes</h2>\n{processes}\
         <form method=\"post\" action=\"/admin/session/end\"><button>Sign out</button></form>\n",
        moment(shown.at)
    );
    document(&body, true)
}

pub(super) fn sign_in(message: &str) -> String {
    let message = if message.is_empty() {
        String::new()
    } else {
        format!("<p class=\"bad\">{}</p>\n", escape(message))
    };
    document(
        &format!(
            "<h1>Projections</h1>\n{message}<p>A token of role admin or analyst is needed: \
             <code>coding-agent token --role admin --user UUID</code></p>\n\
             <form method=\"post\" action=\"/admin/session\"><label>Token <input name=\"token\" type=\"password\" autocomplete=\"off\" required></label> \
             <button>Look</button></form>\n"
        ),
        false,
    )
}

pub(super) fn away(code: &str) -> String {
    document(
        &format!(
            "<h1>Projections</h1>\n<p class=\"bad\">The log or the database cannot be used at present ({}).</p>\n",
            escape(code)
        ),
        true,
    )
}

fn document(body: &str, again: bool) -> String {
    let refresh = if again {
        "<meta http-equiv=\"refresh\" content=\"5\">\n"
    } else {
        ""
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{refresh}\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Projections</title>\n\
         <link rel=\"stylesheet\" href=\"/admin/style.css\">\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn table<const N: usize>(headings: &[&str; N], rows: impl Iterator<Item = [String; N]>, none: &str) -> String {
    let rows: Vec<String> = rows
        .map(|cells| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
            format!("<tr>{}</tr>\n", cells.concat())
        })
        .collect();
    if rows.is_empty() {
        return format!("<p>{none}</p>\n");
    }
    let headings: Vec<String> = headings.iter().map(|heading| format!("<th>{heading}</th>")).collect();
    format!("<table>\n<tr>{}</tr>\n{}</table>\n", headings.concat(), rows.concat())
}

fn of_generation(generation: &GenerationRecord, shown: &Shown) -> [String; 8] {
    let covered = generation.records.saturating_sub(generation.behind);
    let percent = (covered * 100).checked_div(generation.records).unwrap_or(100);
    let done = if generation.state == "building" {
        format!(
            "<progress max=\"100\" value=\"{percent}\"></progress> {percent} % {}",
            pace(generation, covered, shown.at)
        )
    } else {
        format!("{percent} %")
    };
    let seconds = shown.seconds.get(&generation.generation).copied().unwrap_or_default();
    let models = generation.models.iter();
    let models: Vec<String> = models
        .map(|model| format!("{} v{}", escape(&model.name), model.version))
        .collect();
    [
        escape(&generation.generation),
        escape(&generation.state),
        escape(&generation.purpose),
        done,
        generation.behind.to_string(),
        format!("{seconds:.1}"),
        generation.level_at.map_or_else(|| "-".to_owned(), moment),
        models.join(", "),
    ]
}

/// Over the whole time since it was begun, so pauses count.
#[allow(clippy::cast_precision_loss, reason = "for people")]
fn pace(generation: &GenerationRecord, covered: u64, at: DateTime<Utc>) -> String {
    let since = at
        .signed_duration_since(generation.created_at)
        .to_std()
        .unwrap_or_default();
    let rate = covered as f64 / since.as_secs_f64().max(0.001);
    if covered == 0 {
        return "nothing yet".to_owned();
    }
    let left = generation.behind as f64 / rate;
    format!("{rate:.1} records/s, {left:.0} s to go")
}

fn of_parked(parked: &ParkedRecord) -> [String; 7] {
    [
        escape(&parked.generation),
        escape(&parked.stream),
        parked.revision.to_string(),
        escape(&parked.event_type),
        format!("{} times, {} crashes", parked.attempts, parked.crashes),
        format!("{}: {}", escape(&parked.code), escape(&parked.error)),
        moment(parked.parked_at),
    ]
}

fn of_process(process: &ProcessRecord) -> [String; 5] {
    let ago = process.seen_seconds_ago;
    let seen = if !process.alive {
        format!("<span class=\"bad\">died, {ago:.0} s ago</span>")
    } else if ago >= SILENT_SECONDS {
        format!("<span class=\"bad\">{ago:.0} s ago</span>")
    } else {
        format!("{ago:.1} s ago")
    };
    [
        escape(&process.name),
        escape(&process.generation),
        process.partitions.to_string(),
        seen,
        moment(process.started_at),
    ]
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_elsewhere_cannot_be_markup() {
        let text = escape("<script>alert('\"&')</script>");
        assert_eq!(text, "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;");
        assert!(!sign_in("<b>").contains("<b>"));
    }
}
