-- Which deliveries have not arrived is asked often, and few have not.
CREATE INDEX deliveries_not_delivered ON deliveries (at, id) WHERE state <> 'delivered';
DROP INDEX deliveries_by_state;

-- What is ahead of a hook is looked for here, and nowhere else: the condition, which says
-- the same as state = 'pending', fits no other index. PostgreSQL often sees hardly any that
-- wait when it counts them; it would then take the index above as well, and read all of it.
DROP INDEX deliveries_in_turn;
CREATE INDEX deliveries_in_turn ON deliveries (plan_id, endpoint, seq) WHERE done_at = 0;

-- Without a condition: a task is leased without a new entry in each of its indexes then.
DROP INDEX tasks_due;
CREATE INDEX tasks_due ON tasks (run_at);

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('011', 11);
