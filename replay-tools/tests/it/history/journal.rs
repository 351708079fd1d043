//! The journal of a log on Kafka: each fault is one statement on a copy of the database.

use replay_tools::history::verify::{Code, VerifyOptions};

use super::world::{PARTITIONS, World, fenced, refused, stream};

/// Without the read models, which would show the same fault a second time.
pub(super) fn log_only() -> VerifyOptions {
    VerifyOptions {
        skip_read_models: true,
        ..VerifyOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::too_many_lines, reason = "one list of faults")]
async fn each_difference_between_journal_and_log_is_found_and_nothing_else() {
    let world = World::on_kafka().await;
    let (one, task) = (stream(2), stream(11));
    let fenced_partition = fenced().partition(PARTITIONS);
    let first_refused = format!(
        "(select min(command::text)::uuid from journal.rejections where stream = '{}')",
        refused()
    );
    let last = format!("stream = '{one}' and revision = 3");
    let columns = r#"stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata"#;
    let faults = [
        (Code::RowMissing, format!("delete from journal.events where {last}")),
        (
            Code::RowExtra,
            format!(
                r#"insert into journal.events ({columns})
                   select stream, revision + 1, (select position + 1 from journal.head), partition, "offset", index + 1, gen_random_uuid(),
                          type, time, recorded_at, gen_random_uuid(), data, metadata
                   from journal.events where position = (
                       select max(position) from journal.events where partition = (select max(partition) from journal.events)
                   );
                   update journal.head set position = position + 1"#
            ),
        ),
        (
            Code::RowBeyondCheckpoint,
            format!(
                r#"insert into journal.events ({columns})
                   select stream, revision + 1, (select position + 1 from journal.head), partition, "offset" + 1000, index, gen_random_uuid(),
                          type, time, recorded_at, gen_random_uuid(), data, metadata
                   from journal.events where {last};
                   update journal.head set position = position + 1"#
            ),
        ),
        (
            Code::FenceMissing,
            "delete from journal.fences where category is not null".to_owned(),
        ),
        (
            Code::FenceExtra,
            format!("insert into journal.fences values ({fenced_partition}, 0, 'conversation-x', null, now())"),
        ),
        (
            Code::FenceDiffers,
            format!("update journal.fences set stream = 'conversation-x' where stream = '{}'", fenced()),
        ),
        (
            Code::RejectionMissing,
            format!("delete from journal.rejections where command = {first_refused}"),
        ),
        (
            Code::RejectionExtra,
            format!(
                r#"insert into journal.rejections
                   select stream, gen_random_uuid(), command_hash, answer, partition, "offset", recorded_at
                   from journal.rejections where command = {first_refused}"#
            ),
        ),
        (
            Code::RejectionExtra,
            format!(
                r"insert into journal.rejections
                   select stream, gen_random_uuid(), command_hash, answer, partition, 0, recorded_at
                   from journal.rejections where command = {first_refused}"
            ),
        ),
        (
            Code::RejectionDiffers,
            format!(
                "update journal.rejections set answer = answer || '{{\"revision\": 4}}' where command = {first_refused}"
            ),
        ),
        (
            Code::JournalDigest,
            "update journal.checkpoints set digest = repeat('1', 32) where partition = 3".to_owned(),
        ),
        (
            Code::JournalAhead,
            "update journal.checkpoints set next_offset = next_offset + 1000 where partition = 1".to_owned(),
        ),
        (
            Code::JournalOfOtherLog,
            "update journal.head set log_id = gen_random_uuid()".to_owned(),
        ),
        (
            Code::PositionTwice,
            format!(
                "alter table journal.events drop constraint events_position;
                 update journal.events set position = (select position from journal.events where {last})
                 where stream = '{one}' and revision = 2"
            ),
        ),
        (
            Code::PositionOrder,
            format!(
                "alter table journal.events drop constraint events_position;
                 update journal.events e set position = (
                     select position from journal.events other where other.stream = e.stream and other.revision = 5 - e.revision
                 ) where stream = '{one}' and revision in (2, 3)"
            ),
        ),
        (
            Code::PositionBeyondHead,
            "update journal.head set position = position - 1".to_owned(),
        ),
        (
            Code::RowExtra,
            format!(
                "insert into journal.events ({columns})
                   select 'conversation-x', 0, (select position + 1 from journal.head), {PARTITIONS}, 5, 0, gen_random_uuid(),
                          type, time, recorded_at, gen_random_uuid(), data, metadata
                   from journal.events where {last};
                   update journal.head set position = position + 1"
            ),
        ),
    ];
    for column in [
        "command_hash = repeat('1', 32)",
        "recorded_at = recorded_at + interval '1 microsecond'",
    ] {
        let sql = format!("update journal.rejections set {column} where command = {first_refused}");
        let report = world.verify_with(&world.copy_after(&sql).await, &log_only()).await;
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::RejectionDiffers], "{sql}: {}", report.to_text());
        let (name, _) = column.split_once(' ').unwrap();
        let sentence = &report.findings[0].sentence;
        assert!(sentence.contains(&format!("another {name} than")), "{sql}: {sentence}");
    }
    for (code, sql) in faults {
        let pool = world.copy_after(&sql).await;
        let report = world.verify_with(&pool, &log_only()).await;
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{sql}: {}", report.to_text());
    }
    for column in [
        "stream = 'conversation-x'",
        "revision = 99",
        "id = gen_random_uuid()",
        "type = 'task.renamed.v1'",
        "time = time + interval '1 microsecond'",
        "recorded_at = recorded_at - interval '1 microsecond'",
        "command = gen_random_uuid()",
        r#"data = data || '{"title": "another"}'"#,
        r#"metadata = metadata || '{"role": "admin"}'"#,
        r#"metadata = metadata || '{"unknown": true}'"#,
    ] {
        let sql = format!("update journal.events set {column} where stream = '{task}' and revision = 0");
        let pool = world.copy_after(&sql).await;
        let report = world.verify_with(&pool, &log_only()).await;
        let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [Code::RowDiffers], "{sql}: {}", report.to_text());
        let (name, _) = column.split_once(' ').unwrap();
        let sentence = &report.findings[0].sentence;
        assert!(sentence.contains(&format!("another {name} than")), "{sql}: {sentence}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_behind_is_compared_as_far_as_it_is() {
    let world = World::on_kafka().await;
    let partition = stream(2).partition(PARTITIONS);
    // As it was before the journaler had taken anything of this partition.
    let sql = format!(
        "delete from journal.events where partition = {partition};
         delete from journal.fences where partition = {partition};
         update journal.checkpoints set next_offset = 0, digest = repeat('0', 32) where partition = {partition}"
    );
    let pool = world.copy_after(&sql).await;
    let report = world.verify_with(&pool, &log_only()).await;
    assert!(report.ok, "{}", report.to_text());
    assert!(report.journal.unwrap().events_to_come >= 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_findings_of_a_kind_some_are_kept_and_all_are_counted() {
    let world = World::on_kafka().await;
    let pool = world.copy_after("delete from journal.events").await;
    let options = VerifyOptions { limit: 3, ..log_only() };
    let report = world.verify_with(&pool, &options).await;
    assert_eq!(report.findings.len(), 3, "{}", report.to_text());
    assert_eq!(report.counts[&Code::RowMissing], report.history.events);
}
