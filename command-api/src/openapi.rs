//! The OpenAPI 3.1 document, generated from the routes and the types of their bodies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, Object, Ref, RefOr, Response, ResponseBuilder, ResponsesBuilder, Type,
};
use utoipa::{IntoParams, IntoResponses, Modify, OpenApi, ToSchema};

use crate::reply::Reply;
use crate::routes::{bulk, conversation, execution, task};

/// The document as pretty JSON with a newline at its end.
pub fn openapi() -> String {
    // Serialising plain structs cannot fail; the drift test would see an empty document.
    let mut text = Document::openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Coding agent commands",
        description = "The write side. Every command may carry an `Idempotency-Key` and may be repeated safely with \
            it. Every answer carries a position token with which reads can wait for the command's effect.",
    ),
    paths(
        conversation::start,
        conversation::rename,
        conversation::delete,
        conversation::send_message,
        conversation::archive,
        conversation::reopen,
        task::create,
        task::amend,
        task::delete,
        task::classification,
        task::cancel,
        task::retry,
        task::link_pull_request,
        execution::start,
        execution::progress,
        execution::completion,
        execution::failure,
        bulk::commands,
    ),
    components(schemas(Reply, ProblemDetails)),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        document
            .components
            .get_or_insert_with(Default::default)
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Headers of every command.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "describes the headers in the OpenAPI document; the extractors read them"
)]
pub(crate) struct CommandHeaders {
    /// The command id: 1 to 200 visible ASCII characters. Made and returned when absent.
    #[serde(rename = "Idempotency-Key")]
    #[param(required = false, max_length = 200)]
    idempotency_key: Option<String>,
    /// The revision that the stream must have, in double quotes, or `*`.
    #[serde(rename = "If-Match")]
    #[param(required = false)]
    if_match: Option<String>,
    /// The position token of an earlier answer, to be merged into this one's.
    #[serde(rename = "Position")]
    #[param(required = false)]
    position: Option<String>,
}

/// An error answer (RFC 9457). Clients branch on `code`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemDetails {
    r#type: String,
    title: String,
    status: u16,
    /// Stable.
    code: String,
    detail: Option<String>,
    /// The field at fault.
    field: Option<String>,
    /// The limit that was passed.
    limit: Option<u64>,
    /// The revision of the stream, where another was expected.
    current_revision: Option<u64>,
    /// Of a command that was not answered: `unknown` or `not-applied`.
    outcome: Option<String>,
    /// When a limit opens again.
    retry_at: Option<String>,
    retry_after_seconds: Option<u64>,
    correlation_id: Option<String>,
}

/// Answers of commands that bring something into being.
pub(crate) struct Created;

/// Answers of commands that change what is there.
pub(crate) struct Changed;

impl IntoResponses for Created {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let repeated = accepted("The state was as wanted before; nothing happened.");
        with_problems([("201", accepted("It is there.")), ("200", repeated)])
    }
}

impl IntoResponses for Changed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        with_problems([("200", accepted("It is as wanted."))])
    }
}

fn accepted(description: &str) -> Response {
    let text = || HeaderBuilder::new().schema(Object::with_type(Type::String)).build();
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Reply")))
                .build(),
        )
        .header("ETag", text())
        .header("Location", text())
        .header("Position", text())
        .header("Idempotency-Key", text())
        .header("Idempotency-Replayed", text())
        .build()
}

fn with_problems<const N: usize>(accepted: [(&str, Response); N]) -> BTreeMap<String, RefOr<Response>> {
    const PROBLEMS: [(&str, &str); 14] = [
        ("400", "Not readable: not JSON, another shape, a malformed header."),
        ("401", "No token, or one that is not valid."),
        ("403", "The role or the principal may not do this."),
        (
            "404",
            "There is no such thing, or it is not for this principal to know about.",
        ),
        ("409", "The state forbids it."),
        ("410", "It was deleted."),
        (
            "412",
            "`If-Match` names another revision; `currentRevision` is the present one.",
        ),
        ("413", "Too large."),
        ("415", "Not `application/json`."),
        (
            "422",
            "The content breaks a rule, or the key was used with other content.",
        ),
        ("429", "A limit; `Retry-After` says when it opens."),
        ("500", "A defect; nothing was applied."),
        (
            "503",
            "Not available; `outcome` says whether the command may have been applied. Repeat with the same key.",
        ),
        ("405", "The path takes other methods."),
    ];
    let responses = accepted
        .into_iter()
        .fold(ResponsesBuilder::new(), |all, (status, one)| all.response(status, one));
    let responses = PROBLEMS.into_iter().fold(responses, |all, (status, description)| {
        let schema = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("ProblemDetails")))
            .build();
        let problem = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", schema);
        all.response(status, problem.build())
    });
    responses.build().responses
}
