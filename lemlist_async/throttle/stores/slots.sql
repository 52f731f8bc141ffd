-- The slots of all keys, and one turn of one member at those of one key, in one statement.
--
-- `slots.lua` is the same for Redis, and `redis_slots.py` explains the parts and sends the arguments. Instants are whole
-- microseconds of the server's clock. The table is not logged: a server that crashed has forgotten everything, which is
-- as good as having it, since a ledger that may have lost its latest writes counts for nothing.

CREATE UNLOGGED TABLE lemlist_slots_v2 (
    key text PRIMARY KEY,
    shape text,
    run text,
    latest bigint NOT NULL DEFAULT 0,
    paused bigint NOT NULL DEFAULT 0,
    sliding bigint NOT NULL DEFAULT 0,
    interactive bigint NOT NULL DEFAULT 0,
    paced bigint NOT NULL DEFAULT 0,
    asked bigint NOT NULL DEFAULT 0,
    -- by member: the instant and the number of its latest call
    members jsonb NOT NULL DEFAULT '{}',
    -- by slot: F(ree), R(eserved), U (reserved for an urgent request) or X (in flight)
    states text[] NOT NULL DEFAULT '{}',
    ats bigint[] NOT NULL DEFAULT '{}',
    frees bigint[] NOT NULL DEFAULT '{}',
    -- the end of the request before the last one, which a sliding counter may still count in part
    befores bigint[] NOT NULL DEFAULT '{}',
    tokens bigint[] NOT NULL DEFAULT '{}',
    owners text[] NOT NULL DEFAULT '{}',
    -- of an even and an odd minute: the minute, how many round trips, the smallest, and when the first was seen
    trips bigint[] NOT NULL DEFAULT '{0,0,0,0,0,0,0,0}'
) WITH (fillfactor = 50);

CREATE FUNCTION lemlist_slots_turn_v2(this_key text, args text[], test_now bigint, test_run text)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    poll constant bigint := 50000;
    horizon constant bigint := 500000;
    grace constant bigint := 100000;
    paced_for constant bigint := 60000000;
    minute_long constant bigint := 60000000;
    week constant bigint := 604800000000;
    this_shape text := args[1];
    me text := args[2];
    this_call bigint := args[3];
    slot_limit integer := args[4];
    slot_window bigint := args[5];
    hold bigint := args[6];
    way bigint := args[7];
    lease bigint := args[8];
    pace bigint := args[9];
    want text := args[10];
    wanted integer := args[11];
    first_token bigint := args[12];
    lead bigint := args[13];
    pause_for bigint := args[14];
    slide_for bigint := args[15];
    saw_interactive bigint := args[16];
    new_trips bigint := args[17];
    new_trip bigint := args[18];
    place_in integer := 19;
    s lemlist_slots_v2;
    this_run text := coalesce(test_run, pg_postmaster_start_time()::text);
    now_us bigint;
    same_server boolean;
    known boolean := false;
    before bigint := 0;
    alive integer := 0;
    others jsonb := '{}';
    mine jsonb := '{}';
    held text[] := '{}';
    granted text[] := '{}';
    count_granted integer := 0;
    place integer;
    slot integer;
    earliest integer;
    early bigint;
    is_spread boolean;
    is_urgent boolean := want = 'urgent';
    used_lately boolean;
    at_us bigint;
    paced_at bigint;
    ask bigint := 0;
    found record;
    token text;
    rest bigint;
    first_call bigint;
    this_minute bigint;
    base integer;
    n bigint;
    least_trip bigint;
    first_seen bigint;
    seen_trips bigint := 0;
    first_trip bigint;
    smallest bigint;
    shown text[] := '{}';
