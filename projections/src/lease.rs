//! Which process writes which partitions of a generation.
//!
//! Safety never depends on it: every transaction compares checkpoint and fence ([`crate::checkpoint`]). A lease only decides who tries, so
//! that processes share the work and one that dies is replaced within seconds. A process lives as long as its session holds an
//! advisory lock on its number, which the server takes back at once when the process dies; one that hangs is found by its last look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use event_store::Cut;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::advisory_lock;
use crate::error::ProjectionError;
use crate::query_load;

mod assignment;

use assignment::{Member, Share};

/// Fences of the partitions that a process holds.
pub(crate) type Fences = BTreeMap<u32, i64>;

/// What a process found when it took a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) partition: u32,
    pub(crate) next_offset: u64,
    pub(crate) fence: i64,
    /// How many holders in a row died.
    pub(crate) crashes: u32,
    /// The event that the last of them had under its hands, when it took care, and how many died of it.
    pub(crate) trying: Option<(String, u64)>,
    pub(crate) trying_crashes: u32,
}

/// What a process sees when it looks in.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// What is committed, in all partitions.
    pub(crate) cut: Cut,
    /// Partitions that this process should take.
    pub(crate) claim: BTreeSet<u32>,
    /// Partitions that it should leave to others.
    pub(crate) give_up: BTreeSet<u32>,
    /// It lost some that it thought it had.
    pub(crate) lost: bool,
    /// Somebody wants another attempt at a parked stream of its partitions.
    pub(crate) retries: bool,
    /// Who died, and who left in good order; both may still stand as holders.
    dead: Vec<i32>,
    left: Vec<i32>,
}

/// A process that follows a generation. Dropping it ends the session, which others take for a crash; see [`Self::leave`].
pub(crate) struct Lease {
    session: PgConnection,
    generation: i32,
    id: i32,
    lease: Duration,
}

impl Lease {
    /// Joins those who follow the generation; holds nothing yet.
    pub(crate) async fn join(pool: &PgPool, generation: i32, lease: Duration) -> Result<Self, ProjectionError> {
        // Not of the pool: the lock must end with the process, and with nothing else.
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let id: i32 = sqlx::query_scalar("select nextval('control.projector_id_seq')::integer")
            .fetch_one(&mut session)
            .await?;
        // Before anybody can see the row: who sees it without the lock knows that the process is gone.
        advisory_lock::PROJECTOR.hold(&mut session, id).await?;
        sqlx::query("insert into control.projector (id, generation, name) values ($1, $2, $3)")
            .bind(id)
            .bind(generation)
            .bind(name())
            .execute(&mut session)
            .await?;
        Ok(Self {
            session,
            generation,
            id,
            lease,
        })
    }

    /// Looks in: says that it lives, and sees who else does. `held` is what it thinks it has.
    pub(crate) async fn look(&mut self, held: &Fences, timings: &impl Serialize) -> Result<View, ProjectionError> {
        let here = sqlx::query("update control.projector set seen_at = clock_timestamp(), timings = $2 where id = $1")
            .bind(self.id)
            .bind(sqlx::types::Json(timings))
            .execute(&mut self.session)
            .await?;
        // Others have given it up, or the generation was dropped.
        let lost = here.rows_affected() == 0;
        let processes: Vec<(i32, bool, bool)> = sqlx::query_as(
            "select id, left_at is not null, seen_at > clock_timestamp() - make_interval(secs => $2) and exists ( \
                 select from pg_locks where locktype = 'advisory' and granted \
                 and database = (select oid from pg_database where datname = current_database()) \
                 and classid::bigint = $3 and objid::bigint = projector.id) \
             from control.projector where generation = $1 order by id",
        )
        .bind(self.generation)
        .bind(self.lease.as_secs_f64())
        .bind(advisory_lock::PROJECTOR.class())
        .fetch_all(&mut self.session)
        .await?;
        let checkpoints: Vec<(i32, i64, Option<i32>, i64)> = sqlx::query_as(
            "select partition, next_offset, holder, fence from control.checkpoint where generation = $1",
        )
        .bind(self.generation)
        .fetch_all(&mut self.session)
        .await?;
        let partitions: Vec<i32> = held.keys().map(|partition| partition.cast_signed()).collect();
        let retries: bool = sqlx::query_scalar(
            "select exists (select from control.parked_stream \
             where generation = $1 and partition = any ($2) and retry_requested_at is not null)",
        )
        .bind(self.generation)
        .bind(partitions)
        .fetch_one(&mut self.session)
        .await?;
        Ok(self.view(held, lost, retries, &processes, &checkpoints))
    }

    /// See [`query_load`].
    pub(crate) async fn slowest_p99_of_queries(&mut self) -> Result<Option<f64>, ProjectionError> {
        Ok(query_load::slowest_p99(&mut self.session).await?)
    }

