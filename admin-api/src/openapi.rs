//! The OpenAPI 3.1 document of these routes.

use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

use crate::routes::{generations, parked, verification};

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
        title = "Coding agent administration",
        description = "What administrators do with projections; analysts may read. Every change is recorded in the log, on the stream \
            `administration-projections`.",
    ),
    paths(
        generations::list,
        generations::rebuild,
        generations::promote,
        generations::roll_back,
        generations::retire,
        generations::lag,
        verification::begin,
        verification::status,
        parked::list,
        parked::discarded,
        parked::retry,
        parked::discard,
    ),
    components(schemas(ProblemDetails)),
    security(("bearer" = [])),
    modifiers(&Bearer, &Problems),
)]
struct Document;

/// An error answer (RFC 9457). Clients branch on `code`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProblemDetails {
    r#type: String,
    title: String,
    status: u16,
    /// Stable, and that of the command line.
    code: String,
    detail: Option<String>,
    /// The field at fault.
    field: Option<String>,
    /// The limit that was passed.
    limit: Option<u64>,
    retry_after_seconds: Option<u64>,
    correlation_id: Option<String>,
}

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

/// Every route may answer with these.
struct Problems;

const PROBLEMS: [(&str, &str); 7] = [
    ("400", "Not readable."),
    ("401", "No token, or one that is not valid."),
    ("403", "The role may not do this."),
    ("404", "There is no such thing."),
    ("409", "The state forbids it."),
    ("422", "The content breaks a rule."),
    ("503", "The log or the database cannot be used."),
];

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for path in document.paths.paths.values_mut() {
            let operations = [&mut path.get, &mut path.post, &mut path.delete];
            for operation in operations.into_iter().flatten() {
                for (status, description) in PROBLEMS {
                    let schema = ContentBuilder::new()
                        .schema(Some(Ref::from_schema_name("ProblemDetails")))
                        .build();
                    let problem = ResponseBuilder::new()
                        .description(description)
                        .content("application/problem+json", schema)
                        .build();
                    operation.responses.responses.insert(status.to_owned(), problem.into());
                }
            }
        }
    }
}
