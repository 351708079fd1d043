//! Where processor time goes: on two cores the sum decides what an import costs, whoever spends it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The kernel's unit in /proc; 100 a second on every Linux that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time, by who used them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessorTime {
    by_name: BTreeMap<String, f64>,
}

/// The processes to look at.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) program: u32,
    /// What it is called in the figures.
    pub(crate) program_name: &'static str,
    pub(crate) postgres: Option<u32>,
    pub(crate) kafka: Option<u32>,
}

impl Watched {
    /// What they have used so far. A process that cannot be seen is left out.
    pub(crate) fn now(&self) -> ProcessorTime {
        let mut by_name = BTreeMap::new();
        for (name, seconds) in threads_of(self.program) {
            by_name.insert(format!("{} {name}", self.program_name), seconds);
        }
        if let Some(seconds) = own(self.program) {
            by_name.insert(self.program_name.to_owned(), seconds);
        }
        let this = std::process::id();
        if let Some(seconds) = own(this).filter(|_| this != self.program) {
            by_name.insert("clients".to_owned(), seconds);
        }
        // Of children that have ended and were waited for.
        if let Some(seconds) = stat_fields(Path::new("/proc/self/stat")).map(|fields| fields.ended_children) {
            by_name.insert("importer".to_owned(), seconds);
        }
        if let Some(seconds) = self.postgres.and_then(with_children) {
            by_name.insert("PostgreSQL".to_owned(), seconds);
        }
        if let Some(seconds) = self.kafka.and_then(own) {
            by_name.insert("Kafka".to_owned(), seconds);
        }
        ProcessorTime { by_name }
    }
}

impl ProcessorTime {
    /// What was used since, who used nothing worth telling left out.
    pub(crate) fn since(&self, earlier: &Self) -> Vec<(String, f64)> {
        let before = |name: &String| earlier.by_name.get(name).copied().unwrap_or_default();
        self.by_name
            .iter()
            .map(|(name, seconds)| (name.clone(), seconds - before(name)))
            .filter(|(_, seconds)| *seconds >= 0.05)
            .collect()
    }
}

/// The process that listens on a port of this machine, when we may see it.
pub(crate) fn listener(port: u16) -> Option<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables.iter().find_map(|table| socket_inode(table, port))?;
    let target = format!("socket:[{inode}]");
    let holds = |pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|link| link.as_os_str() == target.as_str())
    };
    let holders: Vec<u32> = processes().filter(holds).collect();
    // A backend that was forked just now still holds its parent's socket.
    holders.iter().copied().find(|pid| {
        stat_fields(Path::new(&format!("/proc/{pid}/stat"))).is_some_and(|fields| !holders.contains(&fields.parent))
    })
}

fn socket_inode(table: &str, port: u16) -> Option<String> {
    const LISTENING: &str = "0A";
    let text = fs::read_to_string(table).ok()?;
    text.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let local_port = columns.get(1)?.rsplit_once(':')?.1;
        let is_it = u16::from_str_radix(local_port, 16).ok()? == port && *columns.get(3)? == LISTENING;
        is_it.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
    })
}

fn threads_of(pid: u32) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        if let Some(fields) = stat_fields(&entry.path().join("stat")) {
            *found.entry(format!("[{}]", fields.name)).or_default() += fields.own;
        }
    }
    found
}

fn own(pid: u32) -> Option<f64> {
    Some(stat_fields(Path::new(&format!("/proc/{pid}/stat")))?.own)
}

/// Of the process, its living children and those that have ended.
fn with_children(pid: u32) -> Option<f64> {
    let parent = stat_fields(Path::new(&format!("/proc/{pid}/stat")))?;
    let living: f64 = processes()
        .filter_map(|other| stat_fields(Path::new(&format!("/proc/{other}/stat"))))
        .filter(|child| child.parent == pid)
        .map(|child| child.own)
        .sum();
    Some(parent.own + parent.ended_children + living)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

struct StatFields {
    name: String,
    parent: u32,
    own: f64,
    ended_children: f64,
}

/// The format is told in `proc_pid_stat(5)`: the name stands in parentheses and may hold anything.
fn stat_fields(file: &Path) -> Option<StatFields> {
    let text = fs::read_to_string(file).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split_whitespace().collect();
    // The first one here is field 3 there.
    let seconds = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(StatFields {
        name,
        parent: fields.get(1)?.parse().ok()?,
        own: (seconds(14)? + seconds(15)?) / TICKS_PER_SECOND,
        ended_children: (seconds(16)? + seconds(17)?) / TICKS_PER_SECOND,
    })
}
