//! The ports of a cluster. They stay the same over restarts as long as nobody else takes them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::super::free_port::{free_ports, is_free};

/// Two ports for each broker: for clients and for the controllers' own traffic.
#[derive(Debug)]
pub(super) struct Ports {
    pairs: Vec<(u16, u16)>,
}

impl Ports {
    /// The port for clients of the broker with this number.
    pub(super) fn broker(&self, number: u16) -> Result<u16> {
        Ok(self.pair(number)?.0)
    }

    /// The controller's port of the broker with this number.
    pub(super) fn controller(&self, number: u16) -> Result<u16> {
        Ok(self.pair(number)?.1)
    }

    /// `1@127.0.0.1:9093,2@...`
    pub(super) fn voters(&self) -> String {
        let voters = self
            .pairs
            .iter()
            .zip(1..)
            .map(|((_, port), number): (_, u16)| format!("{number}@127.0.0.1:{port}"));
        voters.collect::<Vec<_>>().join(",")
    }

    /// How many brokers there are.
    pub(super) fn brokers(&self) -> usize {
        self.pairs.len()
    }

    fn pair(&self, number: u16) -> Result<(u16, u16)> {
        let index = usize::from(number).checked_sub(1).context("brokers count from 1")?;
        self.pairs
            .get(index)
            .copied()
            .with_context(|| format!("there is no broker {number}"))
    }

    fn read(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let pairs = text.lines().map(|line| {
            let (broker, controller) = line.split_once(' ')?;
            Some((broker.parse().ok()?, controller.parse().ok()?))
        });
        Some(Self {
            pairs: pairs.collect::<Option<_>>()?,
        })
    }

    fn are_free(&self) -> bool {
        self.pairs
            .iter()
            .all(|(broker, controller)| is_free(*broker) && is_free(*controller))
    }
}

/// The ports from last time when some of the brokers run or all ports are free (and the first is the wanted one), else new ones.
pub(super) fn choose(cluster: &Path, brokers: u16, wanted: u16, running: bool) -> Result<Ports> {
    let file = cluster.join("ports");
    let known = Ports::read(&file).filter(|ports| ports.brokers() == usize::from(brokers));
    if running {
        return known.with_context(|| format!("brokers run, but {} does not name their ports", file.display()));
    }
    if let Some(ports) = known
        && ports.are_free()
        && (wanted == 0 || ports.broker(1)? == wanted)
    {
        return Ok(ports);
    }
    let free = free_ports(usize::from(brokers) * 2)?;
    let (first, second) = free.split_at(usize::from(brokers));
    let mut pairs: Vec<(u16, u16)> = first.iter().copied().zip(second.iter().copied()).collect();
    if let Some(pair) = pairs.first_mut()
        && wanted != 0
    {
        if !is_free(wanted) {
            bail!("port {wanted} is taken by another program");
        }
        pair.0 = wanted;
    }
    let lines: Vec<String> = pairs
        .iter()
        .map(|(broker, controller)| format!("{broker} {controller}"))
        .collect();
    let text = lines.join("\n") + "\n";
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(Ports { pairs })
}
