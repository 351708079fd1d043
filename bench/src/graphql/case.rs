//! The questions, what is wanted of each, and how they reach the servers.

/// A question that is asked again and again.
pub(super) struct LoadCase {
    /// What its rows are called.
    pub(super) name: &'static str,
    /// In the words of our schema.
    pub(super) ours: &'static str,
    /// The same in the words of PostGraphile's; aliases give the answers the same shape.
    pub(super) postgraphile: &'static str,
    /// How ours reaches the program. PostGraphile gets the text.
    pub(super) sent_as: SentAs,
    pub(super) about: About,
    /// How many things with an id an answer has at least: one that is empty is fast.
    pub(super) least_ids: usize,
    pub(super) wanted: Wanted,
}

/// How a document is sent. A service that knows documents beforehand would be sent less than the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentAs {
    /// POST with the text of the document in every request.
    Text,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Always the same: it has no variables.
    Newest,
    /// Another task each time, by the variable `id`.
    AnyTask,
}

/// The targets.
pub(super) struct Wanted {
    /// Requests/s, as a multiple of PostGraphile's.
    pub(super) times_postgraphile: f64,
    /// Requests/s, as a part of the bare handler's.
    pub(super) of_bare: Option<f64>,
    /// Milliseconds in which 95 of 100 are answered while the service is kept busy.
    pub(super) p95_below_ms: Option<f64>,
}

pub(super) const LIST_OF_20: LoadCase = LoadCase {
    name: "list of 20",
    ours: include_str!("documents/ours/list_of_20.graphql"),
    postgraphile: include_str!("documents/postgraphile/list_of_20.graphql"),
    sent_as: SentAs::Text,
    about: About::Newest,
    least_ids: 20,
    wanted: Wanted {
        times_postgraphile: 2.5,
        of_bare: None,
        p95_below_ms: Some(50.0),
    },
};

pub(super) const THREE_LEVELS: LoadCase = LoadCase {
    name: "three levels",
    ours: include_str!("documents/ours/three_levels.graphql"),
    postgraphile: include_str!("documents/postgraphile/three_levels.graphql"),
    sent_as: SentAs::Text,
    about: About::Newest,
    // Each task has an execution, and a conversation with at least one message.
    least_ids: 40,
    wanted: Wanted {
        times_postgraphile: 2.5,
        of_bare: None,
        p95_below_ms: None,
    },
};

pub(super) const ONE_TASK: LoadCase = LoadCase {
    name: "one task",
    ours: include_str!("documents/ours/one_task.graphql"),
    postgraphile: include_str!("documents/postgraphile/one_task.graphql"),
    sent_as: SentAs::Text,
    about: About::AnyTask,
    least_ids: 1,
    wanted: Wanted {
        times_postgraphile: 3.0,
        of_bare: Some(0.3),
        p95_below_ms: None,
    },
};

/// A thousand rows are what is wanted; a page of ours has a hundred at most.
pub(super) const LARGEST_PAGE: LoadCase = LoadCase {
    name: "100 rows (largest page)",
    ours: include_str!("documents/ours/largest_page.graphql"),
    postgraphile: include_str!("documents/postgraphile/largest_page.graphql"),
    sent_as: SentAs::Text,
    about: About::Newest,
    least_ids: 100,
    wanted: Wanted {
        times_postgraphile: 10.0,
        of_bare: None,
        p95_below_ms: None,
    },
};
