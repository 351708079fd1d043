//! What can be told to the benches that work on a long log of their own: how long, and which of their cases.

use std::sync::LazyLock;

use anyhow::{Result, ensure};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::{graphql, replay};

/// The options of `replay` and `graphql`.
#[derive(Debug, Args)]
pub(crate) struct LongLogOptions {
    /// Events of the log that is worked on: 1,000,000 for `replay`, which works on a tenth of it too, and 100,000 for `graphql`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10_000..))]
    events: Option<u64>,
    /// Only these cases of `replay` and `graphql`, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CASE,..")]
    cases: Vec<LongLogCase>,
}

/// A case of either; their names differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LongLogCase {
    Replay(replay::Case),
    Graphql(graphql::Case),
}

impl LongLogOptions {
    /// How many events, when nobody said so many.
    pub(crate) fn events(&self, otherwise: u64) -> u64 {
        self.events.unwrap_or(otherwise)
    }

    /// The cases of `replay` that are wanted, in their own order.
    pub(crate) fn cases_of_replay(&self) -> Result<Vec<replay::Case>> {
        self.wanted("replay", LongLogCase::Replay)
    }

    /// The cases of `graphql` that are wanted, in their own order.
    pub(crate) fn cases_of_graphql(&self) -> Result<Vec<graphql::Case>> {
        self.wanted("graphql", LongLogCase::Graphql)
    }

    fn wanted<Case: ValueEnum>(&self, bench: &str, among_all: impl Fn(Case) -> LongLogCase) -> Result<Vec<Case>> {
        let all = || Case::value_variants().iter().cloned();
        if self.cases.is_empty() {
            return Ok(all().collect());
        }
        let wanted: Vec<Case> = all()
            .filter(|case| self.cases.contains(&among_all(case.clone())))
            .collect();
        let names: Vec<String> = all()
            .filter_map(|case| Some(case.to_possible_value()?.get_name().to_owned()))
            .collect();
        ensure!(
            !wanted.is_empty(),
            "--cases names no case of {bench}, which has {}",
            names.join(", ")
        );
        Ok(wanted)
    }
}

impl ValueEnum for LongLogCase {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<LongLogCase>> = LazyLock::new(|| {
            let replays = replay::Case::value_variants().iter().copied().map(LongLogCase::Replay);
            let queries = graphql::Case::value_variants()
                .iter()
                .copied()
                .map(LongLogCase::Graphql);
            replays.chain(queries).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Replay(case) => case.to_possible_value(),
            Self::Graphql(case) => case.to_possible_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, ValueEnum as _};

    use super::{LongLogCase, LongLogOptions};
    use crate::{graphql, replay};

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        options: LongLogOptions,
    }

    fn told(arguments: &[&str]) -> LongLogOptions {
        Told::try_parse_from([&["bench"], arguments].concat()).unwrap().options
    }

    #[test]
    fn no_two_cases_have_the_same_name() {
        let mut names: Vec<String> = LongLogCase::value_variants()
            .iter()
            .map(|case| case.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn each_bench_gets_its_own_cases() {
        let options = told(&["--cases", "one-task,counters"]);
        assert_eq!(options.cases_of_graphql().unwrap(), [graphql::Case::OneTask]);
        assert_eq!(options.cases_of_replay().unwrap(), [replay::Case::Counters]);
    }

    #[test]
    fn a_bench_of_which_no_case_is_named_says_which_it_has() {
        let message = told(&["--cases", "counters"])
            .cases_of_graphql()
            .unwrap_err()
            .to_string();
        assert!(message.contains("one-task"), "{message}");
    }
}
