//! A real private Kafka.

use std::net::TcpStream;

use xtask::services::kafka::PrivateKafka;

#[test]
fn a_killed_broker_comes_back_on_its_port() {
    let directory = tempfile::tempdir().unwrap();
    let mut kafka = PrivateKafka::start(directory.path(), 1).unwrap();
    let address = kafka.bootstrap();
    TcpStream::connect(&address).unwrap();
    kafka.kill(1).unwrap();
    assert!(TcpStream::connect(&address).is_err());
    assert!(!PrivateKafka::runs_in(directory.path()).unwrap());
    kafka.restart(1).unwrap();
    assert_eq!(kafka.bootstrap(), address);
    TcpStream::connect(&address).unwrap();
    kafka.pause(1).unwrap();
    kafka.resume(1).unwrap();
    kafka.stop().unwrap();
    assert!(!PrivateKafka::runs_in(directory.path()).unwrap());
}

#[test]
fn a_directory_belongs_to_one_number_of_brokers() {
    let directory = tempfile::tempdir().unwrap();
    drop(PrivateKafka::start(directory.path(), 1).unwrap());
    let error = PrivateKafka::start(directory.path(), 3).unwrap_err();
    assert!(format!("{error:#}").contains("has 1 brokers, not 3"));
}

#[test]
fn two_brokers_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(PrivateKafka::start(directory.path(), 2).is_err());
}
