//! A Kafka of one test alone that talks TLS only, with a certificate authority of its own, and lets in who knows the password (SCRAM).

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::spawn_blocking;
use xtask::services::free_port::free_ports;
use xtask::services::log_file;
use xtask::services::process::RecordedProcess;
use xtask::services::wait::wait_until;

use crate::kafka_tools::{java, run};

/// Two seconds are usual; a machine that builds at the same time needs more.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// A running broker; it ends, and its data is deleted, when this is dropped.
#[derive(Debug)]
pub struct SecuredKafka {
    broker: RecordedProcess,
    directory: TempDir,
    port: u16,
}

impl SecuredKafka {
    /// The only user.
    pub const USER: &'static str = "coding-agent";

    /// Starts one whose user has this password.
    pub async fn start(password: &str) -> Self {
        let password = password.to_owned();
        spawn_blocking(move || Self::start_blocking(&password)).await.unwrap()
    }

    fn start_blocking(password: &str) -> Self {
        let directory = TempDir::with_prefix("secured-kafka-").unwrap();
        let place = directory.path();
        make_certificates(place);
        let ports = free_ports(2).unwrap();
        let settings = place.join("server.properties");
        fs::write(&settings, properties(place, ports[0], ports[1])).unwrap();
        let user = format!("SCRAM-SHA-512=[name={},password={password}]", Self::USER);
        let cluster = ["--cluster-id", "AAAAAAAAAAAAAAAAAAAAAA", "--add-scram", &user];
        let mut format = java(place);
        format.args(["kafka.tools.StorageTool", "format"]).args(cluster);
        run(format.arg("--config").arg(&settings));
        let mut command = java(place);
        command.arg("kafka.Kafka").arg(&settings);
        let (mark, log) = (settings.to_string_lossy().into_owned(), place.join("kafka.log"));
        let mut broker = RecordedProcess::spawn(command, &place.join("kafka.pid"), &mark, &log).unwrap();
        wait_until("a secured Kafka listens", START_PATIENCE, || {
            assert!(broker.is_running(), "{}", log_file::quote(&log));
            Ok(TcpStream::connect(("127.0.0.1", ports[0])).is_ok())
        })
        .unwrap();
        Self {
            broker,
            port: ports[0],
            directory,
        }
    }

    /// The bootstrap server.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate that its own is signed with.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.broker.kill().unwrap();
    }
}

impl Drop for SecuredKafka {
    fn drop(&mut self) {
        if let Err(error) = self.broker.kill() {
            eprintln!("the secured Kafka of a test stays behind: {error:#}");
        }
    }
}

/// An authority, and a key with its certificate for 127.0.0.1 in one file.
fn make_certificates(place: &Path) {
    let openssl = |arguments: &[&str]| run(Command::new("openssl").args(arguments).current_dir(place));
    let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let request = |further: &[&str]| openssl(&[&["req"][..], &new_key[..], further].concat());
    request(&[
        "-x509",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=authority of a test",
    ]);
    request(&["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1"]);
    fs::write(place.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
    ];
    openssl(&[&sign[..], &["-extfile", "names", "-days", "2", "-out", "server.pem"]].concat());
    let both = ["server.key", "server.pem"].map(|file| fs::read_to_string(place.join(file)).unwrap());
    fs::write(place.join("keystore.pem"), both.concat()).unwrap();
}

fn properties(place: &Path, port: u16, controller: u16) -> String {
    let place = place.display();
    format!(
        "process.roles=broker,controller
node.id=1
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENTS://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
listener.security.protocol.map=CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.clients.ssl.keystore.type=PEM
listener.name.clients.ssl.keystore.location={place}/keystore.pem
listener.name.clients.ssl.truststore.type=PEM
listener.name.clients.ssl.truststore.location={place}/ca.pem
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={place}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
"
    )
}