BEGIN
    INSERT INTO lemlist_slots_v2 (key) VALUES (this_key) ON CONFLICT (key) DO NOTHING;
    SELECT * INTO s FROM lemlist_slots_v2 WHERE key = this_key FOR UPDATE;
    -- read once the row is ours: of two members the later one must have the later instant
    now_us := coalesce(test_now, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    IF s.shape IS NULL THEN
        DELETE FROM lemlist_slots_v2 WHERE latest < now_us - week AND key <> this_key AND shape IS NOT NULL;
    END IF;

    FOR found IN SELECT m.key AS id, (m.value->>0)::bigint AS seen, (m.value->>1)::bigint AS last, m.value
                 FROM jsonb_each(s.members) AS m LOOP
        IF found.id = me THEN
            known := true;
            before := found.last;
        END IF;
        IF found.id = me OR found.seen + lease >= now_us THEN
            others := others || jsonb_build_object(found.id, found.value);
            alive := alive + 1;
        END IF;
    END LOOP;
    -- a call that its member gave up may arrive after a newer one, with a list of slots that is no longer true
    IF this_call <= before THEN
        RETURN ARRAY['late'];
    END IF;

    same_server := s.run IS NOT NULL AND s.run = this_run AND s.latest <= now_us + 1000000;
    IF NOT (same_server AND s.shape IS NOT NULL AND s.shape = this_shape) THEN
        IF same_server AND s.shape IS NOT NULL AND alive > known::integer THEN
            RETURN ARRAY['in use'];
        END IF;
        -- Nothing is known of the last window, so no member sends until it is over; members tell what they have in
        -- flight. One that dies before it could tell has a request on its way at most for `way`.
        others := '{}';
        alive := 0;
        before := 0;
        known := false;
        s.shape := this_shape;
        s.run := this_run;
        s.paused := now_us + hold + way;
        s.sliding := 0;
        s.interactive := 0;
        s.paced := 0;
        s.asked := 0;
        s.states := array_fill('F'::text, ARRAY[slot_limit]);
        s.ats := array_fill(0::bigint, ARRAY[slot_limit]);
        s.frees := array_fill(0::bigint, ARRAY[slot_limit]);
        s.befores := array_fill(0::bigint, ARRAY[slot_limit]);
        s.tokens := array_fill(0::bigint, ARRAY[slot_limit]);
        s.owners := array_fill('-'::text, ARRAY[slot_limit]);
        s.trips := array_fill(0::bigint, ARRAY[8]);
    END IF;
    IF NOT known THEN
        alive := alive + 1;
    END IF;
    others := others || jsonb_build_object(me, jsonb_build_array(now_us, this_call));
    s.latest := now_us;

    FOR i IN 1..slot_limit LOOP
        IF s.states[i] = 'X' THEN
            IF NOT others ? s.owners[i] THEN
                -- the lease of a dead member is longer than a window, so its last request counts no more
                s.befores[i] := greatest(0, s.frees[i] - hold);
                s.states[i] := 'F'; s.ats[i] := 0; s.frees[i] := now_us; s.tokens[i] := 0; s.owners[i] := '-';
            ELSIF s.owners[i] = me THEN
                mine := mine || jsonb_build_object(s.tokens[i]::text, i);
            END IF;
        ELSIF s.states[i] <> 'F' THEN
            -- a reservation is confirmed here before its request goes, so one that was not can be taken away
            IF s.owners[i] = me THEN
                place := i;
            ELSIF NOT others ? s.owners[i] OR s.ats[i] + grace < now_us THEN
                s.states[i] := 'F'; s.ats[i] := 0; s.tokens[i] := 0; s.owners[i] := '-';
            END IF;
        END IF;
    END LOOP;

    -- Reports: of what has ended, then of what is held. A request that went without the ledger takes the slot that is
    -- free first. If an earlier request still counts there, no other request goes until that one does not.
    FOR k IN 1..args[place_in]::integer LOOP
        token := args[place_in + 1];
        rest := args[place_in + 2];
        first_call := args[place_in + 3];
        place_in := place_in + 3;
        slot := (mine->>token)::integer;
        IF slot IS NOT NULL THEN
            mine := mine - token;
            s.states[slot] := 'F'; s.ats[slot] := 0; s.tokens[slot] := 0; s.owners[slot] := '-';
            -- a request that was never sent leaves the slot as it was
            IF rest > 0 THEN
                s.befores[slot] := greatest(0, s.frees[slot] - hold);
                s.frees[slot] := now_us + rest;
            END IF;
        ELSIF first_call > before AND rest > 0 THEN
            slot := lemlist_slots_first_v2(s.states, s.frees, slot_limit);
            s.paused := greatest(s.paused, CASE WHEN slot IS NULL THEN now_us + hold
                WHEN s.frees[slot] > now_us THEN s.frees[slot] ELSE 0 END);
            IF slot IS NOT NULL AND s.frees[slot] < now_us + rest THEN
                s.befores[slot] := greatest(0, s.frees[slot] - hold);
                s.frees[slot] := now_us + rest;
            END IF;
        END IF;
    END LOOP;
    place_in := place_in + 1;
    FOR k IN 1..args[place_in]::integer LOOP
        token := args[place_in + k];
        held := held || token;
        IF NOT mine ? token THEN
            slot := lemlist_slots_first_v2(s.states, s.frees, slot_limit);
            s.paused := greatest(s.paused, CASE WHEN slot IS NULL THEN now_us + hold
                WHEN s.frees[slot] > now_us THEN s.frees[slot] ELSE 0 END);
            IF slot IS NOT NULL THEN
                s.states[slot] := 'X'; s.ats[slot] := now_us; s.tokens[slot] := token::bigint; s.owners[slot] := me;
            END IF;
        END IF;
    END LOOP;
    FOR found IN SELECT m.key AS id, m.value::integer AS i FROM jsonb_each_text(mine) AS m LOOP
        IF NOT found.id = ANY (held) THEN
            -- granted in a call whose answer was lost: its member never knew
            s.states[found.i] := 'F'; s.ats[found.i] := 0; s.tokens[found.i] := 0; s.owners[found.i] := '-';
        END IF;
    END LOOP;

    IF pause_for > 0 THEN s.paused := greatest(s.paused, now_us + pause_for); END IF;
    IF slide_for > 0 THEN s.sliding := now_us + slide_for; END IF;
    IF saw_interactive > 0 OR is_urgent THEN s.interactive := now_us; END IF;

    -- Round trips: those of this minute and of the one before. Few, or many at one instant, may all be late.
    this_minute := now_us / minute_long;
    first_trip := now_us;
    FOR back IN 0..1 LOOP
        base := 4 * ((this_minute - back) % 2)::integer;
        n := s.trips[base + 2];
        least_trip := s.trips[base + 3];
        first_seen := s.trips[base + 4];
        IF s.trips[base + 1] <> this_minute - back OR n = 0 THEN
            n := 0;
            least_trip := NULL;
            first_seen := now_us;
        END IF;
        IF back = 0 AND new_trips > 0 THEN
            n := n + new_trips;
            least_trip := least(coalesce(least_trip, new_trip), new_trip);
            s.trips[base + 1] := this_minute;
            s.trips[base + 2] := n;
            s.trips[base + 3] := least_trip;
            s.trips[base + 4] := first_seen;
        END IF;
        IF n > 0 THEN
            seen_trips := seen_trips + n;
            first_trip := least(first_trip, first_seen);
            smallest := least(coalesce(smallest, least_trip), least_trip);
        END IF;
    END LOOP;
    IF seen_trips < 20 OR now_us - first_trip < 2000000 THEN
        smallest := 0;
    END IF;

    -- Reserving
    IF want IN ('urgent', 'bulk') AND s.paused > now_us THEN
        ask := s.paused;
    ELSIF want IN ('urgent', 'bulk') THEN
        is_spread := now_us - s.interactive < paced_for;
        -- Where members are more than slots, each call matters: a slot is confirmed early, which saves the call that
        -- confirms it. An urgent request could not take it then, so not while such requests come.
        early := CASE WHEN NOT is_urgent AND NOT is_spread AND alive > slot_limit THEN horizon ELSE lead END;
        WHILE count_granted < wanted LOOP
            slot := NULL;
            IF place IS NULL THEN
                slot := lemlist_slots_first_v2(s.states, s.frees, slot_limit);
            END IF;
            IF is_urgent AND slot IS NULL THEN
                -- takes the earliest reservation of another member that is for a bulk request, in exchange for its own
                IF place IS NOT NULL THEN s.states[place] := 'U'; END IF;
                earliest := NULL;
                FOR i IN 1..slot_limit LOOP
                    IF s.states[i] = 'R' AND s.owners[i] <> me
                        AND (earliest IS NULL OR s.ats[i] < s.ats[earliest]) THEN
                        earliest := i;
                    END IF;
                END LOOP;
                IF earliest IS NOT NULL AND (place IS NULL OR s.ats[place] > s.ats[earliest]) THEN
                    IF place IS NOT NULL THEN
                        s.owners[place] := s.owners[earliest];
                        s.states[place] := 'R';
                    END IF;
                    s.owners[earliest] := me;
                    s.states[earliest] := 'U';
                    place := earliest;
                END IF;
            END IF;
            IF place IS NOT NULL THEN
                IF s.ats[place] > now_us + early THEN
                    ask := s.ats[place] - early;
                    EXIT;
                END IF;
                slot := place;
                at_us := s.ats[place];
                place := NULL;
            ELSIF slot IS NULL THEN
                -- what is in flight now is not free before a window from now, but for a request that was never sent
                IF NOT is_urgent AND alive > slot_limit THEN
                    ask := greatest(now_us + hold - horizon, least(s.asked + slot_window / slot_limit, now_us + hold));
                    s.asked := ask;
                    EXIT;
                END IF;
                ask := now_us + CASE WHEN is_urgent THEN poll ELSE greatest(poll, slot_window - 2 * horizon) END;
                EXIT;
            ELSE
                at_us := greatest(s.frees[slot], now_us);
                IF s.sliding > now_us THEN
                    at_us := greatest(at_us, lemlist_slots_sliding_v2(
                        s.states, s.frees, s.befores, now_us, slot_window, hold));
                END IF;
                paced_at := least(s.paced, now_us + slot_window);
                used_lately := pace > 0 AND s.frees[slot] > now_us - slot_window;
                IF used_lately AND NOT is_urgent AND is_spread THEN
                    at_us := greatest(at_us, paced_at);
                END IF;
                IF NOT is_urgent AND at_us > now_us + horizon AND alive > slot_limit THEN
                    -- Where members are more than slots, the later ones would never find one that is not reserved. One
                    -- member asks after the other, since each that is told this finds one slot.
                    ask := greatest(at_us - horizon, least(s.asked + slot_window / slot_limit, at_us));
                    s.asked := ask;
                    EXIT;
                END IF;
                IF used_lately THEN s.paced := greatest(at_us, paced_at) + pace; END IF;
                IF at_us > now_us + early THEN
                    s.states[slot] := CASE WHEN is_urgent THEN 'U' ELSE 'R' END;
                    s.ats[slot] := at_us;
                    s.owners[slot] := me;
                    place := slot;
                    CONTINUE;
                END IF;
            END IF;
            s.states[slot] := 'X';
            s.ats[slot] := at_us;
            s.owners[slot] := me;
            s.tokens[slot] := first_token + count_granted;
            granted := granted || s.tokens[slot]::text || at_us::text;
            count_granted := count_granted + 1;
            IF early > lead AND at_us > now_us + lead THEN
                -- The next one is for another member. By then this one has an answer, and reports it with the call.
                ask := at_us + slot_window / 2;
                EXIT;
            END IF;
        END LOOP;
    ELSIF want <> 'keep' AND place IS NOT NULL THEN
        s.states[place] := 'F'; s.ats[place] := 0; s.tokens[place] := 0; s.owners[place] := '-';
        place := NULL;
    END IF;
    IF want = 'leave' THEN
        -- what is in flight may be counted until a window from now
        FOR i IN 1..slot_limit LOOP
            IF s.states[i] = 'X' AND s.owners[i] = me THEN
                s.states[i] := 'F'; s.ats[i] := 0; s.tokens[i] := 0; s.owners[i] := '-';
                s.befores[i] := greatest(0, s.frees[i] - hold);
                s.frees[i] := now_us + hold;
            END IF;
        END LOOP;
        others := others - me;
    END IF;

    UPDATE lemlist_slots_v2 SET shape = s.shape, run = s.run, latest = s.latest, paused = s.paused,
        sliding = s.sliding, interactive = s.interactive, paced = s.paced, asked = s.asked, members = others,
        states = s.states, ats = s.ats, frees = s.frees, tokens = s.tokens, owners = s.owners, trips = s.trips
        WHERE key = this_key;

    -- for forecasts: milliseconds until each slot is free; -1 for one in flight
    FOR i IN 1..slot_limit LOOP
        shown := shown || CASE WHEN s.states[i] = 'X' THEN '-1' ELSE greatest(0, ceil(
            (CASE WHEN s.states[i] = 'F' THEN s.frees[i] ELSE s.ats[i] + hold END - now_us) / 1000.0))::bigint::text END;
    END LOOP;
    RETURN ARRAY['ok', now_us::text, ask::text, (place IS NOT NULL)::integer::text, alive::text, smallest::text,
        array_to_string(shown, ' ')] || granted;
END;
$$;

CREATE FUNCTION lemlist_slots_first_v2(states text[], frees bigint[], usable integer)
RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    best integer;
BEGIN
    FOR i IN 1..usable LOOP
        IF states[i] = 'F' AND (best IS NULL OR frees[i] < frees[best]) THEN
            best := i;
        END IF;
    END LOOP;
    RETURN best;
END;
$$;

-- The instant at which the estimate of a sliding counter leaves room for one more, wherever its window began: as
-- `Ledger._latest_fall`, with all that is reserved as if it were in flight.
CREATE FUNCTION lemlist_slots_sliding_v2(
    states text[], frees bigint[], befores bigint[], now_us bigint, slot_window bigint, hold bigint)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    stamps bigint[];
    flying integer := 0;
    most integer := array_length(states, 1) - 1;
    latest numeric := 0;
    beginning bigint;
    current_count integer;
    previous_count integer;
BEGIN
    FOR i IN 1..array_length(states, 1) LOOP
        flying := flying + (states[i] <> 'F')::integer;
    END LOOP;
    SELECT coalesce(array_agg(at), '{}') INTO stamps
        FROM (SELECT unnest(frees) - hold AS at UNION ALL SELECT unnest(befores)) AS ends
        WHERE at > now_us - 2 * slot_window;
    FOREACH beginning IN ARRAY stamps || ARRAY(SELECT unnest(stamps) + slot_window) LOOP
        SELECT flying + count(*) FILTER (WHERE at >= beginning),
            count(*) FILTER (WHERE at < beginning AND at >= beginning - slot_window)
            INTO current_count, previous_count FROM unnest(stamps) AS at;
        IF current_count + previous_count > most THEN
            latest := greatest(latest, beginning + slot_window * CASE WHEN current_count < most
                THEN 1 - (most - current_count)::numeric / previous_count ELSE 1 END);
        END IF;
    END LOOP;
    RETURN ceil(latest)::bigint + hold - slot_window;
END;
$$;
