//! The metadata commands of this shard's clients on their way to shard 0: one after another, in the
//! order they were asked for. Whoever gives up before its turn leaves no work behind; what has begun
//! is done to its end, so that half a command never stays behind a client that hangs up. Without
//! that, clients that ask and go would fill shard 0 with commands nobody waits for. On each shard.

use crate::call::{Answer, Call};
use crate::controller::{ControllerAnswer, ControllerCall};
use crate::error::PartitionError;
use crate::shard::Shard;
use engine_base::ShardId;
use engine_io::sync::{Sender, oneshot};
use engine_io::{Env, Queue};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Commands in line before those that nobody waits for are looked for.
const SWEEP_COUNT: usize = 256;

struct Command {
    call: ControllerCall,
    answer: Sender<ControllerAnswer>,
}

/// The line of commands.
#[derive(Default)]
pub(crate) struct Commands {
    line: RefCell<VecDeque<Command>>,
    is_running: Cell<bool>,
    /// Length of the line after the last sweep.
    swept: Cell<usize>,
}

impl Commands {
    fn push(&self, command: Command) {
        let mut line = self.line.borrow_mut();
        line.push_back(command);
        if line.len() > SWEEP_COUNT.max(self.swept.get() * 2) {
            line.retain(|command| command.answer.is_wanted());
            self.swept.set(line.len());
        }
    }

    /// The first command that somebody waits for.
    fn next(&self) -> Option<Command> {
        let mut line = self.line.borrow_mut();
        std::iter::from_fn(|| line.pop_front()).find(|command| command.answer.is_wanted())
    }
}

impl<E: Env> Shard<E> {
    /// Has shard 0 do `call`, behind the commands asked for here before.
    pub async fn control(self: &Rc<Self>, call: ControllerCall) -> ControllerAnswer {
        let (answer, receiver) = oneshot();
        self.commands.push(Command { call, answer });
        if !self.commands.is_running.replace(true) {
            let shard = self.clone();
            self.env.spawn(Queue::Net, async move { shard.run_commands().await });
        }
        receiver.await.unwrap_or(ControllerAnswer::Failed(PartitionError::Stopping))
    }

    async fn run_commands(self: Rc<Self>) {
        while let Some(Command { call, answer }) = self.commands.next() {
            answer.send(self.control_on_first(call).await);
        }
        self.commands.is_running.set(false);
    }

    async fn control_on_first(self: &Rc<Self>, call: ControllerCall) -> ControllerAnswer {
        if self.id() == ShardId(0) {
            return self.control_here(call).await;
        }
        match self.peers.call(ShardId(0), Call::Controller(call)).await {
            Some(Answer::Controller(answer)) => answer,
            _ => ControllerAnswer::Failed(PartitionError::Stopping),
        }
    }
}
