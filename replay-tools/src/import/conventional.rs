//! Reading the type and scope of a conventional commit out of its subject.

/// The types that we know what to do with. Others (`sdk(llm): ..`, `Python: ..`) are mostly the name of a component.
const KNOWN: [&str; 13] = [
    "feat",
    "fix",
    "docs",
    "test",
    "tests",
    "ci",
    "build",
    "chore",
    "refactor",
    "perf",
    "style",
    "revert",
    "enhancement",
];

/// The type in lower case and the scope as written, of a subject like `fix(parser)!: do not hang`.
pub fn parse(subject: &str) -> (Option<String>, Option<String>) {
    parse_known(subject).map_or((None, None), |(commit_type, scope)| {
        (Some(commit_type.to_owned()), scope)
    })
}

fn parse_known(subject: &str) -> Option<(&'static str, Option<String>)> {
    let word_end = subject.find(|character: char| !character.is_ascii_alphabetic())?;
    let (word, mut rest) = subject.split_at(word_end);
    let commit_type = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(word))?;
    let mut scope = None;
    if let Some(after) = rest.strip_prefix('(') {
        let (inside, behind) = after.split_once(')')?;
        scope = Some(inside.to_owned());
        rest = behind;
    }
    rest.strip_prefix('!').unwrap_or(rest).strip_prefix(':')?;
    Some((commit_type, scope))
}
