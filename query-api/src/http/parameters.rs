//! The parameters of a GraphQL request: `query`, `operationName`, `variables`, `extensions`.

use std::time::Duration;

use async_graphql::Variables;
use axum::http::{HeaderMap, StatusCode};
use event_store::PositionToken;
use platform::problem::Problem;
use serde_json::{Map, Value};

use super::Refused;
use crate::execution::Operation;
use crate::options::QueryApiOptions;
use crate::snapshot::{Freshness, OnTimeout};

/// The header that names the position to be covered, for clients that cannot set `extensions`.
const POSITION_AFTER: &str = "position-after";

/// Reads the JSON body of a POST.
pub(super) fn of_body(body: &[u8], headers: &HeaderMap, options: &QueryApiOptions) -> Result<Operation, Refused> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "request.malformed-json",
            "The body is not JSON",
        )
        .with("line", error.line())
        .with("column", error.column())
    })?;
    let Value::Object(members) = body else {
        return Err(invalid("body", "must be one JSON object; batches are not supported").into());
    };
    of_members(members, headers, options)
}

/// Reads the query string of a GET; `variables` and `extensions` are JSON there.
pub(super) fn of_query_string(
    query_string: &str,
    headers: &HeaderMap,
    options: &QueryApiOptions,
) -> Result<Operation, Refused> {
    if query_string.len() > options.max_body_bytes {
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "request.uri-too-long",
            "The query string is too long",
        )
        .into());
    }
    let mut members = Map::new();
    for (name, value) in form_pairs(query_string) {
        let value = match name.as_str() {
            "variables" | "extensions" if value.is_empty() => Value::Null,
            "variables" => read_json("variables", &value)?,
            "extensions" => read_json("extensions", &value)?,
            _ => Value::String(value),
        };
        members.insert(name, value);
    }
    of_members(members, headers, options)
}

fn of_members(
    mut members: Map<String, Value>,
    headers: &HeaderMap,
    options: &QueryApiOptions,
) -> Result<Operation, Refused> {
    let Some(Value::String(query)) = members.remove("query") else {
        return Err(invalid("query", "must be a string").into());
    };
    let operation_name = match members.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(invalid("operationName", "must be a string").into()),
    };
    let variables = match members.remove("variables") {
        None | Some(Value::Null) => Variables::default(),
        Some(value @ Value::Object(_)) => Variables::from_json(value),
        Some(_) => return Err(invalid("variables", "must be an object").into()),
    };
    let extensions = match members.remove("extensions") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(extensions)) => extensions,
        Some(_) => return Err(invalid("extensions", "must be an object").into()),
    };
    Ok(Operation {
        query,
        operation_name,
        variables,
        freshness: freshness(&extensions, headers, options)?,
        generation: None,
    })
}

/// `extensions: {after, withinMs, onTimeout}`, or the header.
fn freshness(
    extensions: &Map<String, Value>,
    headers: &HeaderMap,
    options: &QueryApiOptions,
) -> Result<Option<Freshness>, Problem> {
    let in_header = headers
        .get(POSITION_AFTER)
        .map(|value| value.to_str().unwrap_or_default());
    let token = match extensions.get("after") {
        None | Some(Value::Null) => in_header,
        Some(Value::String(token)) => Some(token.as_str()),
        Some(_) => return Err(invalid("extensions.after", "must be a position token")),
    };
    let Some(token) = token else { return Ok(None) };
    let not_a_token = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "freshness.token-invalid",
            "This is not a position token of ours",
        )
        .field("extensions.after")
    };
    let after = PositionToken::decode(token).map_err(|_| not_a_token())?;
    let within_ms = match extensions.get("withinMs") {
        None | Some(Value::Null) => options.default_wait_ms,
        Some(value) => value
            .as_u64()
            .filter(|within| *within <= options.max_wait_ms)
            .ok_or_else(|| {
                invalid("extensions.withinMs", "must be milliseconds up to the limit").limit(options.max_wait_ms)
            })?,
    };
    let on_timeout = match extensions.get("onTimeout").map(Value::as_str) {
        None => OnTimeout::default(),
        Some(Some("ERROR")) => OnTimeout::Error,
        Some(Some("STALE")) => OnTimeout::Stale,
        Some(_) => return Err(invalid("extensions.onTimeout", "must be ERROR or STALE")),
    };
    Ok(Some(Freshness {
        after,
        within: Duration::from_millis(within_ms),
        on_timeout,
    }))
}

fn invalid(field: &'static str, reason: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.invalid-parameters",
        "Not the parameters of a GraphQL request",
    )
    .detail(format!("{field} {reason}"))
    .field(field)
}

fn read_json(field: &'static str, text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|_| invalid(field, "must be JSON"))
}

/// Pairs of `application/x-www-form-urlencoded`.
fn form_pairs(query_string: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query_string.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

/// Undoes percent encoding; `+` is a blank. What is not UTF-8 becomes the replacement character.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let hex = behind
            .get(..2)
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| str::from_utf8(pair).ok());
        let escaped = hex
            .filter(|_| *byte == b'%')
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, escaped) {
            (_, Some(escaped)) => {
                bytes.push(escaped);
                rest = behind.get(2..).unwrap_or_default();
            }
            (b'+', None) => bytes.push(b' '),
            (other, None) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn percent_encoding_is_undone() {
        assert_eq!(decoded("%7Btask%28id%3A%22x%22%29+%7D%C3%BC"), "{task(id:\"x\") }ü");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }
}
