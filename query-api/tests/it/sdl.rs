//! The committed schema is the schema.

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/generated/schema.graphql");

#[test]
fn the_committed_schema_is_the_schema() {
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == query_api::sdl(),
        "docs/generated/schema.graphql is stale: write it again with `cargo run -p query-api --example sdl > docs/generated/schema.graphql`"
    );
}

#[test]
fn error_codes_are_distinct_and_stable() {
    let codes: Vec<&str> = query_api::ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "graphql.parse-failed",
            "graphql.validation-failed",
            "paging.arguments",
            "paging.page-too-large",
            "paging.cursor-invalid",
            "paging.cursor-of-another-sort",
            "argument.invalid",
            "auth.forbidden",
            "freshness.timeout",
            "projection.parked",
            "freshness.token-of-another-log",
            "freshness.token-invalid",
            "freshness.beyond-generation",
            "generation.unknown",
            "generation.building",
            "generation.model-absent",
            "generation.no-history",
            "limit.depth",
            "limit.complexity",
            "limit.fields",
            "limit.aliases",
            "limit.directives",
            "limit.root-fields",
            "limit.tokens",
            "limit.answer",
            "limit.operations",
            "document.unknown",
            "document.hash-wrong",
            "document.not-trusted",
            "operation.kind",
            "limit.rows",
            "limit.mutations",
            "request.mutation-by-get",
            "generation.read-only",
            "commands.not-configured",
            "commands.unavailable",
            "commands.failed",
            "service.not-ready",
            "service.unavailable",
            "service.timeout",
            "internal",
        ]
    );
}
