//! The evidence as a text that is understood without the code.

use std::fmt;

use crate::check::ProductCheck;
use crate::evidence::{Evidence, Latency, RoundEvidence};
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
        writeln!(
            out,
            "{:<26}{:>6}{:>10}{:>18}{:>30}",
            "Nemesis", "times", "seconds", "longest silence", "every node works again after"
        )?;
        for nemesis in Nemesis::all() {
            let met = |round: &&RoundEvidence| round.strikes.iter().any(|strike| strike.nemesis == *nemesis);
            let rounds: Vec<&RoundEvidence> = self.rounds.iter().filter(met).collect();
            let longest = |of: fn(&RoundEvidence) -> f64| rounds.iter().map(|round| of(round)).fold(0.0, f64::max);
            if !rounds.is_empty() {
                writeln!(
                    out,
                    "  {:<24}{:>6}{:>10.1}{:>16.1} s{:>28.1} s",
                    nemesis.name(),
                    rounds.len(),
                    rounds.iter().map(|round| round.seconds()).sum::<f64>(),
                    longest(|round| round.longest_silence),
                    longest(|round| round.seconds_until_done.unwrap_or(f64::INFINITY)),
                )?;
            }
        }
        for (nemesis, reason) in &self.skipped {
            writeln!(out, "  {nemesis:<24}skipped: {reason}")?;
        }
        writeln!(
            out,
            "  Silence: no node at all did a command, from the strike until every node works again. Nemeses of one round share its numbers.\n  Proxies cut {} connections and kept {} answers whose request had gone through.",
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
