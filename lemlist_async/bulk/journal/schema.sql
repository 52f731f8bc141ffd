-- Tables of journals on PostgreSQL, version 1. docs/scaling.md describes them for queries.

CREATE TABLE lemlist_schema (version integer NOT NULL);
INSERT INTO lemlist_schema VALUES (1);

CREATE TABLE lemlist_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    meta jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- the lease: one holder at a time, and an epoch that each new holder raises
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    lease_until timestamptz,
    -- what the workers of a fleet know of the job
    wanted boolean NOT NULL DEFAULT false,
    tenant text,
    trouble text
) WITH (fillfactor = 50);  -- each renewal of a lease writes a row, which then stays in its page

CREATE TABLE lemlist_rows (
    job bigint NOT NULL,
    n integer NOT NULL,
    line bigint NOT NULL,
    key bytea,
    payload json NOT NULL,
    state text NOT NULL,
    what text NOT NULL DEFAULT '',
    reason text,
    id text,
    result json,
    tries integer NOT NULL DEFAULT 0,
    credits integer NOT NULL DEFAULT 0,
    -- the epoch under which the row was last marked as sent
    epoch bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (job, n)
);
-- rows that lie far apart; the planner uses it for a query that says just this
CREATE INDEX lemlist_rows_open ON lemlist_rows (job, state, n) WHERE state IN ('pending', 'unknown', 'failed');

-- Writes outcomes and marks rows, in one statement: a worker that is stopped half-way holds no lock.
-- LA001: the lease is another's, or (for marks) over. LA002: a row is no longer in the state in which it was read.
CREATE FUNCTION lemlist_write_v1(
    this_job bigint, this_epoch bigint, again boolean,
    sent integer[], expected text, back integer[],
    ns integer[], states text[], whats text[], reasons text[], ids text[], results text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lease timestamptz;
    marked integer;
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        -- a mark that a crash of the server forgets would let its row be sent twice
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    -- FOR SHARE: a take-over comes before this statement or after its commit, and never in between
    SELECT lease_until INTO lease FROM lemlist_jobs WHERE id = this_job AND epoch = this_epoch FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another worker has taken the job over' USING ERRCODE = 'LA001';
    END IF;
    IF cardinality(sent) > 0 THEN
        IF lease IS NULL OR lease <= clock_timestamp() THEN
            RAISE EXCEPTION 'the lease of this worker is over' USING ERRCODE = 'LA001';
        END IF;
        -- `again`: the first try of this statement may have been committed although its connection broke
        UPDATE lemlist_rows SET state = 'sent', epoch = this_epoch, tries = tries + (state <> 'sent')::integer
            WHERE job = this_job AND n = ANY (sent)
            AND (state = expected OR (again AND state = 'sent' AND epoch = this_epoch));
        GET DIAGNOSTICS marked = ROW_COUNT;
        IF marked <> cardinality(sent) THEN
            RAISE EXCEPTION 'of % rows to be sent only % were still %', cardinality(sent), marked, expected
                USING ERRCODE = 'LA002';
        END IF;
    END IF;
    IF cardinality(back) > 0 THEN
        UPDATE lemlist_rows SET state = 'new', tries = tries - 1
            WHERE job = this_job AND n = ANY (back) AND state = 'sent';
    END IF;
    IF cardinality(ns) > 0 THEN
        UPDATE lemlist_rows AS r
            SET state = f.state, what = f.what, reason = f.reason, id = f.id, result = f.result::json
            FROM unnest(ns, states, whats, reasons, ids, results) AS f (n, state, what, reason, id, result)
            -- the numbers twice: the planner may not know yet that the job has many rows, and would begin with all of them
            WHERE r.job = this_job AND r.n = ANY (ns) AND r.n = f.n;
    END IF;
END;
$$;
