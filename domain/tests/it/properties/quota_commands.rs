//! Any reservations.

use std::collections::BTreeSet;

use domain::quota::{Quota, QuotaCommand, QuotaEvent};
use proptest::prelude::*;
use uuid::Uuid;

use super::{obey, orders};
use crate::harness::noon;

const LIMIT: u32 = 3;
const WINDOW_MS: u64 = 5_000;

fn reservations() -> impl Strategy<Value = QuotaCommand> {
    (0..30_u128).prop_map(|number| QuotaCommand::Reserve {
        reservation: Uuid::from_u128(number),
        limit: LIMIT,
        window_ms: WINDOW_MS,
    })
}

/// Any numbers at all.
fn wild() -> impl Strategy<Value = QuotaCommand> {
    (any::<u128>(), any::<u32>(), any::<u64>()).prop_map(|(number, limit, window_ms)| QuotaCommand::Reserve {
        reservation: Uuid::from_u128(number),
        limit,
        window_ms,
    })
}

proptest! {
    #[test]
    fn no_window_ever_holds_more_than_the_limit(mut orders in orders(reservations(), 60)) {
        orders.sort_by_key(|order| order.context.at);
        let mut times = Vec::new();
        let mut reservations = BTreeSet::new();
        obey(Quota::default(), &orders, |_, event, _| {
            let QuotaEvent::Reserved { reservation, at } = *event;
            prop_assert!(reservations.insert(reservation), "reserved twice");
            times.push(u64::try_from((at - noon()).num_milliseconds()).unwrap());
            Ok(())
        })?;
        for time in &times {
            let in_window = times.iter().filter(|other| (*time..time + WINDOW_MS).contains(other)).count();
            prop_assert!(in_window <= LIMIT as usize, "{in_window} reservations from {time} on");
        }
    }

    #[test]
    fn no_numbers_upset_it(orders in orders(wild(), 20)) {
        obey(Quota::default(), &orders, |_, _, _| Ok(()))?;
    }
}
