//! The evidence as a text that is understood without the code.

use std::collections::BTreeMap;
use std::fmt;

use crate::check::ProductCheck;
use crate::evidence::{Evidence, Latency};
use crate::nemesis::Nemesis;

/// Lines of what is wrong; the evidence has more.
const QUOTED: usize = 10;

impl fmt::Display for Evidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "Faults: 3 Apache Kafka brokers (3 copies, 2 in sync), PostgreSQL, {} nodes{}, {} clients; {:.0} s in all, {} rounds of faults\n",
            self.nodes,
            if self.strict { " with strict rejections" } else { "" },
            self.clients,
            self.seconds,
            self.rounds.len()
        )?;
        self.nemeses(out)?;
        self.load(out)?;
        writeln!(out, "Checked")?;
        for check in &self.checks {
            let verdict = if check.violations == 0 { "ok    " } else { "BROKEN" };
            writeln!(out, "  {verdict} {:>8}  {}", check.items, check.claim)?;
            for violation in &check.quoted {
                writeln!(out, "                   {violation}")?;
            }
            if check.violations > check.quoted.len() as u64 {
                writeln!(
                    out,
                    "                   and {} more",
                    check.violations - check.quoted.len() as u64
                )?;
            }
        }
        match &self.by_product {
            ProductCheck::Passed { .. } => writeln!(
                out,
                "  ok               coding-agent history verify finds nothing wrong"
            )?,
            ProductCheck::Failed { report } => {
                writeln!(out, "  BROKEN           coding-agent history verify: {report}")?;
            }
            ProductCheck::Missing => {
                writeln!(out, "  -                this binary has no coding-agent history verify")?;
            }
        }
        for problem in self.problems.iter().take(QUOTED) {
            writeln!(out, "  BROKEN           {problem}")?;
        }
        let verdict = if self.passed() {
            "everything holds"
        } else {
            "A PROMISE IS BROKEN"
        };
        writeln!(
            out,
            "\nVerdict: {verdict}. The same rounds again: --seed {}{}",
            self.seed,
            if self.strict { " --strict" } else { "" }
        )
    }
}

impl Evidence {
    fn nemeses(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut struck: BTreeMap<Nemesis, (u64, f64, f64)> = BTreeMap::new();
        for round in &self.rounds {
            for strike in &round.strikes {
                let (count, seconds, longest) = struck.entry(strike.nemesis).or_default();
                *count += 1;
                *seconds += round.seconds();
                *longest = longest.max(round.seconds_until_done.unwrap_or(f64::INFINITY));
            }
        }
        writeln!(
            out,
            "{:<26}{:>6}{:>10}   every node works again at most after",
            "Nemesis", "times", "seconds"
        )?;
        for (nemesis, (count, seconds, longest)) in struck {
            writeln!(
                out,
                "  {:<24}{count:>6}{seconds:>10.1}{longest:>10.1} s",
                nemesis.name()
            )?;
        }
        for (nemesis, reason) in &self.skipped {
            writeln!(out, "  {nemesis:<24}skipped: {reason}")?;
        }
        writeln!(
            out,
            "  Proxies cut {} connections and kept {} answers whose request had gone through.",
            self.connections_cut, self.answers_lost
        )?;
        writeln!(
            out,
            "  Nodes ended by themselves {} times (a node cannot start while its servers are away) and were started again.",
            self.own_ends_of_nodes
        )?;
        writeln!(
            out,
            "  Longest time without a command done after everything was healed: {:.1} s\n",
            self.longest_wait_after_heal
        )
    }

    fn load(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let load = &self.load;
        let attempts: u64 = load.attempts.values().sum();
        writeln!(
            out,
            "{} commands on {} streams in {attempts} attempts",
            load.commands, load.streams
        )?;
        for (outcome, count) in &load.attempts {
            writeln!(out, "  {outcome:<24}{count:>8}")?;
        }
        for (code, count) in &load.uncertain {
            writeln!(out, "    {code:<40}{count:>8}")?;
        }
        let line = |name: &str, latency: Latency| {
            format!(
                "  {name:<24}p50 {:>8.1} ms   p99 {:>8.1} ms   of {} answers",
                latency.p50_ms, latency.p99_ms, latency.answers
            )
        };
        writeln!(out, "{}", line("answered in calm", load.calm))?;
        writeln!(out, "{}\n", line("answered under fault", load.under_fault))
    }
}
