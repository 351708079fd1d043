//! What holds for every sequence of commands by anybody.

mod conversation_commands;
mod quota_commands;
mod task_commands;

use domain::{Actor, Aggregate, Context, Role};
use proptest::prelude::*;

use crate::harness::{after_noon, assert_survives_the_log, user};

/// A command together with who gives it, when, and whether it is an import.
#[derive(Debug, Clone)]
struct Order<C> {
    command: C,
    context: Context,
}

fn orders<C: Clone + std::fmt::Debug + 'static>(
    commands: impl Strategy<Value = C> + 'static,
    most: usize,
) -> impl Strategy<Value = Vec<Order<C>>> {
    let order = (commands, context()).prop_map(|(command, context)| Order { command, context });
    prop::collection::vec(order, 0..most)
}

/// Two users, and one of each other role; half of the commands come from the first user and the services, so that
/// long histories arise.
fn context() -> impl Strategy<Value = Context> {
    let actor = prop_oneof![
        4 => Just(Actor { id: user(1), role: Role::User }),
        4 => Just(Actor { id: user(5), role: Role::Service }),
        1 => Just(Actor { id: user(2), role: Role::User }),
        1 => Just(Actor { id: user(3), role: Role::Admin }),
        1 => Just(Actor { id: user(4), role: Role::Analyst }),
    ];
    (actor, 0..20_000_i64, prop::bool::weighted(0.3)).prop_map(|(actor, milliseconds, imported)| Context {
        actor,
        at: after_noon(milliseconds),
        imported,
    })
}

/// A text that now and then breaks the rule of its field.
fn text(limit: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zé🦀 \n]{1,12}",
        1 => Just(String::new()),
        1 => Just("nul\0".to_owned()),
        1 => Just("ü".repeat(limit)),
        1 => Just("ü".repeat(limit + 1)),
    ]
}

/// Gives the orders one after the other. Whatever happens survives the log, and `seen` is told of every step.
fn obey<A: Aggregate>(
    mut state: A,
    orders: &[Order<A::Command>],
    mut seen: impl FnMut(&A, &A::Event, &A) -> Result<(), TestCaseError>,
) -> Result<A, TestCaseError> {
    for order in orders {
        let Ok(events) = state.decide(&order.command, &order.context) else {
            continue;
        };
        prop_assert!(
            order.context.actor.role != Role::Analyst || events.is_empty(),
            "an analyst changed something"
        );
        for event in events {
            let before = state.clone();
            state.evolve(&event);
            seen(&before, &event, &state)?;
            assert_survives_the_log(&event.into());
        }
    }
    Ok(state)
}
