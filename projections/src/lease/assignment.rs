//! How processes share partitions. Pure: each decides for itself from what all of them see, and what they decide fits together.

use std::collections::{BTreeMap, BTreeSet};

/// A process that lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Member {
    pub(super) holds: BTreeSet<u32>,
}

/// What one of them should do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Share {
    pub(super) claim: BTreeSet<u32>,
    pub(super) give_up: BTreeSet<u32>,
}

/// The share of `me`, who is a member: everybody has as many as everybody else, or one more, and nothing moves without need. Who has
/// most keeps the one more; partitions that somebody gives up are free for the others at their next look.
pub(super) fn share(me: i32, members: &BTreeMap<i32, Member>, orphans: &BTreeSet<u32>) -> Share {
    let held: usize = members.values().map(|member| member.holds.len()).sum();
    let partitions = held + orphans.len();
    let (least, one_more) = (
        partitions.checked_div(members.len()).unwrap_or(0),
        partitions.checked_rem(members.len()).unwrap_or(0),
    );
    let mut order: Vec<(i32, usize)> = members.iter().map(|(id, member)| (*id, member.holds.len())).collect();
    order.sort_by_key(|(id, holds)| (std::cmp::Reverse(*holds), *id));
    // Everybody takes what is his from the free ones, in the same order, so that nobody reaches for the same.
    let mut free = orphans.iter().copied();
    for (place, (id, holds)) in order.into_iter().enumerate() {
        let target = least + usize::from(place < one_more);
        let claim: BTreeSet<u32> = free.by_ref().take(target.saturating_sub(holds)).collect();
        if id == me {
            let own = members.get(&me).map(|member| &member.holds);
            let give_up = own.into_iter().flatten().rev().take(holds.saturating_sub(target));
            return Share {
                claim,
                give_up: give_up.copied().collect(),
            };
        }
    }
    Share::default()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::{Member, Share, share};

    /// Everybody does what he decided on what all saw; then they look again.
    fn round(members: &mut BTreeMap<i32, Member>, partitions: u32) -> bool {
        let seen = members.clone();
        let taken: BTreeSet<u32> = seen.values().flat_map(|member| member.holds.iter().copied()).collect();
        let orphans: BTreeSet<u32> = (0..partitions).filter(|partition| !taken.contains(partition)).collect();
        let mut moved = false;
        for (id, member) in members.iter_mut() {
            let Share { claim, give_up } = share(*id, &seen, &orphans);
            moved |= !claim.is_empty() || !give_up.is_empty();
            assert!(claim.is_subset(&orphans));
            member.holds.retain(|partition| !give_up.contains(partition));
            member.holds.extend(claim);
        }
        moved
    }

    fn assert_fair(members: &BTreeMap<i32, Member>, partitions: u32) {
        let all: Vec<u32> = members
            .values()
            .flat_map(|member| member.holds.iter().copied())
            .collect();
        let distinct: BTreeSet<u32> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len(), "held twice: {members:?}");
        assert_eq!(distinct.len(), partitions as usize, "not all are held: {members:?}");
        let most = members.values().map(|member| member.holds.len()).max().unwrap();
        let least = members.values().map(|member| member.holds.len()).min().unwrap();
        assert!(most - least <= 1, "not fair: {members:?}");
    }

    #[test]
    fn one_process_takes_everything_at_once() {
        let mut members = BTreeMap::from([(7, Member::default())]);
        round(&mut members, 16);
        assert_fair(&members, 16);
    }

    #[test]
    fn a_second_process_gets_half_and_the_rest_stays_where_it_is() {
        let mut members = BTreeMap::from([
            (
                1,
                Member {
                    holds: (0..16).collect(),
                },
            ),
            (2, Member::default()),
        ]);
        while round(&mut members, 16) {}
        assert_fair(&members, 16);
        assert_eq!(members[&1].holds, (0..8).collect());
    }

    proptest! {
        #[test]
        fn processes_come_and_go_and_the_shares_become_fair_and_stay(
            partitions in 1_u32..40,
            changes in prop::collection::vec((1_i32..9, any::<bool>()), 1..20),
        ) {
            let mut members: BTreeMap<i32, Member> = BTreeMap::new();
            for (id, comes) in changes {
                if comes {
                    members.entry(id).or_default();
                } else {
                    members.remove(&id);
                }
                round(&mut members, partitions);
            }
            members.entry(9).or_default();
            let mut rounds = 0;
            while round(&mut members, partitions) {
                rounds += 1;
                prop_assert!(rounds < 10, "still moving: {members:?}");
            }
            assert_fair(&members, partitions);
        }
    }
}
