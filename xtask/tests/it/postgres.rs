//! A real private `PostgreSQL`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use xtask::services::postgres::PrivatePostgres;

#[test]
fn it_comes_back_on_its_port_after_a_crash_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = PrivatePostgres::start(&directory.path().join("server"), 0).unwrap();
    let (url, pid) = (server.url(), server.pid().unwrap());
    server.create_database("kept").unwrap();
    server.create_database("kept").unwrap();

    server.kill().unwrap();
    assert!(server.create_database("refused").is_err());
    server.start_again().unwrap();
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), Some(pid));
    server.restart().unwrap();
    assert_eq!(server.url(), url);
    server.create_database("kept").unwrap();
    server.stop().unwrap();
    PrivatePostgres::remove(&directory.path().join("server")).unwrap();
}

#[test]
fn a_second_start_finds_the_running_server_and_leaves_it_running() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("server");
    let first = PrivatePostgres::start(&home, 0).unwrap();
    let second = PrivatePostgres::start(&home, 0).unwrap();
    assert_eq!(second.pid(), first.pid());
    assert_eq!(second.url(), first.url());
    drop(second);
    assert_eq!(PrivatePostgres::running_in(&home), Some(first.port()));
    drop(first);
    assert_eq!(PrivatePostgres::running_in(&home), None);
    PrivatePostgres::remove(&home).unwrap();
}

/// Matters where the tests run as root, since the server then runs under another account.
#[test]
fn data_is_kept_in_a_directory_that_only_we_can_reach_and_removed_with_it() {
    let private = tempfile::tempdir().unwrap();
    fs::set_permissions(private.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let home = private.path().join("server");
    drop(PrivatePostgres::start(&home, 0).unwrap());
    let server = PrivatePostgres::start(&home, 0).unwrap();
    let log = server.log_file();
    assert_eq!(fs::read_to_string(&log).unwrap().matches("--- start of").count(), 2);
    drop(server);
    PrivatePostgres::remove(&home).unwrap();
    assert!(!log.exists());
    assert!(!home.exists());
}
