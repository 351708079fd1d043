//! Every command there is: its name on the wire and who may give it at all. Finer rules are the aggregates'.

use domain::Role;

/// The name of a command, `category.verb`; the same in the bulk route and in the hash of a command's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandName {
    /// `conversation.start`
    ConversationStart,
    /// `conversation.rename`
    ConversationRename,
    /// `conversation.send-message`
    ConversationSendMessage,
    /// `conversation.archive`
    ConversationArchive,
    /// `conversation.reopen`
    ConversationReopen,
    /// `conversation.delete`
    ConversationDelete,
    /// `task.create`
    TaskCreate,
    /// `task.amend`
    TaskAmend,
    /// `task.request-classification`
    TaskRequestClassification,
    /// `task.classify`
    TaskClassify,
    /// `task.fail-classification`
    TaskFailClassification,
    /// `task.start-execution`
    TaskStartExecution,
    /// `task.report-progress`
    TaskReportProgress,
    /// `task.complete-execution`
    TaskCompleteExecution,
    /// `task.fail-execution`
    TaskFailExecution,
    /// `task.link-pull-request`
    TaskLinkPullRequest,
    /// `task.cancel`
    TaskCancel,
    /// `task.retry`
    TaskRetry,
    /// `task.delete`
    TaskDelete,
}

/// Whose stream a command goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    Conversation,
    Task,
}

impl AggregateKind {
    /// The category of the stream, and the name from which ids of created streams derive.
    pub(crate) const fn category(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Task => "task",
        }
    }

    /// Where its resources live.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Conversation => "/api/conversations",
            Self::Task => "/api/tasks",
        }
    }
}

impl CommandName {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::ConversationStart,
        Self::ConversationRename,
        Self::ConversationSendMessage,
        Self::ConversationArchive,
        Self::ConversationReopen,
        Self::ConversationDelete,
        Self::TaskCreate,
        Self::TaskAmend,
        Self::TaskRequestClassification,
        Self::TaskClassify,
        Self::TaskFailClassification,
        Self::TaskStartExecution,
        Self::TaskReportProgress,
        Self::TaskCompleteExecution,
        Self::TaskFailExecution,
        Self::TaskLinkPullRequest,
        Self::TaskCancel,
        Self::TaskRetry,
        Self::TaskDelete,
    ];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConversationStart => "conversation.start",
            Self::ConversationRename => "conversation.rename",
            Self::ConversationSendMessage => "conversation.send-message",
            Self::ConversationArchive => "conversation.archive",
            Self::ConversationReopen => "conversation.reopen",
            Self::ConversationDelete => "conversation.delete",
            Self::TaskCreate => "task.create",
            Self::TaskAmend => "task.amend",
            Self::TaskRequestClassification => "task.request-classification",
            Self::TaskClassify => "task.classify",
            Self::TaskFailClassification => "task.fail-classification",
            Self::TaskStartExecution => "task.start-execution",
            Self::TaskReportProgress => "task.report-progress",
            Self::TaskCompleteExecution => "task.complete-execution",
            Self::TaskFailExecution => "task.fail-execution",
            Self::TaskLinkPullRequest => "task.link-pull-request",
            Self::TaskCancel => "task.cancel",
            Self::TaskRetry => "task.retry",
            Self::TaskDelete => "task.delete",
        }
    }

    /// The command of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }

    /// The roles that may give it; for the others the door is closed before anything is read from the log.
    pub const fn roles(self) -> &'static [Role] {
        const OWNERS: &[Role] = &[Role::User, Role::Admin];
        const ALL_BUT_ANALYST: &[Role] = &[Role::User, Role::Admin, Role::Service];
        const WORKERS: &[Role] = &[Role::Service];
        match self {
            Self::ConversationRename
            | Self::ConversationArchive
            | Self::ConversationReopen
            | Self::ConversationDelete
            | Self::TaskAmend
            | Self::TaskCancel
            | Self::TaskRetry
            | Self::TaskDelete => OWNERS,
            Self::ConversationStart
            | Self::ConversationSendMessage
            | Self::TaskCreate
            | Self::TaskRequestClassification
            | Self::TaskStartExecution => ALL_BUT_ANALYST,
            Self::TaskClassify
            | Self::TaskFailClassification
            | Self::TaskReportProgress
            | Self::TaskCompleteExecution
            | Self::TaskFailExecution
            | Self::TaskLinkPullRequest => WORKERS,
        }
    }

    pub(crate) const fn aggregate(self) -> AggregateKind {
        match self {
            Self::ConversationStart
            | Self::ConversationRename
            | Self::ConversationSendMessage
            | Self::ConversationArchive
            | Self::ConversationReopen
            | Self::ConversationDelete => AggregateKind::Conversation,
            _ => AggregateKind::Task,
        }
    }

    /// Does it begin a stream, whose id is then derived from the command?
    pub(crate) const fn begins_stream(self) -> bool {
        matches!(self, Self::ConversationStart | Self::TaskCreate)
    }

    /// Does it bring something new into being (HTTP 201)?
    pub(crate) const fn creates(self) -> bool {
        self.begins_stream() || matches!(self, Self::ConversationSendMessage | Self::TaskStartExecution)
    }

    /// Does it start an execution, of which a user has only so many an hour?
    pub(crate) const fn starts_execution(self) -> bool {
        matches!(self, Self::TaskStartExecution | Self::TaskRetry)
    }
}
