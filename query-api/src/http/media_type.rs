//! Which media type comes in, and which goes out.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use platform::problem::Problem;

/// The media type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status tells whether the operation ran.
    GraphQlResponse,
    /// `application/json`: well-formed answers are 200, as older clients expect.
    Json,
}

impl MediaType {
    /// The value of `Content-Type`.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::GraphQlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// The media ranges that cover it, the most special one first.
    const fn ranges(self) -> [&'static str; 3] {
        match self {
            Self::GraphQlResponse => ["application/graphql-response+json", "application/*", "*/*"],
            Self::Json => ["application/json", "application/*", "*/*"],
        }
    }
}

/// Chooses by `Accept`. Among equals, and without the header, it is `application/json`; a client that names the GraphQL type
/// as high as the other gets the GraphQL type.
pub(super) fn negotiate(headers: &HeaderMap) -> Result<MediaType, Problem> {
    if !headers.contains_key(ACCEPT) {
        return Ok(MediaType::Json);
    }
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range> = values
        .flat_map(|value| value.split(','))
        .filter_map(read_range)
        .collect();
    let json = quality(&ranges, MediaType::Json);
    let graphql = quality(&ranges, MediaType::GraphQlResponse);
    // Named exactly (rank 0) wins over a wildcard of the same quality.
    match (json, graphql) {
        (None, None) => Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "request.not-acceptable",
            "Only application/graphql-response+json and application/json can be answered",
        )),
        (Some(_), None) => Ok(MediaType::Json),
        (None, Some(_)) => Ok(MediaType::GraphQlResponse),
        (Some((json_quality, _)), Some((graphql_quality, rank))) => {
            let graphql = graphql_quality > json_quality || (graphql_quality == json_quality && rank == 0);
            Ok(if graphql {
                MediaType::GraphQlResponse
            } else {
                MediaType::Json
            })
        }
    }
}

/// Is an event stream named? A wildcard does not mean one.
pub(super) fn wants_event_stream(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = values.flat_map(|value| value.split(',')).filter_map(read_range);
    ranges.any(|range| range.name == EVENT_STREAM && range.quality > 0)
}

/// The media type of event streams.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// A body must say that it is JSON: a browser cannot be made to send that across sites without asking first.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    if is_json && is_utf8 {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "request.media-type-not-supported",
        "The body must be application/json in UTF-8",
    ))
}

/// A media range and its quality in thousandths.
struct Range {
    name: String,
    quality: u16,
}

fn read_range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let mut quality = 1_000;
    for parameter in parts {
        let Some((key, value)) = parameter.split_once('=') else {
            continue;
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "q" => quality = read_quality(value.trim())?,
            // We answer in UTF-8 only.
            "charset" if !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8") => return None,
            _ => {}
        }
    }
    Some(Range { name, quality })
}

/// `0`, `0.5`, `1.000`.
fn read_quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u16 = whole.parse().ok()?;
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    whole
        .checked_mul(1_000)?
        .checked_add(thousandths)
        .filter(|quality| *quality <= 1_000)
}

/// The quality that the client gives a media type, by its most special range, and how special that is; none when refused.
fn quality(ranges: &[Range], media_type: MediaType) -> Option<(u16, usize)> {
    let by_rank = |(rank, name): (usize, &str)| {
        ranges
            .iter()
            .filter(|range| range.name == name)
            .map(|range| (range.quality, rank))
            .max()
    };
    media_type
        .ranges()
        .into_iter()
        .enumerate()
        .find_map(by_rank)
        .filter(|(quality, _)| *quality > 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn accepting(value: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, value.parse().unwrap());
        negotiate(&headers).ok()
    }

    #[test]
    fn accept_decides_the_media_type() {
        use MediaType::{GraphQlResponse, Json};
        assert_eq!(negotiate(&HeaderMap::new()).ok(), Some(Json));
        for (value, expected) in [
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphQlResponse)),
            ("Application/GraphQL-Response+JSON", Some(GraphQlResponse)),
            (
                "application/graphql-response+json, application/json",
                Some(GraphQlResponse),
            ),
            (
                "application/graphql-response+json;q=0.9, application/json;q=0.5",
                Some(GraphQlResponse),
            ),
            ("application/graphql-response+json;q=0.5, application/json", Some(Json)),
            ("application/json;q=0, */*", Some(GraphQlResponse)),
            ("application/json; charset=utf-8", Some(Json)),
            ("application/json; charset=latin1", None),
            ("text/html", None),
            ("application/json;q=0", None),
            ("text/html, */*;q=0.1", Some(Json)),
        ] {
            assert_eq!(accepting(value), expected, "{value}");
        }
    }
}
