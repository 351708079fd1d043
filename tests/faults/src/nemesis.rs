//! What is done to the system. Each nemesis has a target of its own kind; two of different kinds may strike at the same time.

use clap::ValueEnum;
use serde::Serialize;

/// One sort of fault. Its name on the command line is that of the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nemesis {
    /// SIGKILL of a broker; started again
    BrokerKill,
    /// SIGSTOP of a broker
    BrokerPause,
    /// SIGKILL of the broker that is the active controller
    ControllerKill,
    /// SIGSTOP of the broker that is the active controller
    ControllerPause,
    /// SIGKILL of a node; started again
    NodeKill,
    /// SIGSTOP of a node
    NodePause,
    /// `PostgreSQL` closes its connections and stops; started again
    PostgresRestart,
    /// SIGKILL of `PostgreSQL` with all its connections; started again
    PostgresKill,
    /// SIGSTOP of `PostgreSQL` with all its connections
    PostgresPause,
    /// The disk of `PostgreSQL` is full
    PostgresDiskFull,
    /// What passes between nodes and brokers arrives late
    KafkaDelay,
    /// Connections between nodes and brokers are closed, and no new one is made
    KafkaCut,
    /// Requests to brokers go through and are not answered
    KafkaSwallowAnswers,
    /// Requests to brokers go through, and the connection is closed in place of the answer
    KafkaCutAtAnswer,
    /// Requests to brokers go through, and no answer ever comes on that connection again; new connections are good
    KafkaBlackHole,
    /// What passes between a node and `PostgreSQL` arrives late
    PostgresDelay,
    /// Connections between a node and `PostgreSQL` are closed, and no new one is made
    PostgresCut,
    /// Statements to `PostgreSQL` go through and are not answered
    PostgresSwallowAnswers,
    /// Statements to `PostgreSQL` go through, and the connection is closed in place of the answer
    PostgresCutAtAnswer,
    /// The wall clock of a node jumps, ahead or back
    ClockJump,
}

/// What a nemesis works on. Within a round there is at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// One of three brokers: two must go on.
    Broker,
    /// A node.
    Node,
    /// The database.
    Postgres,
    /// The way to the brokers.
    KafkaLink,
    /// The way to the database.
    PostgresLink,
    /// A node's clock.
    Clock,
}

impl Nemesis {
    /// All of them.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// What it works on.
    pub fn target(self) -> Target {
        match self {
            Self::BrokerKill | Self::BrokerPause | Self::ControllerKill | Self::ControllerPause => Target::Broker,
            Self::NodeKill | Self::NodePause => Target::Node,
            Self::PostgresRestart | Self::PostgresKill | Self::PostgresPause | Self::PostgresDiskFull => {
                Target::Postgres
            }
            Self::KafkaDelay
            | Self::KafkaCut
            | Self::KafkaSwallowAnswers
            | Self::KafkaCutAtAnswer
            | Self::KafkaBlackHole => Target::KafkaLink,
            Self::PostgresDelay | Self::PostgresCut | Self::PostgresSwallowAnswers | Self::PostgresCutAtAnswer => {
                Target::PostgresLink
            }
            Self::ClockJump => Target::Clock,
        }
    }

    /// As the command line names it.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}
