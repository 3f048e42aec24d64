-- Which deliveries have not arrived is asked often, and few have not.
CREATE INDEX deliveries_not_delivered ON deliveries (at, id) WHERE state <> 'delivered';

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('011', 11);