    fn view(
        &self,
        held: &Fences,
        lost: bool,
        retries: bool,
        processes: &[(i32, bool, bool)],
        checkpoints: &[(i32, i64, Option<i32>, i64)],
    ) -> View {
        let mut members: BTreeMap<i32, Member> = BTreeMap::new();
        let (mut dead, mut left) = (Vec::new(), Vec::new());
        for (id, has_left, alive) in processes {
            if *has_left {
                left.push(*id);
            } else if *alive || *id == self.id {
                members.insert(*id, Member::default());
            } else {
                dead.push(*id);
            }
        }
        let mut view = View {
            lost,
            retries,
            dead,
            left,
            ..View::default()
        };
        let mut orphans = BTreeSet::new();
        for (partition, next, holder, fence) in checkpoints {
            let partition = partition.cast_unsigned();
            view.cut.raise(partition, next.cast_unsigned());
            match holder.and_then(|holder| members.get_mut(&holder)) {
                Some(member) => {
                    member.holds.insert(partition);
                }
                None => {
                    orphans.insert(partition);
                }
            }
            let mine = *holder == Some(self.id);
            view.lost |= held.get(&partition).is_some_and(|held| !mine || held != fence);
        }
        let Share { claim, give_up } = assignment::share(self.id, &members, &orphans);
        view.claim = claim;
        view.give_up = give_up;
        view
    }

    /// Takes partitions that nobody living holds; those that somebody else took first are not among the answer.
    pub(crate) async fn claim(&mut self, view: &View) -> Result<Vec<Taken>, ProjectionError> {
        type Row = (i32, i64, i64, i32, Option<String>, Option<i64>, i32);
        let wanted: Vec<i32> = view.claim.iter().map(|partition| partition.cast_signed()).collect();
        let mut transaction = self.session.begin().await?;
        // A dead holder may have left a transaction that the server is about to end.
        sqlx::raw_sql("set local lock_timeout = '2s'")
            .execute(&mut *transaction)
            .await?;
        let rows: Vec<Row> = sqlx::query_as(
            // Locked in the order in which everybody locks them. Whoever had them and did not give them back has crashed.
            "with free as materialized ( \
                 select partition, coalesce(holder = any ($3), false)::integer as died from control.checkpoint \
                 where generation = $1 and partition = any ($2) and (holder is null or holder = any ($3) or holder = any ($5)) order by partition for update \
             ) \
             update control.checkpoint as checkpoint \
             set holder = $4, fence = fence + 1, crashes = crashes + free.died, \
                 trying_crashes = trying_crashes + case when trying_now then free.died else 0 end, trying_now = false \
             from free where checkpoint.generation = $1 and checkpoint.partition = free.partition \
             returning checkpoint.partition, next_offset, fence, crashes, trying_stream, trying_revision, trying_crashes",
        )
        .bind(self.generation)
        .bind(wanted)
        .bind(&view.dead)
        .bind(self.id)
        .bind(&view.left)
        .fetch_all(&mut *transaction)
        .await?;
        // Rows of those who hold nothing any more. Partitions that others will take must still show how their holders ended.
        sqlx::query(
            "delete from control.projector where id = any ($1) \
             and not exists (select from control.checkpoint where holder = projector.id)",
        )
        .bind([view.dead.as_slice(), view.left.as_slice()].concat())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let taken = |(partition, next, fence, crashes, stream, revision, trying_crashes): Row| Taken {
            partition: partition.cast_unsigned(),
            next_offset: next.cast_unsigned(),
            fence,
            crashes: crashes.cast_unsigned(),
            trying: stream.zip(revision.map(i64::cast_unsigned)),
            trying_crashes: trying_crashes.cast_unsigned(),
        };
        Ok(rows.into_iter().map(taken).collect())
    }

    /// Leaves partitions to others, in good order: nothing of them may be under way.
    pub(crate) async fn give_up(&mut self, partitions: &BTreeSet<u32>) -> Result<(), ProjectionError> {
        let partitions: Vec<i32> = partitions.iter().map(|partition| partition.cast_signed()).collect();
        sqlx::query(
            "update control.checkpoint set holder = null, trying_stream = null, trying_revision = null, trying_now = false, trying_crashes = 0 \
             where generation = $1 and partition = any ($2) and holder = $3",
        )
        .bind(self.generation)
        .bind(partitions)
        .bind(self.id)
        .execute(&mut self.session)
        .await?;
        Ok(())
    }

    /// Leaves in good order; what it held is free at once. Waits for no lock on a checkpoint.
    pub(crate) async fn leave(mut self) -> Result<(), ProjectionError> {
        sqlx::query("update control.projector set left_at = clock_timestamp() where id = $1")
            .bind(self.id)
            .execute(&mut self.session)
            .await?;
        self.session.close().await?;
        Ok(())
    }
}

/// Host and process, for people.
pub(crate) fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let host = if host.is_empty() { "process" } else { host };
    format!("{host}:{}", std::process::id())
}
