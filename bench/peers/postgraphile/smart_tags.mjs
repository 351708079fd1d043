// What the tables do not say themselves. Read models have no foreign keys, since rows come in the order of their partitions; PostGraphile
// learns from these tags how tables hang together, and asks in the same way as for real ones.

export const smartTags = {
  version: 1,
  config: {
    class: {
      task: {
        tags: { foreignKey: "(conversation_id) references conversation (id)|@fieldName conversation" },
      },
      execution: {
        tags: { foreignKey: "(task_id) references task (id)|@fieldName task|@foreignFieldName executions" },
      },
      message: {
        tags: { foreignKey: "(conversation_id) references conversation (id)|@fieldName conversation|@foreignFieldName messages" },
      },
    },
  },
};
