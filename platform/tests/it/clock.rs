use platform::clock;

#[test]
fn now_has_whole_microseconds_and_is_the_time_of_the_system() {
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = clock::now();
    let after = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();

    assert_eq!(now.timestamp_subsec_nanos() % 1_000, 0);
    let micros = u128::try_from(now.timestamp_micros()).unwrap();
    assert!(before.as_micros() <= micros && micros <= after.as_micros());
}
