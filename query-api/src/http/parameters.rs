//! The parameters of a GraphQL request: `query` or the hash that stands for it, `operationName`, `variables`, `extensions`.

use std::time::Duration;

use async_graphql::Variables;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use event_store::PositionToken;
use platform::problem::Problem;
use serde_json::{Map, Value};

use super::Refused;
use crate::documents::DocumentSource;
use crate::execution::{Operation, Transport};
use crate::options::QueryApiOptions;
use crate::snapshot::{Freshness, OnTimeout, Patience};

/// The header that names the position to be covered, for clients that cannot set `extensions`.
pub(super) const POSITION_AFTER_HEADER: HeaderName = HeaderName::from_static("position-after");

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

/// Reads the members of a request, wherever they came from.
pub(super) fn of_members(
    mut members: Map<String, Value>,
    headers: &HeaderMap,
    options: &QueryApiOptions,
) -> Result<Operation, Refused> {
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
    let patience = patience(&extensions, options)?;
    Ok(Operation {
        document: document(&mut members, &extensions)?,
        transport: Transport::Post,
        operation_name,
        variables,
        freshness: freshness(&extensions, headers, patience)?,
        patience,
        generation: None,
    })
}

/// `query`, or a hash: `documentId` as the appendix on persisted documents has it (`sha256:` and the digits), or Apollo's
/// `extensions.persistedQuery`.
fn document(members: &mut Map<String, Value>, extensions: &Map<String, Value>) -> Result<DocumentSource, Problem> {
    let text = match members.remove("query") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => return Err(invalid("query", "must be a string")),
    };
    let hash = match (members.get("documentId"), extensions.get("persistedQuery")) {
        (None | Some(Value::Null), None | Some(Value::Null)) => None,
        (Some(Value::String(id)), _) => Some(sha256("documentId", id)?),
        (None | Some(Value::Null), Some(persisted)) => {
            let hash = persisted.get("sha256Hash").and_then(Value::as_str);
            let hash = hash.filter(|_| persisted.get("version") == Some(&Value::from(1)));
            let hash = hash.ok_or_else(|| invalid("extensions.persistedQuery", "must be {version: 1, sha256Hash}"))?;
            Some(sha256("extensions.persistedQuery.sha256Hash", hash)?)
        }
        (Some(_), _) => return Err(invalid("documentId", "must be a string")),
    };
    match (text, hash) {
        (Some(text), None) => Ok(DocumentSource::Text(text)),
        (None, Some(hash)) => Ok(DocumentSource::Hash(hash)),
        (Some(text), Some(hash)) => Ok(DocumentSource::Both { text, hash }),
        (None, None) => Err(invalid("query", "must be a string")),
    }
}

fn sha256(field: &'static str, id: &str) -> Result<String, Problem> {
    let hash = id.strip_prefix("sha256:").unwrap_or(id);
    if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(hash.to_ascii_lowercase())
    } else {
        Err(invalid(field, "must be sha256: and 64 hexadecimal digits"))
    }
}

/// `extensions: {after}`, or the header.
fn freshness(
    extensions: &Map<String, Value>,
    headers: &HeaderMap,
    patience: Patience,
) -> Result<Option<Freshness>, Problem> {
    let in_header = headers
        .get(POSITION_AFTER_HEADER)
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
    Ok(Some(Freshness { after, patience }))
}

/// `extensions: {withinMs, onTimeout}`: of the position that is named, and of those of the commands of a mutation.
fn patience(extensions: &Map<String, Value>, options: &QueryApiOptions) -> Result<Patience, Problem> {
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
    Ok(Patience {
        within: Duration::from_millis(within_ms),
        on_timeout,
    })
}

/// The code of a request whose parameters are not those of GraphQL over HTTP.
pub(super) const INVALID_PARAMETERS: &str = "request.invalid-parameters";

fn invalid(field: &'static str, reason: &'static str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        INVALID_PARAMETERS,
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
