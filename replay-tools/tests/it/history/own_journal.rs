//! The journal where it is the log: each fault is one statement on a copy of the database.

use replay_tools::history::verify::Code;

use super::journal::log_only;
use super::world::{COMMANDS, EVENTS, PARTITIONS, World, principal, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_journal_has_no_findings() {
    let world = World::on_postgresql().await;
    let report = world.verify(&world.copy().await).await;
    assert!(report.ok, "{}", report.to_text());
    let history = &report.history;
    assert_eq!((history.store, history.partitions), ("postgresql", PARTITIONS));
    assert_eq!(
        (history.records, history.events, history.commands, history.streams),
        (EVENTS, EVENTS, COMMANDS, 10)
    );
    assert!(report.journal.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_the_journal_is_found_and_nothing_else() {
    let world = World::on_postgresql().await;
    let (one, single) = (stream(2), stream(11));
    let last = format!("stream = '{one}' and revision = 3");
    let scoped = domain::CommandId::parse("start-2").unwrap().scoped(principal());
    let away = (single.partition(PARTITIONS) + 1) % PARTITIONS;
    let faults = [
        (
            Code::RevisionNotNext,
            format!("update journal.events set revision = 1 where stream = '{single}'"),
        ),
        (
            Code::CommandTwice,
            format!(
                r#"update journal.events set command = '{scoped}', metadata = metadata || '{{"commandId": "start-2"}}'
                   where stream = '{one}' and revision = 1"#
            ),
        ),
        (
            Code::EventIdTwice,
            format!(
                "update journal.events set id = (select id from journal.events where stream = '{one}' and revision = 0) where {last}"
            ),
        ),
        (
            Code::UnknownType,
            format!("update journal.events set type = 'conversation.pinned.v1' where {last}"),
        ),
        (
            Code::MalformedEvent,
            format!("update journal.events set data = '{{\"title\": 7}}' where stream = '{one}' and revision = 1"),
        ),
        (
            Code::WrongPartition,
            format!("update journal.events set partition = {away} where stream = '{single}'"),
        ),
        (
            Code::RowInconsistent,
            format!("update journal.events set index = 1 where {last}"),
        ),
        (
            Code::RowInconsistent,
            format!("update journal.events set command = gen_random_uuid() where stream = '{single}'"),
        ),
        (
            Code::RowInconsistent,
            format!("update journal.events set metadata = metadata - 'actor' where stream = '{single}'"),
        ),
        (
            Code::RejectedHappened,
            format!(
                r#"insert into journal.rejections
                   select stream, command, repeat('1', 32), '{{}}', partition, "offset" - 1, now() from journal.events where {last} limit 1"#
            ),
        ),
        (
            Code::PositionMissing,
            "update journal.head set position = position + 1".to_owned(),
        ),
        (
            Code::PositionMissing,
            format!("delete from journal.events where {last}"),
        ),
        (
            Code::PositionBeyondHead,
            "update journal.head set position = position - 1".to_owned(),
        ),
    ];
    for (code, sql) in faults {
        let pool = world.copy_after(&sql).await;
        let report = world.verify_with(&pool, &log_only()).await;
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{sql}: {}", report.to_text());
    }
}
